"""What a plan says of programs whose pinned version differs from what runs, or from what a clone had."""

import subprocess
from pathlib import Path
from typing import Final

import pytest
import yaml

from generator.apply import run
from generator.apply.running import Running
from generator.changes.programs import had, pinned, program_changes
from generator.pipeline import compile_text

ROOT: Final = Path(__file__).parents[2]
VERSIONS: Final = (ROOT / "versions.yaml").read_text()
PROMETHEUS: Final = pinned(VERSIONS)["prometheus"]
COMPOSE: Final = """\
services:
  prometheus: {image: "${IMAGE_PROMETHEUS:?run make up}"}
  bugsink: {profiles: [errors], image: "${IMAGE_BUGSINK:-left-out}"}
  bugsink-bridge: {profiles: [errors], image: "${IMAGE_BUGSINK:-left-out}"}
  redis-exporter-a: {image: "${IMAGE_REDIS_EXPORTER:?run make up}"}
  redis-exporter-b: {image: "${IMAGE_REDIS_EXPORTER:?run make up}"}
  limited: {mem_limit: 64m}
"""


def changes(before: dict[str, str], after: dict[str, str], *profiles: str) -> list[str]:
    return program_changes(before, after, [COMPOSE], profiles)


def test_a_newer_program_is_named_with_both_versions_and_what_restarts() -> None:
    assert changes({"prometheus": "3.13.5"}, {"prometheus": "3.13.6"}) == [
        "prometheus 3.13.5 → 3.13.6: prometheus restarts with `make up`"
    ]


def test_every_container_of_the_image_is_named() -> None:
    assert changes({"redis-exporter": "1.86.0"}, {"redis-exporter": "1.87.0"}) == [
        "redis-exporter 1.86.0 → 1.87.0: redis-exporter-a, redis-exporter-b restart with `make up`"
    ]


@pytest.mark.parametrize(("profiles", "count"), [((), 0), (("traces",), 0), (("errors", "traces"), 1)])
def test_a_program_that_this_installation_does_not_run_is_not_named(profiles: tuple[str, ...], count: int) -> None:
    assert len(changes({"bugsink": "2.6.1"}, {"bugsink": "2.7.0"}, *profiles)) == count


def test_the_same_version_a_new_program_and_one_that_goes_say_nothing() -> None:
    assert changes({"prometheus": "1", "loki": "1"}, {"prometheus": "1", "tempo": "2"}) == []


@pytest.mark.parametrize(
    ("reference", "version"),
    [
        (f"prom/prometheus:v{PROMETHEUS}", PROMETHEUS),
        (f"lookout/prometheus:{PROMETHEUS}", PROMETHEUS),
        ("prom/prometheus:v3.13.4", "3.13.4"),
        ("lookout/prometheus:3.13.4", "3.13.4"),
        ("mirror.acme.dev:5000/prom/prometheus:v3.13.4", None),
        ("", None),
    ],
)
def test_the_version_that_runs_is_read_from_env(reference: str, version: str | None) -> None:
    assert had(VERSIONS, {"IMAGE_PROMETHEUS": reference}).get("prometheus") == version


def test_a_stand_in_of_another_version_than_the_pin_is_what_is_meant() -> None:
    entry = yaml.safe_load(VERSIONS)["uptime-kuma"]
    assert entry["standin_version"] != entry["version"]
    assert had(VERSIONS, {"IMAGE_UPTIME_KUMA": entry["standin"]}) == {"uptime-kuma": entry["version"]}


def test_plan_names_a_pin_that_was_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real compose.yaml and versions.yaml, with one pin raised since `make up` wrote .env."""
    compiled = compile_text("services:\n  cache: {kind: redis, address: 'cache:6379'}\n", "services.yaml")
    for name in ("compose.yaml", "versions.yaml"):
        (tmp_path / name).write_text((ROOT / name).read_text().replace(PROMETHEUS, "3.99.0"))
    had_once = {name: entry["image"] for name, entry in yaml.safe_load(VERSIONS).items() if entry.get("image")}
    lines = (f"IMAGE_{name.upper().replace('-', '_')}={reference}\n" for name, reference in had_once.items())
    (tmp_path / ".env").write_text("".join(lines) + "COMPOSE_PROFILES=grafana\n")
    (tmp_path / "compose.rendered.yaml").write_text(
        next(each.content for each in compiled.artifacts if each.path == "compose.rendered.yaml")
    )
    empty = subprocess.CompletedProcess([], 0, "", "")
    monkeypatch.setattr(run, "running_services", lambda root: {"prometheus"})
    monkeypatch.setattr(run, "_wanted", lambda running: [])
    for name in ("preview_containers", "apps_to_restart", "profile_changes"):
        monkeypatch.setattr(run, name, lambda *_: [])
    for name in ("stale_parts", "started"):
        monkeypatch.setattr(run, name, lambda *_: {})
    monkeypatch.setattr(run, "compose", lambda *_, **__: empty)
    running: Running = run.running_stack(tmp_path, compiled.site, compiled.artifacts)
    said, problems = run.plan_running(running, run.look(running.root))
    assert (said, problems) == ([f"prometheus {PROMETHEUS} → 3.99.0: prometheus restarts with `make up`"], [])
