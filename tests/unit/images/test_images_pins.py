"""The pins are true: one release each, the same one in every file that names it."""

import json
import re
from pathlib import Path

import pytest

from images import Failed, build, pins
from images.pins import Image, load_pins
from images.recipes import COMPOSE, RECIPES, DebianPackage, GoModule
from tests.unit.images.fake_docker import image

IMAGES = tuple(load_pins().images.values())
PARTS = [
    *((part, load_pins().images[recipe.name].version) for recipe in RECIPES for part in recipe.parts),
    (COMPOSE, load_pins().builders["compose"]),
]
CHOICES = [(part.otherwise if isinstance(part, DebianPackage) else part, version) for part, version in PARTS]
GO_MODULES = [(part, version) for part, version in CHOICES if part is not None]


@pytest.mark.parametrize("pinned", IMAGES, ids=lambda pinned: pinned.name)
def test_an_image_is_pinned_to_one_release_in_both_columns(pinned: Image) -> None:
    assert re.fullmatch(r"\d+\.\d+(\.\d+)?", pinned.version)
    name, tag = pinned.pulled.split(":")
    assert pinned.version in tag
    assert "." not in name, "an image's name names no registry's host"
    if pinned.standin is not None:
        assert pinned.standin == f"lookout/{pinned.name}:{pinned.standin_version}"


@pytest.mark.parametrize("pinned", IMAGES, ids=lambda pinned: pinned.name)
def test_what_has_a_stand_in_has_a_recipe_and_a_dockerfile(pinned: Image) -> None:
    recipes = [recipe for recipe in RECIPES if recipe.name == pinned.name]
    assert len(recipes) == (0 if pinned.standin is None else 1)
    assert (build.STANDINS / pinned.name / "Dockerfile").is_file() == bool(recipes)


@pytest.mark.parametrize(("part", "version"), GO_MODULES, ids=[part.module for part, _ in GO_MODULES])
def test_a_go_module_requires_the_version_that_is_pinned(part: GoModule, version: str) -> None:
    required = (build.MODULES / part.module / "go.mod").read_text()
    major, minor, patch = version.split(".")
    # The Prometheus module counts its releases as v0.<major><minor in two digits>.<patch>.
    counted = f"v0.{major}{int(minor):02}.{patch}" if part.module == "prometheus" else f"v{version}"
    for package in part.programs:
        if package.startswith("lookout/"):
            assert f"go.opentelemetry.io/collector/otelcol {counted}\n" in required
        else:
            root = re.match(r"github\.com/[^/]+/[^/]+(/v\d+)?", package)
            assert root and f"\t{root[0]} {counted} " in required
    assert (build.MODULES / part.module / "go.sum").stat().st_size > 0


def test_the_packages_of_bugsink_are_all_pinned_and_name_no_registry() -> None:
    lines = (build.STANDINS / "bugsink" / "requirements.txt").read_text().splitlines()
    assert f"bugsink=={image('bugsink').version}" in lines
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []


def test_the_packages_of_uptime_kuma_are_locked_and_name_no_registry() -> None:
    folder = build.STANDINS / "uptime-kuma"
    wanted = json.loads((folder / "package.json").read_text())["dependencies"]
    assert wanted == {"uptime-kuma": image("uptime-kuma").standin_version}
    packages = json.loads((folder / "package-lock.json").read_text())["packages"]
    assert packages["node_modules/uptime-kuma"]["version"] == wanted["uptime-kuma"]
    assert not [path for path, entry in packages.items() if "resolved" in entry]
    assert not [path for path, entry in packages.items() if path and "integrity" not in entry]


def test_a_broken_pin_file_is_reported_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "versions.yaml"
    path.write_text("prometheus: {version: 1.0.0, image: prom/prometheus:v1.0.0}\n")
    with pytest.raises(Failed, match=r"versions\.yaml: cannot be read: 'standin'"):
        pins.load_pins(path)


@pytest.mark.parametrize(
    ("debian", "upstream"),
    [("5:8.0.6-3", "8.0.6"), ("2.11.4-1", "2.11.4"), ("24.21.0+dfsg+~cs24.13.4-1", "24.21.0"), ("1.0-2-3", "1.0-2")],
)
def test_the_programs_own_version_in_that_of_a_package(debian: str, upstream: str) -> None:
    assert build.upstream_version(debian) == upstream
