"""The first minutes after a start: a starting part does not page, a missing part does."""

import json
from pathlib import Path
from typing import Any

import pytest

from generator.clients.tools import run_tool
from generator.packs import load_packs
from generator.packs.cases import cases_of
from generator.packs.sample import SAMPLE_STACK, sample_instance
from generator.prove.timeline import Timeline
from generator.render.prometheus.rules import render_rules
from tests.packs.proving import sample_site

OUTAGES = {
    "target": "ServiceDown",
    "host": "HostDown",
    "redis": "RedisDown",
    "postgres": "PostgresDown",
    "probe": "ProbeFailed",
    "stack": "PartDown",
}
# Prometheus itself started and loaded its configuration at the epoch, which is when a test begins.
SETTLED = 60


def fires(kind: str, tmp_path: Path, late: int, until: int) -> bool:
    """Whether the kind's outage alert fires before `until` when what it watches is down for `late` seconds first."""
    pack = load_packs()[kind]
    site = sample_site(pack)
    (service,) = site.services
    _, instance = sample_instance(pack)
    (case,) = (case for case in cases_of(instance, service, SAMPLE_STACK) if case.alert == OUTAGES[kind])
    timeline = Timeline(case.interval, case.evaluation)
    timeline.run(late, case.fault)
    timeline.run(600, case.baseline)
    (rules,) = render_rules(site)
    (tmp_path / "rules.yml").write_text(rules.content, encoding="utf-8")
    expr = f'count_over_time(ALERTS{{alertname="{case.alert}",alertstate="firing"}}[{until}s])'
    silent: dict[str, Any] = {"expr": expr, "eval_time": f"{until}s", "exp_samples": []}
    test = {"interval": "10s", "input_series": timeline.series(), "promql_expr_test": [silent]}
    proof = {"rule_files": ["rules.yml"], "evaluation_interval": "5s", "tests": [test]}
    (tmp_path / "proof.yml").write_text(json.dumps(proof), encoding="utf-8")
    run = run_tool("promtool", ["test", "rules", "proof.yml"], tmp_path)
    assert run.code == 0 or "got:" in run.output, run.output
    return run.code != 0


@pytest.mark.parametrize("kind", OUTAGES)
def test_what_comes_up_within_a_minute_of_prometheus_pages_no_one(kind: str, tmp_path: Path) -> None:
    assert not fires(kind, tmp_path, late=SETTLED - 10, until=300)


@pytest.mark.parametrize("kind", OUTAGES)
def test_what_does_not_come_up_pages_soon_after_that_minute(kind: str, tmp_path: Path) -> None:
    assert fires(kind, tmp_path, late=300, until=SETTLED + 60)
