"""What one edit of the demo's services.yaml changes in the rendered files: little, and nothing is renamed."""

import re
from functools import cache
from pathlib import Path

import pytest

from generator.pipeline import compile_text

_TEXT = (Path(__file__).resolve().parents[2] / "services.yaml").read_text(encoding="utf-8")


@cache
def rendered(text: str) -> dict[str, str]:
    return {artifact.path: artifact.content for artifact in compile_text(text, "services.yaml").artifacts}


def changes(text: str) -> tuple[set[str], set[str], set[str]]:
    """The files that an edit adds, removes and changes."""
    return _swapped(rendered(_TEXT), rendered(text))


def test_a_threshold_changes_its_rule_its_proof_and_what_shows_it() -> None:
    text = re.sub(r"(params:.*latency_p95: )300ms", r"\g<1>400ms", _TEXT)
    assert text != _TEXT
    assert changes(text) == (
        set(),
        set(),
        {
            "docs/coverage.md",  # what the app has to export: buckets around the limit
            "docs/runbooks/api.md",
            "grafana/dashboards/Services/service-api.json",
            "prometheus/proofs/api/target/MetricsMissing.yml",
            "prometheus/rules/api/target.yml",
            "instrumentation/services/api.json",  # the histogram has a bucket that ends at the limit
            "prometheus/prometheus.yml",  # the seal, by which a loaded configuration is known
            "prometheus/proofs/api/fastapi/HttpLatencyHigh.yml",
            "prometheus/rules/api/fastapi.yml",
        },
    )


REDIS = "  NAME: {kind: redis, owner: ana, address: NAME:6379, host: vps}\n"


@pytest.mark.parametrize("place", ["\n  api:", "\nhosts:"], ids=["above all others", "below all others"])
def test_a_service_adds_files_of_its_own_and_moves_none(place: str) -> None:
    line = "\n" + REDIS.replace("NAME", "sessions").rstrip()
    added, removed, changed = changes(_TEXT.replace(place, line + place, 1))
    assert removed == set()
    assert added == {
        "docs/runbooks/sessions.md",
        "grafana/dashboards/Services/service-sessions.json",
        # Nothing uses it, so that nothing else shows whether it answers.
        "prometheus/proofs/sessions/redis/RedisDown.yml",
        "prometheus/proofs/sessions/redis/RedisExporterRefused.yml",
        "prometheus/proofs/sessions/redis/RedisEvicting.yml",  # its text says "cache", the other's name
        "prometheus/proofs/sessions/redis/RedisHitRatioLow.yml",  # the other is a broker, and has none
        "prometheus/rules/sessions/redis.yml",
    }
    assert not [path for path in changed if "/api" in path or "/cache" in path or "/db" in path or "/worker" in path]
    assert not [path for path in changed if path.startswith("prometheus/proofs/") and not path.endswith(".json")]


def test_a_service_that_goes_takes_its_own_files_and_no_others() -> None:
    line = REDIS.replace("NAME", "sessions")
    added, removed, changed = _swapped(rendered(_TEXT.replace("\nhosts:", line + "\nhosts:")), rendered(_TEXT))
    assert added == set()
    assert all("sessions" in path for path in removed)
    assert not [path for path in changed if path.startswith(("prometheus/proofs/api", "prometheus/rules/"))]


def test_a_service_whose_name_comes_first_takes_over_what_it_shares_and_nothing_else() -> None:
    """The limit of it: proofs of rules that differ in names alone lie with the first name."""
    added, removed, changed = changes(_TEXT.replace("\nhosts:", REDIS.replace("NAME", "aaa") + "\nhosts:"))
    assert removed and all(path.startswith("prometheus/proofs/cache/redis/") for path in removed)
    assert {path.replace("/cache/", "/aaa/") for path in removed} <= added
    assert not [path for path in changed if path.startswith("prometheus/rules/")]


@pytest.mark.parametrize("name", ["api", "worker", "cache", "db"])
def test_a_service_that_moves_changes_no_file(name: str) -> None:
    """To the top and to the bottom; the last one stays, for it has the hosts behind it."""
    blocks = re.split(r"^(?=  [a-z]+:)", _services(), flags=re.MULTILINE)
    (moved,) = (block for block in blocks if block.startswith(f"  {name}:"))
    others = [block for block in blocks if block is not moved]
    for order in ([others[0], moved, *others[1:]], [*others, moved]):
        text = _TEXT.replace(_services(), "".join(order))
        assert changes(text) == (set(), set(), set()), name


def _services() -> str:
    """The demo's services, as they are written."""
    return _TEXT.partition("\nservices:\n")[2].partition("\nhosts:")[0]


def _swapped(before: dict[str, str], after: dict[str, str]) -> tuple[set[str], set[str], set[str]]:
    changed = {path for path in before.keys() & after.keys() if before[path] != after[path]}
    return after.keys() - before.keys(), before.keys() - after.keys(), changed
