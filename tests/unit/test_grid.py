"""Panels fill the grid from left to right and leave no hole."""

import random

import pytest

from generator.render.grafana.grid import COLUMNS, Box, flow

LAYOUTS = {
    "one panel takes the whole line": ([(8, 8)], [Box(0, 0, 24, 8)]),
    "three that fit exactly keep their size": ([(8, 8)] * 3, [Box(0, 0, 8, 8), Box(8, 0, 8, 8), Box(16, 0, 8, 8)]),
    "what is left over is shared out": ([(6, 4), (12, 4)], [Box(0, 0, 8, 4), Box(8, 0, 16, 4)]),
    "what does not fit begins a new line": ([(16, 5), (12, 7)], [Box(0, 0, 24, 5), Box(0, 5, 24, 7)]),
    "all of a line are as high as its highest": ([(12, 4), (12, 9)], [Box(0, 0, 12, 9), Box(12, 0, 12, 9)]),
    "nothing is nothing": ([], []),
}


@pytest.mark.parametrize(("sizes", "expected"), LAYOUTS.values(), ids=LAYOUTS)
def test_flow(sizes: list[tuple[int, int]], expected: list[Box]) -> None:
    assert list(flow(sizes, 0)[0]) == expected


def test_flow_starts_below_what_is_there_and_says_where_it_ends() -> None:
    boxes, end = flow([(24, 3), (24, 5)], 10)
    assert [box.y for box in boxes] == [10, 13]
    assert end == 18


@pytest.mark.parametrize("size", [(0, 4), (25, 4), (8, 0)], ids=["no width", "too wide", "no height"])
def test_a_size_that_fits_nowhere_is_an_error(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        flow([size], 0)


def test_every_cell_is_covered_exactly_once_whatever_the_sizes() -> None:
    chance = random.Random(7)
    for _ in range(200):
        sizes = [(chance.randint(1, 24), chance.randint(1, 9)) for _ in range(chance.randint(1, 30))]
        boxes, end = flow(sizes, 0)
        cells = [(x, y) for b in boxes for x in range(b.x, b.x + b.w) for y in range(b.y, b.y + b.h)]
        assert len(cells) == len(set(cells)) == COLUMNS * end
        assert all(box.w >= size[0] and box.h >= size[1] for box, size in zip(boxes, sizes, strict=True))
