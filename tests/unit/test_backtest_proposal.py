"""Proposals: what a parameter given on the command line changes, for every service that has it."""

from pathlib import Path

import pytest

from generator.diagnostics import Problems
from generator.pipeline import resolve_text
from generator.site.model import Site
from generator.verbs.backtest.proposal import Pair, pairs_of, parse_param, proposed_site

FILE = """\
services:
  api:
    kind: http
    targets: [api:8000]
    params: {http: {error_for: 3m}}
    alerts:
      QueueTooLong: {expr: sum(my_queue_length) > 100, severity: warning, summary: long}
  web: {kind: http, targets: [web:8000]}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "services.yaml"
    path.write_text(FILE)
    return path


def site() -> Site:
    found, _ = resolve_text(FILE, "services.yaml")
    return found


def names(pairs: tuple[Pair, ...]) -> list[tuple[str, str]]:
    return [(pair.alert.service, pair.alert.name) for pair in pairs]


@pytest.mark.parametrize(
    ("service", "params", "changed"),
    [
        pytest.param(None, {"http.error_ratio_critical": "9%"}, [("api", "HttpErrorRatioCritical"),
                     ("web", "HttpErrorRatioCritical")], id="every service that has it"),
        pytest.param("web", {"http.error_ratio_critical": "9%"}, [("web", "HttpErrorRatioCritical")], id="one service"),
        pytest.param(None, {"queue_too_long_limit": 200}, [("api", "QueueTooLong")], id="the number of a custom alert"),
        pytest.param(None, {"host.oom_kills": 7}, [("server", "HostOomKill")],
                     id="a host that services.yaml does not name"),
        pytest.param(None, {"stack.queue_full": "80%"}, [("lookout", "LogQueueFilling")], id="the stack itself"),
        pytest.param("api", {"http.error_for": "3m"}, [], id="what is so already"),
    ],
)  # fmt: skip
def test_a_proposal_changes(
    service: str | None, params: dict[str, str | int], changed: list[tuple[str, str]], file: Path
) -> None:
    assert names(pairs_of(site(), proposed_site(file, service, params))) == changed


def test_a_proposal_takes_the_place_of_what_stands_under_no_kind(file: Path) -> None:
    file.write_text(FILE.replace("params: {http: {error_for: 3m}}", "params: {error_for: 3m, latency_p95: 1s}"))
    before, _ = resolve_text(file.read_text(), "services.yaml")
    changed = names(pairs_of(before, proposed_site(file, "api", {"http.error_for": "4m"})))
    assert changed == [("api", f"Http{each}") for each in ("ErrorRatioCritical", "ErrorRatioHigh", "MedianLatencyHigh")]


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("http.error_four", "http.error_for"),
        ("error_for", "http.error_for"),
        ("containers", "containers.watched"),
        ("queue_too_long_limits", "queue_too_long_limit"),
    ],
)
def test_a_parameter_that_no_service_has_is_named_with_the_nearest(name: str, near: str, file: Path) -> None:
    with pytest.raises(Problems) as caught:
        proposed_site(file, None, {name: 5})
    (problem,) = caught.value.diagnostics
    assert (problem.code, problem.hint) == ("spec/unknown-param", f"did you mean '{near}'?")


def test_without_a_proposal_every_alert_stands_alone() -> None:
    pairs = pairs_of(site(), None)
    assert len(pairs) == len(site().alerts)
    assert all(pair.after is None for pair in pairs)


def test_an_alert_that_is_new_or_gone_has_one_side() -> None:
    without, _ = resolve_text(FILE.split("    alerts:")[0], "services.yaml")
    gone = [pair for pair in pairs_of(site(), without) if pair.alert.service == "api"]
    assert [(pair.alert.name, pair.after) for pair in gone] == [("QueueTooLong", None)]
    new = [pair for pair in pairs_of(without, site()) if pair.alert.service == "api"]
    assert [(pair.alert.name, pair.before) for pair in new] == [("QueueTooLong", None)]


def test_a_value_out_of_bounds_is_refused_as_in_services_yaml(file: Path) -> None:
    with pytest.raises(Problems) as caught:
        proposed_site(file, "api", {"http.error_ratio_critical": "100%"})
    assert [problem.code for problem in caught.value.diagnostics if problem.level == "error"] == ["spec/param-range"]


@pytest.mark.parametrize(
    ("text", "read"),
    [("a=5%", ("a", "5%")), ("a=5", ("a", 5)), ("a=0.5", ("a", 0.5)), ("a=b=c", ("a", "b=c"))],
)
def test_a_parameter_is_read_as_in_services_yaml(text: str, read: tuple[str, object]) -> None:
    assert parse_param(text) == read


@pytest.mark.parametrize("text", ["a", "=5", "a=", ""])
def test_what_is_no_parameter_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not NAME=VALUE"):
        parse_param(text)
