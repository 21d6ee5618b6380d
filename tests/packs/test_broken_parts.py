"""What breaks one endpoint of many is reported, until it works again, and what no user requests dilutes nothing."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from generator.prove.proving import cut_rules
from tests.packs.test_slo import with_objectives
from tests.support import tools

LABELS = 'service="api",job="api",instance="api:8000"'
FIRING = 'count by (alertname) (max_over_time(ALERTS{{alertstate="firing"}}[{}]))'
ABOUT = ("HttpErrorRatioCritical", "HttpErrorRatioHigh", "HttpErrorSurge", "HttpEndpointFailing")
EXCLUDED = 'kind: fastapi, targets: [api:8000], slo: {exclude: ["POST /voice", "/uploads/*"]}'
PLAIN = "kind: fastapi, targets: [api:8000]"


def requests(method: str, handler: str, status: int | str, values: str) -> dict[str, str]:
    """A counter of requests, a sample a minute."""
    inside = f'{LABELS},method="{method}",handler="{handler}",status="{status}"'
    return {"series": f"http_requests_total{{{inside}}}", "values": values}


def fires(at: str, *alerts: str, since: str = "1m") -> dict[str, Any]:
    """Which alerts of the service fire at a time, or did since some time before."""
    samples = [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in alerts]
    return {"expr": FIRING.format(since), "eval_time": at, "exp_samples": samples}


def hold(folder: Path, service: str, *groups: tuple[Sequence[dict[str, str]], Sequence[dict[str, Any]]]) -> None:
    """Run the rules about failures over series, each group of them by itself."""
    (pack,) = with_objectives(service, "fastapi").packs
    (folder / "rules.yml").write_text(cut_rules(pack, *ABOUT))
    up = {"series": f"up{{{LABELS}}}", "values": "1x900"}
    tests = [
        {"interval": "1m", "input_series": [up, *series], "promql_expr_test": list(asked)} for series, asked in groups
    ]
    test = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": tests}
    (folder / "test.yml").write_text(yaml.safe_dump(test))
    run = tools.run("promtool", "test", "rules", "test.yml", folder=folder)
    assert run.code == 0, run.output


FEED = requests("GET", "/feed", 200, "0+1200x900")
BROKEN = "HttpEndpointFailing"


def test_an_endpoint_that_fails_wholly_is_reported_until_it_works(tmp_path: Path) -> None:
    # Eight in a thousand of all requests. It fails from minute 30 to 120; without any traffic from 90 to 110.
    pay = requests("POST", "/pay", 200, "0+10x30 300x90 300+10x60")
    failed = requests("POST", "/pay", 500, "0x30 0+10x60 600x20 600+10x10 700x60")
    # One request in three minutes is enough to be noticed; one success is enough to know better.
    rare = [
        requests(
            "POST", "/pay", 500, "0 0 1 1 1 2 2 2 3 3 3 4 4 4 5 5 5 6 6 6 7 7 7 8 8 8 9 9 9 10 10 10 11 11 11 11x60"
        )
    ]
    hold(
        tmp_path,
        PLAIN,
        (
            [FEED, pay, failed],
            [fires(f"{minute}m", BROKEN, since="30s") for minute in (36, 60, 95, 109, 118)]
            + [fires("36m", BROKEN, since="36m"), fires("128m"), fires("175m", BROKEN, since="175m")],
        ),
        ([FEED, *rare], [fires("25m", BROKEN), fires("90m", BROKEN)]),
        (
            [FEED, *rare, requests("POST", "/pay", 200, "0x60 0+1x60")],
            [fires("59m", BROKEN), fires("65m"), fires("90m", since="20m")],
        ),
    )


def test_a_process_that_restarts_does_not_make_a_broken_endpoint_work(tmp_path: Path) -> None:
    failed = requests("POST", "/pay", 500, "0+10x30 stale _x869")
    hold(tmp_path, PLAIN, ([FEED, failed], [fires("29m", BROKEN), fires("2h", BROKEN), fires("3h")]))


def test_a_few_failures_are_no_broken_endpoint(tmp_path: Path) -> None:
    some = [requests("POST", "/pay", 200, "0+10x200"), requests("POST", "/pay", 500, "0x30 0+1x3 3x170")]
    alone = [requests("POST", "/pay", 500, "0x10 1x60 2x60 3x60 4x60")]
    # A failing service is reported as a whole.
    whole = [requests("GET", "/feed", 200, "0x200"), requests("GET", "/feed", 500, "0x30 0+1200x170")]
    hold(
        tmp_path,
        PLAIN,
        ([FEED, *some], [fires("190m", since="190m")]),
        ([FEED, *alone], [fires("190m", since="190m")]),
        (whole, [fires("60m", "HttpErrorRatioCritical", since="60m")]),
    )


def test_what_no_user_requests_dilutes_nothing(tmp_path: Path) -> None:
    # Two orders a minute, and all of them fail.
    orders = requests("POST", "/order", 500, "0+2x120")
    machines = [
        requests("GET", path, 200, "0+60x120")
        for path in ("/health", "/api/v1/healthz", "/metrics", "/ready", "/health/live/", "myapp.views.health_check")
    ]
    refused = [requests("GET", "/me", status, "0+600x120") for status in (401, 403, 404, 429)]
    hold(
        tmp_path,
        PLAIN,
        ([*machines, orders], [fires("60m", "HttpErrorRatioCritical", since="60m")]),
        ([*refused, orders], [fires("60m", "HttpErrorRatioCritical", since="60m")]),
        # Neither are they failures; and what is of the product counts, whatever it is called.
        ([requests("GET", "/me", 401, "0+600x120")], [fires("60m", since="60m")]),
        ([requests("GET", "/health", 503, "0+60x120"), FEED], [fires("60m", since="60m")]),
        ([requests("GET", "/campaigns/metrics", 500, "0+60x120"), FEED], [fires("60m", BROKEN, since="60m")]),
        ([requests("GET", "/users/{id}/health", 500, "0+60x120"), FEED], [fires("60m", BROKEN, since="60m")]),
    )


def test_excluded_endpoints_leave_every_ratio_and_no_others_do(tmp_path: Path) -> None:
    hold(
        tmp_path,
        EXCLUDED,
        ([requests("POST", "/voice", 500, "0+60x120"), FEED], [fires("60m", since="60m")]),
        ([requests("PUT", "/uploads/{id}", 500, "0+60x120"), FEED], [fires("60m", since="60m")]),
        ([requests("GET", "/voice", 500, "0+60x120"), FEED], [fires("60m", BROKEN, since="60m")]),
        ([requests("POST", "/voices", 500, "0+60x120"), FEED], [fires("60m", BROKEN, since="60m")]),
        (
            [requests("POST", "/voice", 200, "0+600x120"), requests("POST", "/order", 500, "0+2x120")],
            [fires("60m", "HttpErrorRatioCritical", since="60m")],
        ),
    )
