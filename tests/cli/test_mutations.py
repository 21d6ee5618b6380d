"""A good file, broken at random a thousand times with fixed seeds: diagnostics, never a traceback."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from generator.diagnostics import Problems
from generator.pipeline import resolve_text
from generator.source.read import load_source
from tests.support.soak import size

GOOD = (Path(__file__).resolve().parents[2] / "services.yaml").read_text()
MUTATIONS = size(1_000, 10_000)
_WORDS = (
    "true",
    "~",
    "3",
    "-1",
    "1e400",
    "[]",
    "{}",
    "''",
    "\t",
    "&a",
    "*a",
    "!!int",
    "secret:x",
    "99%",
    "5m",
    "é",
    "\x00",
)


def drop_a_line(lines: list[str], chance: random.Random) -> None:
    del lines[chance.randrange(len(lines))]


def double_a_line(lines: list[str], chance: random.Random) -> None:
    place = chance.randrange(len(lines))
    lines.insert(place, lines[place])


def indent_a_line(lines: list[str], chance: random.Random) -> None:
    place = chance.randrange(len(lines))
    lines[place] = " " * chance.randint(1, 3) + lines[place]


def change_a_character(lines: list[str], chance: random.Random) -> None:
    place = chance.randrange(len(lines))
    at = chance.randrange(len(lines[place]) + 1)
    lines[place] = lines[place][:at] + chance.choice("{}[]:,#'\"&*!|>%@` \tz0") + lines[place][at + 1 :]


def replace_a_value(lines: list[str], chance: random.Random) -> None:
    places = [i for i, line in enumerate(lines) if ":" in line]
    place = chance.choice(places)
    lines[place] = lines[place].split(":", 1)[0] + ": " + chance.choice(_WORDS)


def swap_two_lines(lines: list[str], chance: random.Random) -> None:
    a, b = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]


MUTATORS: tuple[Callable[[list[str], random.Random], None], ...] = (
    drop_a_line,
    double_a_line,
    indent_a_line,
    change_a_character,
    replace_a_value,
    swap_two_lines,
)


def mutated(text: str, chance: random.Random) -> str:
    """`text`, changed in one to three places."""
    lines = text.splitlines()
    for _ in range(chance.randint(1, 3)):
        chance.choice(MUTATORS)(lines, chance)
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("batch", range(10))
def test_no_mutation_gives_a_traceback(batch: int) -> None:
    refused = 0
    for seed in range(batch * MUTATIONS // 10, (batch + 1) * MUTATIONS // 10):
        text = mutated(GOOD, random.Random(seed))
        try:
            resolve_text(text, "services.yaml")
        except Problems as problems:
            refused += 1
            assert all(problem.message for problem in problems.diagnostics)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {error!r}\n{text}") from error
    assert refused > MUTATIONS / 10 * 0.3, "mutations that break nothing prove nothing"


def test_the_good_file_is_good() -> None:
    assert load_source(GOOD, "services.yaml").data
    resolve_text(GOOD, "services.yaml")
