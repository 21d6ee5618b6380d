"""What one edit of the demo's services.yaml changes in the rendered files: little, and nothing is renamed."""

import re
from functools import cache
from pathlib import Path

from generator.pipeline import compile_text

_TEXT = (Path(__file__).resolve().parents[2] / "services.yaml").read_text(encoding="utf-8")


@cache
def rendered(text: str) -> dict[str, str]:
    return {artifact.path: artifact.content for artifact in compile_text(text, "services.yaml").artifacts}


def changes(text: str) -> tuple[set[str], set[str], set[str]]:
    """The files that an edit adds, removes and changes."""
    before, after = rendered(_TEXT), rendered(text)
    changed = {path for path in before.keys() & after.keys() if before[path] != after[path]}
    return after.keys() - before.keys(), before.keys() - after.keys(), changed


def test_a_threshold_changes_its_rule_its_proof_and_what_shows_it() -> None:
    text = re.sub(r"(params:.*latency_p95: )300ms", r"\g<1>400ms", _TEXT)
    assert text != _TEXT
    assert changes(text) == (
        set(),
        set(),
        {
            "docs/runbooks/api.md",
            "grafana/dashboards/Services/service-api.json",
            "instrumentation/services/api.json",  # the histogram has a bucket that ends at the limit
            "prometheus/prometheus.yml",  # the seal, by which a loaded configuration is known
            "prometheus/proofs/api/fastapi/HttpLatencyHigh.yml",
            "prometheus/rules/api/fastapi.yml",
        },
    )


def test_a_service_adds_files_of_its_own_and_moves_none() -> None:
    added, removed, changed = changes(
        _TEXT.replace("\nhosts:", "  aaa: {kind: redis, owner: ana, address: aaa:6379, host: vps}\n\nhosts:")
    )
    assert removed == set()
    assert added == {
        "docs/runbooks/aaa.md",
        "grafana/dashboards/Services/service-aaa.json",
        "prometheus/proofs/aaa/redis/RedisEvicting.yml",  # its text says "cache", the other's name
        "prometheus/proofs/aaa/redis/RedisHitRatioLow.yml",  # switched off at the other
        "prometheus/rules/aaa/redis.yml",
    }
    assert not [path for path in changed if "/api" in path or "/cache" in path or "/db" in path or "/worker" in path]
    assert not [path for path in changed if path.startswith("prometheus/proofs/") and not path.endswith(".json")]
