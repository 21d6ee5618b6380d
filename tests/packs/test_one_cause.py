"""One cause brings one message, and is named as what it is: whole sites, played through their own rules.

The rules say what fires, the rendered configuration of Alertmanager what is notified of it.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

import pytest

from generator.prove.simulate import simulate
from generator.site.model import Site
from tests.support.played import Firing, names, played, site_of

CHANNEL: Final = 'channels: {ops: {slack: {channel: "#ops"}}}\n'
SHOP: Final = f"""\
{CHANNEL}services:
  api: {{kind: [fastapi, payments, llm], targets: [api:8000], uses: [cache, db]}}
  cache: {{kind: redis, address: "cache:6379"}}
  db: {{kind: postgres, address: "db:5432", dsn: secret:db_dsn, off: [backup]}}
"""
MINUTE: Final = 6
ALWAYS: Final = "1x2000"
NEVER: Final = "0x2000"


def of(service: str, metric: str, instance: str, **labels: str) -> str:
    """A series as scraping makes it."""
    more = "".join(f',{name}="{value}"' for name, value in labels.items())
    return f'{metric}{{service="{service}",job="{service}",instance="{instance}"{more}}}'


def counter(*stretches: tuple[float, int]) -> str:
    """So much growth every ten seconds, for so many minutes each."""
    total, parts = 0.0, []
    for growth, minutes in stretches:
        parts.append(f"{total:g}+{growth:g}x{minutes * MINUTE - 1}")
        total += growth * minutes * MINUTE
    return " ".join(parts)


def firing(
    text: str, services: Collection[str], series: Mapping[str, str], at: int, folder: Path
) -> set[tuple[str, str]]:
    return names(played(site_of(text), services, series, [at], folder)[at])


# --- an exporter that fails is no outage --------------------------------------------------------------------

API: Final = {
    of("api", "up", "api:8000"): ALWAYS,
    of("api", "http_requests_total", "api:8000", method="GET", status="200", handler="/x"): "0+100x2000",
}
PG_REFUSED: Final = {**API, of("db", "up", "db:5432"): ALWAYS, of("db", "pg_up", "db:5432"): NEVER}
REDIS_DOWN: Final = {**API, of("cache", "up", "cache:6379"): ALWAYS, of("cache", "redis_up", "cache:6379"): NEVER}
CHECKED: Final = "app_dependency_up"


def answer(err: str) -> dict[str, str]:
    return {of("cache", "redis_exporter_last_scrape_error", "cache:6379", err=err): ALWAYS}


EXPORTERS: Final = {
    "the password of Postgres' exporter is wrong, and the app works": (
        "db",
        {**PG_REFUSED, of("api", CHECKED, "api:8000", dependency="db"): ALWAYS},
        {("db", "PostgresExporterRefused")},
    ),
    "Postgres is gone, for the app too": (
        "db",
        {**PG_REFUSED, of("api", CHECKED, "api:8000", dependency="db"): NEVER},
        {("db", "PostgresDown")},
    ),
    "an app that says nothing of Postgres excuses nothing": ("db", PG_REFUSED, {("db", "PostgresDown")}),
    "that something else answers excuses nothing": (
        "db",
        {**PG_REFUSED, of("api", CHECKED, "api:8000", dependency="cache"): ALWAYS},
        {("db", "PostgresDown")},
    ),
    "the password of Redis' exporter is wrong": (
        "cache",
        {**REDIS_DOWN, **answer("dial redis: WRONGPASS invalid username-password pair or user is disabled.")},
        {("cache", "RedisExporterRefused")},
    ),
    "Redis asks for a password that was never given": (
        "cache",
        {**REDIS_DOWN, **answer("NOAUTH Authentication required.")},
        {("cache", "RedisExporterRefused")},
    ),
    "a user of Redis that may not ask": (
        "cache",
        {**REDIS_DOWN, **answer("NOPERM User monitor has no permissions to run the 'info' command")},
        {("cache", "RedisExporterRefused")},
    ),
    "TLS hides what Redis answers, and the app works": (
        "cache",
        {
            **REDIS_DOWN,
            **answer("dial redis: unknown network rediss"),
            of("api", CHECKED, "api:8000", dependency="cache"): ALWAYS,
        },
        {("cache", "RedisExporterRefused")},
    ),
    "Redis is gone": ("cache", {**REDIS_DOWN, **answer("dial redis: unknown network redis")}, {("cache", "RedisDown")}),
    "Redis has too many clients": (
        "cache",
        {**REDIS_DOWN, **answer("ERR max number of clients reached")},
        {("cache", "RedisDown")},
    ),
}


@pytest.mark.parametrize(("service", "series", "expected"), EXPORTERS.values(), ids=EXPORTERS)
def test_a_login_that_fails_is_a_warning_and_no_outage(
    service: str, series: dict[str, str], expected: set[tuple[str, str]], tmp_path: Path
) -> None:
    assert firing(SHOP, [service], series, 30, tmp_path) == expected


FAR: Final = f"""\
{CHANNEL}services:
  api: {{kind: http, targets: ["10.0.0.2:8000"], host: far}}
  web: {{kind: http, targets: ["10.0.0.2:8001"], host: far}}
  cache: {{kind: redis, address: "10.0.0.2:6379", host: far}}
