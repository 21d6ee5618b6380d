"""docs/architecture.md is true: it names every room of generator/ once, and both walks go one way through them."""

import re
import tomllib
from pathlib import Path
from typing import Final

import pytest

from generator.pipeline import compile_text

REPOSITORY: Final = Path(__file__).resolve().parents[2]
PAGE: Final = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
WALKS: Final = ("From the text of services.yaml to a rule on disk", "From an alert of a pack to its proof")


def section(title: str) -> str:
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def rows(title: str) -> list[list[str]]:
    """The cells of a section's table, without its head."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:]]


def depth(room: str) -> int:
    """How far above the lowest layer a room is."""
    contracts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers = next(each["layers"] for each in contracts["contracts"] if each["type"] == "layers")
    return len(layers) - next(i for i, layer in enumerate(layers) if room in re.split(r"\W+", layer))


def test_every_room_is_named_once() -> None:
    named = [name for row in rows("The rooms of generator/") for name in re.findall(r"`([^`]+)`", row[0])]
    folder = REPOSITORY / "generator"
    there = {path.name for path in folder.iterdir() if path.is_dir() and path.name != "__pycache__"}
    there |= {path.stem for path in folder.glob("*.py") if path.name != "__init__.py"}
    assert sorted(named) == sorted(there)


def test_the_rooms_stand_in_the_order_of_the_layers() -> None:
    named = [re.findall(r"`(\w+)`", row[0]) for row in rows("The rooms of generator/")]
    depths = [min(depth(name) for name in names) for names in named]
    assert depths == sorted(depths, reverse=True)


@pytest.mark.parametrize("title", WALKS)
def test_a_walk_has_few_rooms_and_no_way_back(title: str) -> None:
    rooms = [row[1].strip("`") for row in rows(title)]
    assert 1 < len(rooms) <= 8
    assert [depth(room) for room in rooms] == sorted({depth(room) for room in rooms})


@pytest.mark.parametrize("title", WALKS)
def test_what_a_walk_says_to_read_is_there(title: str) -> None:
    for row in rows(title):
        path, function = re.findall(r"`([^`]+)`", row[4])
        assert path.startswith(f"generator/{row[1].strip('`')}/")
        assert re.search(rf"^def {function}\(", (REPOSITORY / path).read_text(encoding="utf-8"), re.MULTILINE), function


def test_the_example_of_both_walks_is_what_is_rendered() -> None:
    text = (REPOSITORY / "services.yaml").read_text(encoding="utf-8")
    assert "latency_p95: 300ms" in text
    files = {each.path: each.content for each in compile_text(text, "services.yaml").artifacts}
    (path,) = re.findall(r"`(prometheus/rules/\S+)`", section(WALKS[0]))
    rule = files[path].partition("alert: HttpLatencyHigh")[2].partition("- alert:")[0]
    assert re.search(r"> 0\.3$", rule, re.MULTILINE)
    proofs = [path for path in files if path.startswith("prometheus/proofs/") and path.endswith("/HttpLatencyHigh.yml")]
    assert len(proofs) == 1
