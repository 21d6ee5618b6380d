"""Several processes behind one address: recognised, said once, and no other alert fires because of them.

Whole sites, played through their own rules. Who answers a scrape is decided by a fixed sequence, as uneven as in life.
"""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import promql_parser as pp
import pytest

from generator.promql.tree import parse
from generator.site.model import Alert
from tests.support.played import names, played, site_of

CHANNEL: Final = 'channels: {ops: {slack: {channel: "#ops"}}}\nservices:\n'
ONE: Final = f"{CHANNEL}  api: {{kind: [fastapi, process], targets: [api:8000]}}\n"
TWO: Final = f"{CHANNEL}  api: {{kind: [fastapi, process], targets: [api:8000, api:8001]}}\n"
START: Final = "process_start_time_seconds"
REQUESTS: Final = "http_requests_total"
SCRAPES: Final = 180
SAID: Final = {("api", "SeveralProcesses")}


def series(metric: str, instance: str = "api:8000", **labels: str) -> str:
    more = "".join(f',{name}="{value}"' for name, value in labels.items())
    return f'{metric}{{service="api",job="api",instance="{instance}"{more}}}'


def turns(processes: int, seed: int = 7) -> list[int]:
    """Which process answers each scrape."""
    dice = random.Random(seed)
    return [dice.randrange(processes) for _ in range(SCRAPES)]


def seen(turn: Sequence[int], of: Sequence[tuple[float, float]]) -> str:
    """What the scrapes see of a counter: of each process what it had at first, and its growth a scrape."""
    return " ".join(f"{of[who][0] + of[who][1] * at:g}" for at, who in enumerate(turn))


def pool(processes: int, failed: float = 12) -> dict[str, str]:
    """An app of so many processes that works; the first of them has seen failures, long ago."""
    turn = turns(processes)
    starts = [(-1000 + 0.5 * who, 0.0) for who in range(processes)]
    good = [(188 + 400 * who, 2.0) for who in range(processes)]
    bad = [(failed if who == 0 else 1, 0.0) for who in range(processes)]
    return {
        series("up"): f"1x{SCRAPES}",
        series(START): seen(turn, starts),
        series(REQUESTS, method="GET", status="200", handler="/x"): seen(turn, good),
        series(REQUESTS, method="GET", status="500", handler="/x"): seen(turn, bad),
        series("process_cpu_seconds_total"): seen(turn, [(100 * who, 0.1) for who in range(processes)]),
    }


def firing(text: str, given: Mapping[str, str], at: Sequence[int], folder: Path) -> set[tuple[str, str]]:
    return {each for minute in played(site_of(text), ["api"], given, at, folder).values() for each in names(minute)}


@pytest.mark.parametrize("processes", [2, 4, 8], ids="{} workers".format)
def test_workers_that_take_turns_bring_one_instruction_and_nothing_else(processes: int, tmp_path: Path) -> None:
    assert firing(ONE, pool(processes), range(2, 29, 3), tmp_path) == SAID


def test_containers_behind_one_name_that_started_hours_apart_are_recognised(tmp_path: Path) -> None:
    given = {**pool(3), series(START): seen(turns(3), [(-86400, 0), (-40000, 0), (-100, 0)])}
    assert firing(ONE, given, [12, 28], tmp_path) == SAID


def test_the_message_says_what_to_do(tmp_path: Path) -> None:
    (alert,) = (each for each in site_of(ONE).services[0].alerts if each.name == "SeveralProcesses")
    assert alert.severity == "warning"
    assert "PROMETHEUS_MULTIPROC_DIR" in alert.annotations["description"]