hosts: {{far: {{address: "10.0.0.2:9100"}}}}
"""


def of_far(api: str, web: str) -> dict[str, str]:
    return {
        of("far", "up", "10.0.0.2:9100"): NEVER,
        of("api", "up", "10.0.0.2:8000"): api,
        of("web", "up", "10.0.0.2:8001"): web,
        # The exporter of Redis runs beside Prometheus, and answers when the machine is gone.
        of("cache", "up", "10.0.0.2:6379"): ALWAYS,
    }


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        pytest.param(of_far(ALWAYS, ALWAYS), "HostExporterDown", id="what runs on it answers"),
        pytest.param(of_far(NEVER, ALWAYS), "HostExporterDown", id="one of them answers"),
        pytest.param(of_far(NEVER, NEVER), "HostDown", id="nothing does"),
    ],
)
def test_a_host_whose_exporter_ends_is_not_down(series: dict[str, str], expected: str, tmp_path: Path) -> None:
    assert firing(FAR, ["far"], series, 30, tmp_path) == {("far", expected)}


# --- a storm of 429 -----------------------------------------------------------------------------------------

STORM: Final = """\
people: {ana: {telegram: 1}, boris: {telegram: 2}}
channels: {ops: {slack: {channel: "#ops"}}, phone: {telegram: -3}}
notify: {critical: [ops, phone], warning: [ops]}
services:
  api:
    kind: [fastapi, llm, external, logs]
    owner: ana
    targets: [api:8000]
    slo: {availability: 99.9%}
  worker: {kind: [http, llm, external], owner: boris, targets: [worker:9808]}
"""
CALM: Final = 20
LASTS: Final = 30


def storm(share: float, breaker: bool) -> dict[str, str]:
    """A provider that refuses a share of the calls with 429, from the twentieth minute on.

    Each call is counted as one of a model and as one of an API. With a breaker hardly any call is made after the first
    minutes. The worker has other work: few of its calls are of that provider's busy hour.
    """
    series = {}
    for service, instance, pace, part in (("api", "api:8000", 20.0, 1.0), ("worker", "worker:9808", 6.0, 0.15)):
        tried = 1.0 if breaker else pace
        ok = counter((pace, CALM), ((1 - part * share) * pace, 2), ((1 - part * share) * tried, LASTS))
        refused = counter((0, CALM), (part * share * pace, 2), (part * share * tried, LASTS))
        for result, values in (("ok", ok), ("rate_limited", refused), ("error", counter((0, CALM + LASTS + 2)))):
            named = {"provider": "openai", "model": "chat", "result": result}
            series[of(service, "llm_requests_total", instance, **named)] = values
            series[of(service, "external_requests_total", instance, api="openai", result=result)] = values
        # Few of the worker's calls fail in a row.
        is_open = counter((0, CALM + 1)) + " 2x2000" if breaker and service == "api" else NEVER
        series[of(service, "external_circuit_state", instance, api="openai")] = is_open
        series[of(service, "up", instance)] = ALWAYS
        series[of(service, "http_requests_total", instance, method="GET", status="200", handler="/")] = "0+1000x2000"
    failed = counter((0, CALM), (8 * share, LASTS + 2))
    series[of("api", "http_requests_total", "api:8000", method="POST", status="503", handler="/analyze")] = failed
    return series


STORMS: Final = {
    "all calls are refused": storm(1.0, breaker=False),
    "all calls are refused, and a breaker opens": storm(1.0, breaker=True),
    "half of the calls are refused": storm(0.5, breaker=False),
    "one call in ten is refused": storm(0.1, breaker=False),
}


@pytest.mark.parametrize("series", STORMS.values(), ids=STORMS)
def test_a_provider_that_refuses_calls_brings_two_messages_at_most(series: dict[str, str], tmp_path: Path) -> None:
    site = site_of(STORM)
    found = played(site, ["api", "worker"], series, range(CALM, CALM + LASTS), tmp_path)
    notified: dict[tuple[str, str], int] = {}
    for minute, alerts in sorted(found.items()):
        for each in sent(site, alerts):
            notified.setdefault(each, minute - CALM)
    print(notified)
    about = {each for each in notified if each[1].startswith(("Llm", "External"))}
    assert about, "the storm is seen"
    assert len(notified) <= 2, notified


def sent(site: Site, alerts: list[Firing]) -> set[tuple[str, str]]:
    """What of the firing alerts makes a message."""
    return {(v.labels["service"], v.labels["alertname"]) for v in simulate(site, alerts) if v.notified}
