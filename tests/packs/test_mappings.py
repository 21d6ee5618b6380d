"""Packs that map other programs' metrics: what each program prints becomes what the rules ask for, nothing else does.

The fixtures are of one program each, so that no program can stand in for what another one lacks.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest

from generator.clients.tools import run_tool
from generator.packs import Pack, load_packs
from generator.packs.fixtures import Series, read_fixtures
from generator.packs.relabel import relabelled
from generator.packs.sample import sample_instance

FOLDER: Final = Path(__file__).parents[2] / "packs"
PACKS: Final = load_packs()
MAPPED: Final = ("celery-exporter", "django", "flask", "flower", "starlette")
HTTP: Final = {
    ("http_requests_total", "status"),
    ("http_request_duration_seconds_bucket", "le"),
    ("http_request_duration_seconds_bucket", "handler"),
    ("http_request_duration_seconds_count", "handler"),
}
CELERY: Final = {
    ("celery_worker_up", ""),
    ("celery_tasks_in_progress", ""),
    ("celery_tasks_total", "task"),
    ("celery_tasks_total", "state"),
    ("celery_task_runtime_seconds_bucket", "task"),
    ("celery_task_runtime_seconds_sum", "task"),
}
# What each program alone has to give, as (metric, label).
GIVES: Final = {
    "celery-exporter/celery-exporter-0.12.2": CELERY | {("celery_queue_length", "queue")},
    "flower/flower-2.2.0": CELERY,
    "flower/redis_exporter-1.86.0-single-keys": {("celery_queue_length", "queue"), ("redis_up", "")},
    "flask/prometheus_flask_exporter-0.23.2": HTTP,
    "django/django-prometheus-2.5.0": HTTP | {("http_requests_total", "handler")},
    "starlette/starlette_exporter-0.24.0": HTTP | {("http_requests_total", "handler")},
    "starlette/starlette-prometheus-0.10.0": HTTP | {("http_requests_total", "handler")},
}


def mapped(name: str) -> list[Series]:
    """A program's fixture as Prometheus would store it."""
    kind, _, file = name.partition("/")
    return relabelled(read_fixtures([FOLDER / kind / "fixtures" / f"{file}.prom"]), PACKS[kind].relabel)


def library() -> list[Series]:
    return read_fixtures([FOLDER / "instrumentation" / "fixtures" / "lookout_instrumentation-0.1.0.prom"])


def test_every_fixture_of_a_mapping_pack_is_looked_at() -> None:
    kept = {f"{kind}/{path.stem}" for kind in MAPPED for path in (FOLDER / kind / "fixtures").glob("*.prom")}
    assert kept == set(GIVES)


@pytest.mark.parametrize("name", GIVES)
def test_a_program_alone_gives_what_the_rules_ask_for(name: str) -> None:
    series = mapped(name)
    given = {(each.name, label) for each in series for label in ("", *each.labels)}
    assert GIVES[name] - given == set()


@pytest.mark.parametrize("name", GIVES)
def test_no_two_series_become_one(name: str) -> None:
    kind, _, file = name.partition("/")
    printed = read_fixtures([FOLDER / kind / "fixtures" / f"{file}.prom"])
    assert _doubled(printed) == set()
    assert _doubled(mapped(name)) == set()


def _doubled(series: list[Series]) -> set[tuple[str, tuple[tuple[str, str], ...]]]:
    counted = Counter((each.name, tuple(sorted(each.labels.items()))) for each in series)
    return {key for key, times in counted.items() if times > 1}


@pytest.mark.parametrize("kind", MAPPED)
def test_what_the_library_prints_stays_as_it_is(kind: str) -> None:
    printed = library()
    assert relabelled(printed, PACKS[kind].relabel) == printed


def test_outcomes_of_tasks_are_counted_once() -> None:
    for name in ("celery-exporter/celery-exporter-0.12.2", "flower/flower-2.2.0"):
        states = {each.labels["state"] for each in mapped(name) if each.name == "celery_tasks_total"}
        assert states == {"succeeded", "failed", "retried", "rejected", "revoked"}, name


def test_of_the_broker_only_its_queues_are_kept() -> None:
    kept = [each for each in mapped("flower/redis_exporter-1.86.0-single-keys") if each.name.startswith("redis_")]
    assert {each.name for each in kept} == {"redis_up"}


def evaluated(pack: Pack, alert: str, series: dict[str, str], tmp_path: Path, at: str = "1h") -> str:
    """What promtool says of one alert's expression over the series, expecting nothing."""
    _, instance = sample_instance(pack)
    expr = next(each.expr for each in instance.alerts if each.name == alert)
    test: dict[str, Any] = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [{"expr": expr, "eval_time": at, "exp_samples": []}],
    }
    (tmp_path / "proof.yml").write_text(json.dumps({"tests": [test]}), encoding="utf-8")
    return run_tool("promtool", ["test", "rules", "proof.yml"], tmp_path).output


@pytest.mark.parametrize("kind", ["celery-exporter", "flower"])
def test_the_wait_is_estimated_where_no_one_measures_it(kind: str, tmp_path: Path) -> None:
    done = 'celery_tasks_total{service="sample",task="mail",state="succeeded"}'
    waiting = 'celery_queue_length{service="sample",queue="celery"}'
    busy = {done: "0+60x120", waiting: "90x120"}
    assert "9E+01" in evaluated(PACKS[kind], "CeleryTasksWaiting", busy, tmp_path)
    quick = {done: "0+60x120", waiting: "30x120"}
    assert "got" not in evaluated(PACKS[kind], "CeleryTasksWaiting", quick, tmp_path)


@pytest.mark.parametrize("kind", ["celery-exporter", "flower"])
def test_runs_longer_than_the_last_bucket_are_seen(kind: str, tmp_path: Path) -> None:
    of_task = '{service="sample",task="mail"'
    series = {
        f'celery_task_runtime_seconds_bucket{of_task},le="10"}}': "0x120",
        f'celery_task_runtime_seconds_bucket{of_task},le="+Inf"}}': "0+2x120",
        f"celery_task_runtime_seconds_count{of_task}}}": "0+2x120",
        f"celery_task_runtime_seconds_sum{of_task}}}": "0+800x120",
    }
    assert "4E+02" in evaluated(PACKS[kind], "CeleryTaskSlow", series, tmp_path)
