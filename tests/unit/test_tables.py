"""The tables of docs/measurements.md: written whole, each aim with a verdict that its own figures bear out."""

import re
from typing import Final

import pytest

from tests.bench.test_bench import AIMS, CHECK_AIMS, PROVING_AIMS, UNCHANGED_AIM
from tests.bench.test_instrumentation_overhead import METRICS_AIM
from tests.bench.test_start import BOUND
from tests.support.tables import OPTION, PAGE, Aim, table, tables, written

COMMAND: Final = f"pytest tests/bench {OPTION}"
HEADS: Final = {
    "start": {f"{BOUND:g} s"},
    "rendering": {f"{aim:g} s" for aim in AIMS.values()},
    "unchanged": {f"{UNCHANGED_AIM:g} s"},
    "checking": {f"{aim:g} s" for aim in CHECK_AIMS.values()},
    "proving": {f"{aim:g} s" for aim in PROVING_AIMS.values()},
    "instrumentation": {f"{METRICS_AIM:g} µs"},
}
# The column that has an aim.
FIGURES: Final = {
    "start": "CPU beyond Python's own",
    "rendering": "all",
    "unchanged": "CPU",
    "checking": "on the clock",
    "proving": "on the clock",
    "instrumentation": "more, quietest turns",
}
OLD: Final = {"one": "old\n", "two": ""}


def rows_of(body: str) -> list[dict[str, str]]:
    """The rows of a table; the column after `aim` has its verdict."""
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in body.splitlines() if line[:1] == "|"]
    head = ["verdict" if before == "aim" else name for before, name in zip(["", *lines[0]], lines[0], strict=False)]
    return [dict(zip(head, line, strict=True)) for line in lines[2:]]


def test_every_table_is_there_and_was_written_by_the_bench() -> None:
    found = tables(PAGE.read_text())
    assert {name: command for name, (command, _) in found.items()} == dict.fromkeys(HEADS, COMMAND)
    for name, (_, body) in found.items():
        assert re.match(r"\d{4}-\d\d-\d\d, after commit [0-9a-f]{7,}, \d+ cores, \d+ GiB, ", body), name
        assert len(rows_of(body)) >= 2, name


@pytest.mark.parametrize("name", HEADS)
def test_an_aim_that_is_not_met_says_so(name: str) -> None:
    figure = FIGURES[name]
    aims = set()
    for row in rows_of(tables(PAGE.read_text())[name][1]):
        if row["aim"] == "none":
            assert row["verdict"] == ""
            continue
        aims.add(row["aim"])
        value, aim = (float(row[key].split()[0]) for key in (figure, "aim"))
        assert row["verdict"] == ("met" if value <= aim else "missed"), row
    assert aims and aims <= HEADS[name]


def test_a_table_takes_the_place_of_the_one_before() -> None:
    one, two = (f"<!-- printed by `x`: {name} -->\n{old}<!-- end of {name} -->\n" for name, old in OLD.items())
    page = f"a\n{one}b\n{two}"
    assert tables(written(page, "one", "new")) == {"one": ("x", "new"), "two": ("x", "")}
    assert written(written(page, "two", "new"), "two", "") == written(page, "two", "")
    assert written(page, "one", "new").startswith("a\n<!-- printed by `x`: one -->\n\nnew\n<!-- end of one -->\nb\n")
    with pytest.raises(ValueError, match="0 tables called 'three'"):
        written(page, "three", "")


def test_a_verdict_is_of_what_is_printed() -> None:
    assert Aim(1.004, 1.0).cells() == ("1.00 s", "1 s", "met")
    assert Aim(1.006, 1.0).cells() == ("1.01 s", "1 s", "missed")
    assert table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |\n"
