"""What a service exports differs a little from what its alerts read: MetricsMissing names it, and the alerts.

Whole sites, played through their own rules: metrics as other libraries print them.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest

from generator.packs.needs import needs_of
from generator.pipeline import compile_text, resolve_text
from generator.site.model import Need, Service
from tests.support.played import Firing, played, site_of

CHANNEL: Final = 'channels: {ops: {slack: {channel: "#ops"}}}\nservices:\n'
REQUESTS: Final = "http_requests_total"
DURATION: Final = "http_request_duration_seconds"
BUCKET: Final = f"{DURATION}_bucket"
DEFAULT: Final = (0.1, 0.5, 1.0)
WIDE: Final = (0.005, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0)
GOOD: Final = "0+100x600"


def kind_of(kind: str, more: str = "") -> str:
    return f"{CHANNEL}  api: {{kind: {kind}, targets: [api:8000]{more}}}\n"


def series(metric: str, **labels: str) -> str:
    more = "".join(f',{name}="{value}"' for name, value in labels.items())
    return f'{metric}{{service="api",job="api",instance="api:8000"{more}}}'


def counter(metric: str = REQUESTS, **labels: str) -> dict[str, str]:
    return {series(metric, **(labels or {"method": "GET", "handler": "/x", "status": "200"})): GOOD}


def histogram(ends: Sequence[float], fastest: float = 0.0, metric: str = DURATION, **labels: str) -> dict[str, str]:
    """Of each request it is known that it took longer than `fastest`."""
    own = labels or {"method": "GET", "handler": "/x"}
    counts = {f"{end}": GOOD if end > fastest else "0x600" for end in ends}
    buckets = {series(f"{metric}_bucket", **own, le=end): values for end, values in counts.items()}
    return {**buckets, series(f"{metric}_bucket", **own, le="+Inf"): GOOD, series(f"{metric}_count", **own): GOOD}


# What it prints, the service, and what is missing.
CASES: Final[Mapping[str, tuple[str, Mapping[str, str], set[str]]]] = {
    "all that is needed": (kind_of("fastapi"), {**counter(), **histogram(WIDE)}, set()),
    "buckets that end at the limit, and every request is slower": (
        kind_of("fastapi", ", params: {http: {latency_p95: 1s}}"),
        {**counter(), **histogram(DEFAULT, 1.0)},
        {f"{BUCKET} above 1s", f"{BUCKET} above 2s"},
    ),
    "buckets that begin above the limit": (
        kind_of("fastapi", ", params: {http: {latency_p95: 50ms}}"),
        {**counter(), **histogram((0.1, 1.0, 5.0))},
        {f"{BUCKET} below 50ms"},
    ),
    "a limit at the first end is known": (
        kind_of("fastapi", ", params: {http: {latency_p95: 100ms}}"),
        {**counter(), **histogram((0.1, 1.0, 5.0))},
        set(),
    ),
    "a budget beyond all buckets": (
        kind_of("fastapi", ', budgets: {"GET /report": 40s}'),
        {**counter(), **histogram(WIDE)},
        {f"{BUCKET} above 40s"},
    ),
    "only +Inf": (kind_of("fastapi"), {**counter(), **histogram(())}, {f"{BUCKET}{{le}}"}),
    "a summary": (
        kind_of("fastapi"),
        {
            **counter(),
            series(DURATION, method="GET", handler="/x", quantile="0.95"): "0.2x600",
            series(f"{DURATION}_count", method="GET", handler="/x"): GOOD,
        },
        {BUCKET},
    ),
    "a native histogram alone": (
        kind_of("fastapi"),
        {**counter(), series(DURATION, method="GET", handler="/x"): "{{schema:0 sum:1 count:4 buckets:[1 2 1]}}x600"},
        {BUCKET},
    ),
    "path in place of handler": (
        kind_of("http", ', budgets: {"POST /v1/chat": 500ms}'),
        {
            **counter(method="POST", path="/v1/chat", status="200"),
            **histogram(WIDE, 2.0, method="POST", path="/v1/chat"),
        },
        {f"{BUCKET}{{handler}}", f"{REQUESTS}{{handler}}"},
    ),
    "route and status_code, as of Express": (
        kind_of("http"),
        {**counter(method="GET", route="/x", status_code="200"), **histogram(WIDE, method="GET", route="/x")},
        {f"{BUCKET}{{handler}}", f"{REQUESTS}{{handler}}", f"{REQUESTS}{{status}}"},
    ),
    "code, as of promhttp": (
        kind_of("http"),
        {**counter(method="get", code="200"), **histogram(WIDE, method="get", code="200")},
        {f"{BUCKET}{{handler}}", f"{REQUESTS}{{handler}}", f"{REQUESTS}{{status}}"},
    ),
    "other names for one of the two": (
        kind_of("http"),
        {**counter(), **histogram(WIDE, metric="request_duration_seconds")},
        {BUCKET},
    ),
    "Spring's names, beside those of the process": (
        kind_of("[http, process]"),
        {
            **histogram(WIDE, metric="http_server_requests_seconds", method="GET", uri="/x", status="200"),
            series("process_start_time_seconds"): "1x600",
        },
        {REQUESTS, BUCKET},
    ),
    "nothing that alerts read": (
        kind_of("http"),
        {series("ruby_gc_total"): GOOD},
        {"metric that alerts read"},
    ),
    "no request duration under a service of several kinds, of which the others export all of theirs": (
        kind_of("[fastapi, process, llm]"),
        {**counter(), series("process_start_time_seconds"): "1x600", series("llm_requests_total", result="ok"): GOOD},
        {BUCKET},
    ),
    "a counter that waits for its first event is not missing": (
        kind_of("[fastapi, llm, payments]"),
        {**counter(), **histogram(WIDE)},
        set(),
    ),
    "processes that share their metrics print no start time": (
        kind_of("[fastapi, process]"),
        {**counter(), **histogram(WIDE)},
        set(),
    ),
}


def fired(text: str, given: Mapping[str, str], folder: Path) -> list[Firing]:
    site = site_of(text)
    everything = {series("up"): "1x600", series("scrape_samples_scraped"): "50x600", **given}
    return played(site, ["api"], everything, [20], folder, others=frozenset({"Watchdog", "OutageRecent"}))[20]


@pytest.mark.parametrize("name", CASES)
def test_what_is_missing_is_named_once(name: str, tmp_path: Path) -> None:
    text, given, missing = CASES[name]
    found = fired(text, given, tmp_path)
    assert {each["missing"] for each in found if each["alertname"] == "MetricsMissing"} == missing
    assert not any(each.get("handler") == "" or each["alertname"] == "HttpEndpointSlow" for each in found), found


def test_one_target_of_two_that_exports_nothing_is_named(tmp_path: Path) -> None:
    text = kind_of("http").replace("[api:8000]", "[api:8000, api:8001]")
    other = {key.replace("api:8000", "api:8001"): "1x600" for key in (series("up"), series("scrape_samples_scraped"))}
    found = fired(text, {**counter(), **histogram(WIDE), **other}, tmp_path)
    assert [(each["instance"], each["missing"]) for each in found] == [("api:8001", "metric that alerts read")]


def service(text: str) -> Service:
    return next(each for each in site_of(text).services if each.name == "api")


def needs(text: str) -> dict[str, tuple[str, ...]]:
    return {need.missing: need.alerts for need in service(text).needs}


def test_each_need_names_the_alerts_that_depend_on_it() -> None:
    found = needs(kind_of("fastapi", ", params: {http: {latency_p95: 1s}}, slo: {availability: 99%}"))
    assert found[f"{BUCKET} above 1s"] == ("HttpLatencyHigh",)
    assert found[f"{BUCKET}{{handler}}"] == ("HttpEndpointSlow",)
    assert {"HttpErrorRatioCritical", "BudgetBurnPageFast"} <= set(found[f"{REQUESTS}{{status}}"])


def test_what_no_alert_reads_is_not_needed() -> None:
    assert f"{BUCKET}{{handler}}" not in needs(kind_of("fastapi", ", off: [HttpEndpointSlow]"))
    assert needs(kind_of("[llm, payments]")) == {}


def test_the_message_names_the_alerts_that_cannot_fire() -> None:
    (alert,) = (each for each in service(kind_of("http")).alerts if each.name == "MetricsMissing")
    assert f'if eq $labels.missing "{BUCKET}{{handler}}" }}}}HttpEndpointSlow{{{{' in alert.annotations["description"]


def test_what_a_service_has_to_export_stands_in_the_coverage() -> None:
    pages = {each.path: each.content for each in compile_text(kind_of("http"), "services.yaml").artifacts}
    assert f"| `{BUCKET}{{handler}}` | HttpEndpointSlow |" in pages["docs/coverage.md"]


WARNED: Final = {
    "a limit beyond the usual buckets": ("fastapi", ", params: {http: {endpoint_budget: 30s}}", True),
    "a budget beyond them": ("fastapi", ', budgets: {"GET /report": 40s}', True),
    "a limit below the first": ("fastapi", ", params: {http: {latency_p95: 1ms}}", True),
    "limits within them": ("fastapi", ", params: {http: {latency_p95: 1s}}", False),
    "the library makes the buckets that are asked for": (
        "[fastapi, instrumentation]",
        ", params: {http: {endpoint_budget: 30s}}",
        False,
    ),
}


@pytest.mark.parametrize("name", WARNED)
def test_a_limit_that_the_usual_buckets_do_not_reach_is_a_warning(name: str) -> None:
    kind, more, warned = WARNED[name]
    _, warnings = resolve_text(kind_of(kind, more), "services.yaml")
    found = [each for each in warnings if each.code == "spec/bucket-edge"]
    assert bool(found) == warned
    assert all(each.level == "warning" and "add to the app's buckets" in " ".join(each.notes) for each in found)


def test_a_service_without_packs_needs_nothing() -> None:
    assert needs_of((), ()) == ()
    assert Need("a{b}", "a", "b").is_metric is False
