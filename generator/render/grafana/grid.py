"""Where panels sit: 24 columns, filled from left to right, without holes.

Pure arithmetic over sizes; it knows nothing of panels or of Grafana's JSON.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

COLUMNS: Final = 24
ROW_HEADER: Final = 1


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of the grid, in columns and grid lines."""

    x: int
    y: int
    w: int
    h: int


def flow(sizes: Sequence[tuple[int, int]], top: int) -> tuple[tuple[Box, ...], int]:
    """Boxes for (width, height) pairs in reading order from line `top`, and the first free line below them.

    A line takes as many as fit. What is left of its 24 columns is shared out among them from the left, and all
    of a line are as high as its highest, so that no hole remains.
    """
    boxes: list[Box] = []
    for line in _lines(sizes):
        height = max(h for _, h in line)
        left = 0
        for width in _stretch([w for w, _ in line]):
            boxes.append(Box(left, top, width, height))
            left += width
        top += height
    return tuple(boxes), top


def _lines(sizes: Sequence[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    line: list[tuple[int, int]] = []
    for width, height in sizes:
        if not 0 < width <= COLUMNS or height < 1:
            raise ValueError(f"a panel of {width} by {height} does not fit a grid of {COLUMNS} columns")
        if sum(w for w, _ in line) + width > COLUMNS:
            yield line
            line = []
        line.append((width, height))
    if line:
        yield line


def _stretch(widths: list[int]) -> list[int]:
    """The same widths, enlarged in proportion until they fill the line exactly."""
    total = sum(widths)
    edges = [round(COLUMNS * sum(widths[: i + 1]) / total) for i in range(len(widths))]
    return [right - left for left, right in zip([0, *edges], edges, strict=False)]
