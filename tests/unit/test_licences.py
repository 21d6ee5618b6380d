"""The licence is there in full, and NOTICE names the licence of every program and package that the pins name."""

import json
import re
import tomllib
from importlib.metadata import metadata
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

REPOSITORY: Final = Path(__file__).resolve().parents[2]
NOTICE: Final = (REPOSITORY / "NOTICE").read_text(encoding="utf-8")
VERSIONS: Final[dict[str, dict[str, Any]]] = yaml.safe_load((REPOSITORY / "versions.yaml").read_text(encoding="utf-8"))
PROJECTS: Final = {
    folder: tomllib.loads((REPOSITORY / folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for folder in (".", "instrumentation")
}


def listed(heading: str) -> dict[str, str]:
    """The rows of NOTICE below a heading: a name, two spaces or more, a licence."""
    _, _, below = NOTICE.partition(f"{heading}:\n\n")
    rows = below.split("\n\n")[0].splitlines()
    return dict(re.split(r" {2,}", row.strip(), maxsplit=1) for row in rows)


def packages(folder: str) -> set[str]:
    """The packages that a project cannot do without."""
    return {re.split(r"[\[=<>]", each)[0] for each in PROJECTS[folder]["dependencies"]}


def test_notice_and_versions_yaml_agree() -> None:
    runs = {name: str(entry["licence"]) for name, entry in VERSIONS.items() if "image" in entry}
    builds = {name: str(entry["licence"]) for name, entry in VERSIONS.items() if "image" not in entry}
    assert listed("Programs that a stack runs") == runs
    assert listed("Programs that images are built with") == builds


@pytest.mark.parametrize(
    ("heading", "folder"),
    [
        ("Python packages that the compiler imports", "."),
        ("Python packages that an app gets with the library", "instrumentation"),
    ],
)
def test_notice_names_every_python_package_with_the_licence_that_it_says_itself(heading: str, folder: str) -> None:
    rows = listed(heading)
    assert rows.keys() == packages(folder)
    said = {name: metadata(name).json.get("license_expression") for name in rows}
    assert {name: rows[name] for name, licence in said.items() if licence} == {n: s for n, s in said.items() if s}


@pytest.mark.parametrize("folder", PROJECTS)
def test_each_python_project_carries_the_licence_in_full(folder: str) -> None:
    project = PROJECTS[folder]
    assert project["license"] == "Apache-2.0"
    assert "LICENSE" in project["license-files"]
    assert all((REPOSITORY / folder / name).is_file() for name in project["license-files"])
    text = (REPOSITORY / folder / "LICENSE").read_text(encoding="utf-8")
    assert text.split()[:4] == ["Apache", "License", "Version", "2.0,"]
    assert [int(number) for number in re.findall(r"^ {3}(\d)\. ", text, re.MULTILINE)] == list(range(1, 10))
    assert "END OF TERMS AND CONDITIONS" in text and "limitations under the License." in text


def test_the_module_for_browsers_names_it_too() -> None:
    package = json.loads((REPOSITORY / "instrumentation/browser/package.json").read_text(encoding="utf-8"))
    assert package["license"] == "Apache-2.0"
