"""The contract can fail: each way to break a good pack is one complaint."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generator.packs.contract import check_pack
from generator.packs.fixtures import read_exposition, unmatched_selectors
from generator.packs.load import PACKS, load_packs
from generator.packs.relabel import relabelled
from generator.promql.tree import parse

Change = Callable[[Path], None]


def edit(file: str, old: str, new: str) -> Change:
    def change(folder: Path) -> None:
        text = (folder / file).read_text(encoding="utf-8")
        assert old in text
        (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


def add(file: str) -> Change:
    return lambda folder: (folder / file).touch()


def no_fixtures(folder: Path) -> None:
    shutil.rmtree(folder / "fixtures")


def inhibited_by(name: str) -> Change:
    """RedisMemoryHigh with a more severe one."""
    limit = "    expr: <<sig.memory>> > <<memory_used>>"
    return edit("rules.yaml", limit, f"    inhibited_by: {name}\n{limit}")


BROKEN: dict[str, tuple[Change, str]] = {
    "a runbook of no alert": (add("runbooks/Gone.md"), "no alert is called 'Gone'"),
    "a runbook without a section": (edit("runbooks/RedisDown.md", "## Impact", "## Effect"), "the headings must be"),
    "a case of no alert": (edit("tests.yaml", "  RedisSlow:", "  RedisFast:"), "no alert is called 'RedisFast'"),
    "an alert without a case": (edit("tests.yaml", "  RedisSlow:", "  RedisFast:"), "RedisSlow has no case"),
    "a case without an edge": (edit("tests.yaml", "    no_edge: It answers or it does not.\n", ""), "or a reason why"),
    "a case that does not say what happens when series go": (
        edit("tests.yaml", "    gone: keeps firing\n", ""),
        "what happens when its series are gone",
    ),
    "a parameter no one uses": (
        edit("pack.yaml", "params:\n", "params:\n  spare: {type: number, default: 1, why: none}\n"),
        "the parameter 'spare' is used nowhere",
    ),
    "a parameter that hides a word of all templates": (
        edit("pack.yaml", "params:\n", "params:\n  targets: {type: number, default: 1, why: none}\n"),
        "the parameter 'targets' hides a name that all templates have",
    ),
    "a number of a proof that hides a parameter": (
        edit("tests.yaml", "let:\n", "let:\n  latency: 1\n"),
        "let: 'latency' hides a parameter of the pack",
    ),
    "a runbook that names a parameter that is none": (
        edit("runbooks/RedisEvicting.md", "`params.redis.evictions`", "`params.redis.evicted`"),
        "redis has no parameter 'evicted'",
    ),
    "a runbook that sets a parameter without its kind": (
        edit("runbooks/RedisEvicting.md", "`params.redis.evictions`", "`params: {evictions: 5}`"),
        "write `params: {KIND: {NAME: VALUE}}`",
    ),
    "an alert that covers no way of failing": (
        edit("rules.yaml", "    detects: [down]\n", ""),
        "RedisDown: `detects` says which way of failing it covers",
    ),
    "a more severe alert that is none": (inhibited_by("RedisGone"), "inhibited_by: the pack has no RedisGone"),
    "a more severe alert that is no more severe": (
        inhibited_by("RedisEvicting"),
        "inhibited_by: RedisEvicting is not more severe",
    ),
    "a more severe alert that comes later": (inhibited_by("RedisEvicting"), "inhibited_by: RedisEvicting fires later"),
    "a more severe alert of what may be other things": (
        inhibited_by("RedisRejectsConnections"),
        "inhibited_by: RedisRejectsConnections is not of the same things",
    ),
    "a signal no one uses": (
        edit("pack.yaml", "signals:\n", "signals:\n  spare: {expr: up, unit: short, help: none}\n"),
        "the signal 'spare' is used nowhere",
    ),
    "an alert no panel names": (
        edit("panels.yaml", "alerts: [RedisSlow]", "alerts: []"),
        "must be there and name RedisSlow",
    ),
    "a panel that names no alert": (
        edit("panels.yaml", "alerts: [RedisSlow]", "alerts: [RedisSlow, RedisFast]"),
        "no alert is called 'RedisFast'",
    ),
    "a threshold of no parameter": (
        edit("panels.yaml", "{param: latency,", "{param: lateness,"),
        "no parameter with a number is called 'lateness'",
    ),
    "two panels of one id": (edit("panels.yaml", "id: redis-latency", "id: redis-up"), "two panels have the same id"),
    "no fixture": (no_fixtures, "the pack has no fixture"),
    "another version than was recorded": (
        edit("pack.yaml", 'version: "1.86.0"', 'version: "1.99.0"'),
        "no fixture is called redis_exporter-1.99.0*.prom",
    ),
    "a required metric no one prints": (
        edit("pack.yaml", "metrics: [redis_up]", "metrics: [redis_alive]"),
        "no fixture has the required metric redis_alive",
    ),
    "a metric no one prints, in a rule": (
        edit("rules.yaml", "last_over_time(redis_up{", "last_over_time(redis_alive{"),
        "RedisDown: no fixture has a metric redis_alive",
    ),
    "a query in a runbook that asks for nothing": (
        edit("runbooks/RedisSlow.md", "1. What was slow?", "1. Ask `--data-urlencode 'query=redis_speed'`:"),
        "redis_speed: no fixture has a metric redis_speed",
    ),
    "a label no one prints": (
        edit("pack.yaml", "redis_connected_clients{<<selector>>}", 'redis_connected_clients{<<selector>>,kind="x"}'),
        'no series redis_connected_clients in a fixture has kind="x"',
    ),
    "an expression that does not parse": (
        edit("rules.yaml", "expr: <<sig.memory>> >", "expr: <<sig.memory>> >>"),
        "RedisMemoryHigh: does not parse",
    ),
}


@pytest.mark.parametrize(("change", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_pack_is_reported(change: Change, message: str, tmp_path: Path) -> None:
    for name in ("redis", "http", "instrumentation", "stack", "target"):
        shutil.copytree(PACKS / name, tmp_path / name)
    change(tmp_path / "redis")
    problems = check_pack(load_packs(tmp_path)["redis"])
    assert message in "\n".join(problem.message for problem in problems)


def test_packs_of_one_source_share_parameters() -> None:
    packs = load_packs()
    assert "surge_factor" in packs["http"].params.keys() & packs["django"].params.keys()
    assert [check_pack(packs[name]) for name in ("http", "django")] == [(), ()]


def test_a_label_that_an_aggregation_drops_is_reported(tmp_path: Path) -> None:
    for name in ("redis", "http", "instrumentation", "stack", "target"):
        shutil.copytree(PACKS / name, tmp_path / name)
    edit("rules.yaml", "Only {{ $value", "At {{ $labels.run_id }} only {{ $value")(tmp_path / "redis")
    (problem,) = check_pack(load_packs(tmp_path)["redis"])
    assert "$labels.run_id, which the expression does not return" in problem.message


PRINTED = """
# HELP http_requests_total Requests.
# TYPE http_requests_total counter
http_requests_total{method="GET",path="/a\\"b{}"} 3
up 1 1795257742673
"""


@pytest.mark.parametrize(
    ("expr", "matches"),
    [
        ('http_requests_total{method="GET"}', True),
        ('http_requests_total{method="GET",service="api",job="api"}', True),
        ('http_requests_total{method="PUT"}', False),
        ('http_requests_total{status=~"5.."}', False),
        ('http_requests_total{method!="PUT"}', True),
        ('{__name__=~"http_requests_.*"}', True),
        ('{__name__=~"django_.*"}', False),
        ("rate(http_requests_total[5m]) / rate(other_total[5m])", False),
        ("up == 1", True),
    ],
)
def test_a_selector_matches_what_was_printed_or_does_not(expr: str, matches: bool) -> None:
    assert (unmatched_selectors(parse(expr), read_exposition(PRINTED)) == []) is matches


DJANGO = """
django_http_responses_total_by_status_view_method_total{status="200",view="items",method="GET"} 7
django_http_requests_latency_seconds_by_view_method_count{view="items",method="GET"} 7
python_info{version="3.11"} 1
"""
MAPPING: list[dict[str, Any]] = [
    {"source_labels": ["__name__"], "regex": "python_.*", "action": "drop"},
    {
        "source_labels": ["__name__"],
        "regex": "django_http_responses_total_by_status_view_method_total",
        "target_label": "__name__",
        "replacement": "http_requests_total",
    },
    {
        "source_labels": ["__name__"],
        "regex": "django_http_requests_latency_seconds_by_view_method_(.*)",
        "target_label": "__name__",
        "replacement": "http_request_duration_seconds_${1}",
    },
    {"regex": "view", "action": "labelmap", "replacement": "handler"},
    {"regex": "view", "action": "labeldrop"},
]


def test_a_mapping_is_applied_before_selectors_are_looked_up() -> None:
    stored = relabelled(read_exposition(DJANGO), MAPPING)
    assert [(series.name, dict(series.labels)) for series in stored] == [
        ("http_requests_total", {"status": "200", "method": "GET", "handler": "items"}),
        ("http_request_duration_seconds_count", {"method": "GET", "handler": "items"}),
    ]


def test_an_action_the_contract_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="hashmod"):
        relabelled(read_exposition("up 1"), [{"action": "hashmod"}])