def restarts(every: int) -> str:
    """The start time of one process that is restarted every so many scrapes."""
    return " ".join(str(at // every * every * 10) for at in range(SCRAPES))


SINGLE: Final = {
    "a deploy in the middle": (" ".join(["-1000"] * 90 + ["900"] * 90), set()),
    "a deploy during which old and new answer in turn": (
        " ".join(["-1000"] * 90 + ["900", "-1000", "900", "-1000"] + ["900"] * 86),
        set(),
    ),
    "a loop of restarts": (restarts(9), {("api", "ProcessRestarting")}),
}


@pytest.mark.parametrize("name", SINGLE)
def test_one_process_is_not_taken_for_several(name: str, tmp_path: Path) -> None:
    start, expected = SINGLE[name]
    given = {series("up"): f"1x{SCRAPES}", series(START): start}
    assert firing(ONE, given, range(2, 29, 3), tmp_path) == expected


def test_outages_still_page(tmp_path: Path) -> None:
    """The processes go away while their alert still fires."""
    given = {**pool(2), series("up"): f"1x90 0x{SCRAPES}"}
    assert ("api", "ServiceDown") in firing(ONE, given, [20], tmp_path)


def test_a_real_failure_fires_once_the_processes_share_their_metrics(tmp_path: Path) -> None:
    """From the fifteenth minute on there is one process, and half of its requests fail."""
    long = 6 * 50
    turn = [*turns(2)[:90], *[1] * (long - 90)]
    grows = " ".join(f"{2 * max(at - 90, 0)}" for at in range(long))
    given = {
        series("up"): f"1x{long}",
        series(START): seen(turn, [(-1000, 0), (-998, 0)]),
        series(REQUESTS, method="GET", status="200", handler="/x"): grows,
        series(REQUESTS, method="GET", status="500", handler="/x"): grows,
    }
    fired = played(site_of(ONE), ["api"], given, [20, 48], tmp_path)
    assert names(fired[20]) == SAID
    assert names(fired[48]) >= {("api", "HttpErrorRatioCritical")}


def test_what_is_measured_of_another_target_alone_does_not_wait(tmp_path: Path) -> None:
    given = {
        **pool(2),
        series("up", "api:8001"): f"1x{SCRAPES}",
        series(START, "api:8001"): restarts(9),
        series("process_cpu_seconds_total", "api:8001"): f"0+9.9x{SCRAPES}",
    }
    fired = firing(TWO, given, [28], tmp_path)
    assert fired == {*SAID, ("api", "ProcessRestarting"), ("api", "ProcessCpuBound")}


def test_the_library_says_it_alone_when_its_workers_share_no_folder(tmp_path: Path) -> None:
    text = ONE.replace("fastapi, process", "fastapi, process, instrumentation")
    given = {**pool(4), series("instrumentation_partial"): f"1x{SCRAPES}"}
    assert firing(text, given, range(2, 29, 3), tmp_path) == {("api", "MetricsPartial")}


def test_without_the_alert_nothing_waits() -> None:
    text = ONE.replace("targets:", "off: [SeveralProcesses], targets:")
    assert not [alert.name for alert in site_of(text).services[0].alerts if "SeveralProcesses" in alert.expr]


# --- every kind ---------------------------------------------------------------------------------------------

KINDS: Final = "fastapi, process, logs, celery, llm, external, payments, webhooks, cache, sqlalchemy, messages, web"
MANY: Final = f"""\
{CHANNEL}  api:
    kind: [{KINDS}]
    targets: [api:8000]
    url: https://api.example.com
    slo: {{availability: 99%}}
    alerts:
      Mine: {{expr: 'sum(rate(http_requests_total{{service="api"}}[5m])) > 100', severity: warning, summary: "busy"}}
"""


def waits(alert: Alert) -> bool:
    """Whether the outermost operator takes it away while processes take turns."""
    tree = parse(alert.expr)
    if not isinstance(tree, pp.BinaryExpr) or str(tree.op) != "unless" or not isinstance(tree.rhs, pp.VectorSelector):
        return False
    matchers = {each.name: each.value for each in tree.rhs.matchers.matchers}
    return tree.rhs.name == "ALERTS" and matchers == {"alertname": "SeveralProcesses", "service": "api"}


def test_of_every_kind_only_outages_page_while_processes_take_turns() -> None:
    service = next(each for each in site_of(MANY).services if each.name == "api")
    paging = {alert.name: alert.fault for alert in service.alerts if alert.severity == "critical" and not waits(alert)}
    assert {"ServiceDown", "ProbeFailed"} <= paging.keys()
    assert {name for name, fault in paging.items() if fault != "outage"} <= {"CertificateExpiresNow"}


def test_of_every_kind_alerts_on_rates_wait() -> None:
    service = next(each for each in site_of(MANY).services if each.name == "api")
    rates = [each for each in service.alerts if "rate(" in each.expr or "increase(" in each.expr]
    assert len(rates) > 40
    assert [alert.name for alert in rates if not waits(alert)] == []
