"""From what the user typed to what it means: defaults, references, and the jobs that follow."""

from typing import Any

import pytest

from generator.channels.slack import SlackChannel
from generator.channels.telegram import TelegramChannel
from generator.diagnostics import Problems
from generator.pipeline import resolve_text
from generator.prove.proofs import proof_paths
from generator.site.model import (
    Service,
    Site,
)

API = "services:\n  api: {kind: http, targets: [api:8000]}\n"


def resolve(text: str) -> Site:
    return resolve_text(text, "services.yaml")[0]


def service(text: str, name: str) -> Service:
    return next(each for each in resolve(text).services if each.name == name)


def codes(text: str) -> list[tuple[str, int]]:
    with pytest.raises(Problems) as caught:
        resolve(text)
    return [(d.code, d.span.line) for d in caught.value.diagnostics if d.span and d.level == "error"]


def test_four_lines_are_a_whole_site() -> None:
    site = resolve("services:\n  api:\n    kind: fastapi\n    targets: [api:8000]\n")
    assert [each.name for each in site.services] == ["api", "lookout", "server"]
    assert (site.stack.name, site.stack.environment, site.stack.domain) == ("lookout", "production", "")
    assert (site.stack.retention_metrics, site.stack.retention_logs) == (90 * 86400, 30 * 86400)
    assert site.stack.base_url == "http://localhost:8080"
    assert {alert.owner for alert in site.alerts} == {"everyone"}


def test_a_domain_gives_public_addresses() -> None:
    stack = resolve("stack: {domain: mon.acme.dev}\n" + API).stack
    assert (stack.base_url, stack.status_url) == ("https://mon.acme.dev", "https://status.mon.acme.dev")


def test_one_person_owns_what_no_one_owns() -> None:
    assert {a.owner for a in resolve("people: {ana: {}}\n" + API).alerts} == {"ana"}
    assert {a.owner for a in resolve("people: {ana: {}, boris: {}}\n" + API).alerts} == {"everyone"}


def test_the_scrape_job_of_an_app_says_all() -> None:
    text = (
        "services:\n  api: {kind: http, targets: [b:2, a:1], metrics: {token: secret:t, path: /m, sample_limit: 9}}\n"
    )
    (job,) = service(text, "api").jobs
    assert (job.name, job.targets) == ("api", (("a:1", "a:1"), ("b:2", "b:2")))
    assert (job.path, job.sample_limit, job.interval, job.timeout) == ("/m", 9, 10, 5)
    assert job.token is not None
    assert job.token.name == "t"


def test_targets_of_different_schemes_are_jobs_of_their_own() -> None:
    jobs = service('services:\n  api: {kind: http, targets: [a:1, "https://b.acme.dev/m"]}\n', "api").jobs
    assert [(job.name, job.scheme, job.path) for job in jobs] == [("api", "http", "/metrics"), ("api-2", "https", "/m")]


def test_an_exporter_stands_for_the_data_store_it_asks() -> None:
    cache = service("services:\n  cache: {kind: redis, address: cache:6379}\n", "cache")
    assert [(job.name, job.targets) for job in cache.jobs] == [
        ("cache", (("redis-exporter-cache.scrape:9121", "cache:6379"),))
    ]
    assert [pack.exporter.name for pack in cache.packs if pack.exporter] == ["redis-exporter-cache"]


def test_an_app_with_a_data_store_of_its_own_has_a_job_for_each() -> None:
    api = service("services:\n  api: {kind: [http, redis], targets: [api:8000], address: cache:6379}\n", "api")
    assert [job.name for job in api.jobs] == ["api", "api-redis"]


def test_a_url_is_probed_and_watched_by_uptime_kuma() -> None:
    text = "services:\n  api: {kind: http, targets: [api:8000], url: https://api.acme.dev}\n"
    assert [probe.target for probe in service(text, "api").probes] == ["https://api.acme.dev"]
    monitors = {monitor.key: monitor for monitor in resolve(text).monitors}
    assert monitors["api/http/https://api.acme.dev"].retries == 1
    assert monitors["api/http/https://api.acme.dev"].notify == ()


def test_every_scheme_of_a_probe_becomes_its_module_and_monitor() -> None:
    targets = '["https://a.dev", "tcp://db:5432", "tls://a.dev:443", "dns://9.9.9.9/a.dev?type=MX"]'
    text = f"services:\n  edge: {{kind: probe, targets: {targets}}}\n"
    edge = service(text, "edge")
    assert {probe.kind for probe in edge.probes} == {"http", "tcp", "tls", "dns"}
    assert all(job.probe_module and job.path == "/probe" for job in edge.jobs)
    kinds = {monitor.type for monitor in resolve(text).monitors if monitor.key.startswith("edge/")}
    assert kinds == {"http", "port", "dns"}


def test_kuma_wakes_people_itself_only_for_prometheus_and_alertmanager() -> None:
    notifying = {monitor.name for monitor in resolve(API).monitors if monitor.notify}
    assert notifying == {"Prometheus", "Alertmanager"}


def test_a_shorter_expectation_is_scraped_more_often() -> None:
    text = "services:\n  api: {{kind: http, targets: [api:8000], detect_within: {}}}\n"
    assert [
        service(text.format(expectation), "api").jobs[0].interval for expectation in ("40s", "60s", "2m", "1h")
    ] == [
        5,
        10,
        30,
        60,
    ]


def test_a_parameter_reaches_its_rule_and_an_alert_can_be_switched_off() -> None:
    params = "params: {http: {latency_p95: 250ms}}"
    text = f"services:\n  api: {{kind: http, targets: [api:8000], {params}, off: [HttpErrorSurge]}}\n"
    alerts = {alert.name: alert for alert in service(text, "api").alerts}
    assert "> 0.25" in alerts["HttpLatencyHigh"].expr
    assert "HttpErrorSurge" not in alerts


def test_an_alert_has_the_severity_that_its_service_gives_it() -> None:
    text = (
        "services:\n"
        "  api: {kind: sqlalchemy, targets: [api:8000], severity: {DatabaseConnectionFailures: critical}}\n"
        "  other: {kind: sqlalchemy, targets: [other:8000]}\n"
        "hosts: {vps: {severity: {HostCpuCritical: warning}}}\n"
        "stack: {severity: {LogLinesLost: critical}}\n"
    )
    found = {
        (each.name, alert.name): (alert.severity, alert.labels["severity"])
        for each in resolve(text).services
        for alert in each.alerts
    }
    assert found["api", "DatabaseConnectionFailures"] == ("critical", "critical")
    assert found["other", "DatabaseConnectionFailures"] == ("warning", "warning")
    assert found["vps", "HostCpuCritical"] == ("warning", "warning")
    assert found["lookout", "LogLinesLost"] == ("critical", "critical")


def test_an_alert_of_another_severity_has_a_proof_of_its_own() -> None:
    text = (
        "services:\n"
        "  cache: {kind: redis, address: cache:6379}\n"
        "  sessions: {kind: redis, address: sessions:6379, severity: {RedisSlow: critical}}\n"
    )
    proofs = proof_paths(resolve(text))
    assert proofs["sessions/RedisSlow"] == "prometheus/proofs/sessions/redis/RedisSlow.yml"
    assert proofs["sessions/RedisDown"] == proofs["cache/RedisDown"]


def test_what_became_the_lesser_of_two_mutes_the_other_no_more() -> None:
    def grouped(severity: str) -> list[str]:
        text = f"services:\n  api: {{kind: http, targets: [api:8000]}}\nhosts: {{vps: {{severity: {severity}}}}}\n"
        return [alert.name for alert in service(text, "vps").alerts if "inhibition_group" in alert.labels]

    assert {"HostCpuCritical", "HostCpuHigh"} <= set(grouped("{}"))
    assert not {"HostCpuCritical", "HostCpuHigh"} & set(grouped("{HostCpuCritical: info}"))
    assert not {"HostCpuCritical", "HostCpuHigh"} & set(grouped("{HostCpuHigh: critical}"))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("severity: {RedisSlwo: critical}", "no alert of 'cache' is called 'RedisSlwo'"),
        (
            "severity: {RedisSlow: critical}, off: RedisSlow",
            "'RedisSlow' is switched off by `off`, so it has no severity",
        ),
        (
            "severity: {Own: critical}, alerts: {Own: {expr: a > 1, severity: info, summary: s}}",
            "'Own' is an alert of your own, which says its severity itself",
        ),
    ],
)
def test_a_severity_is_of_an_alert_that_the_service_has(line: str, said: str) -> None:
    with pytest.raises(Problems) as caught:
        resolve(f"services:\n  cache: {{kind: redis, address: cache:6379, {line}}}\n")
    assert [(d.code, d.message) for d in caught.value.diagnostics if d.level == "error"] == [
        ("spec/unknown-alert", said)
    ]


@pytest.mark.parametrize(
    ("users", "own", "has"),
    [
        ("api: {kind: http, targets: [api:8000], uses: cache}", "", True),
        ("worker: {kind: celery, targets: [worker:9808], uses: cache}", "", False),
        ("worker: {kind: celery-exporter, targets: [worker:9808], uses: [cache]}", "", False),
        ("worker: {kind: [process, celery], targets: [worker:9808], uses: [cache]}", "", False),
        ("worker: {kind: flower, targets: [worker:5555], address: cache:6379}", "", False),
        ("worker: {kind: celery, targets: [worker:9808]}", "", True),
        (
            "worker: {kind: celery, targets: [worker:9808], uses: cache}",
            ", params: {redis: {hit_ratio: 60%}}",
            True,
        ),
    ],
)
def test_a_redis_that_celery_uses_as_its_broker_has_no_hit_ratio(users: str, own: str, has: bool) -> None:
    text = f"services:\n  cache: {{kind: redis, address: cache:6379{own}}}\n  {users}\n"
    assert ("RedisHitRatioLow" in {alert.name for alert in service(text, "cache").alerts}) is has


def test_channels_take_short_forms_and_default_secrets() -> None:
    text = 'channels: {ops: {slack: {channel: "#ops"}}, phone: {telegram: -100}}\n' + API
    channels = resolve(text).channels
    ops, phone = channels["ops"], channels["phone"]
    assert isinstance(ops, SlackChannel)
    assert isinstance(phone, TelegramChannel)
    assert ops.webhook.name == "slack_webhook"
    assert (phone.chat, phone.token.name, phone.api) == (-100, "telegram_token", "https://api.telegram.org")


def test_without_notify_pages_and_warnings_go_everywhere_and_notes_nowhere() -> None:
    notify = resolve("channels: {b: {telegram: 1}, a: {telegram: 2}}\n" + API).notify
    assert notify == {"critical": ("a", "b"), "warning": ("a", "b"), "info": ()}


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        (API, True),
        ("channels: {a: {telegram: 1}}\n" + API, False),
        ("people: {ana: {}}\nnotify: {critical: owner}\n" + API, True),
        ("notify: {critical: owner}\n" + API, True),
        ("channels: {a: {telegram: 1}}\nnotify: {critical: owner}\n" + API, True),
        ("channels: {a: {telegram: 1}}\nnotify: {critical: []}\n" + API, True),
        ("people: {ana: {telegram: 1}}\nnotify: {critical: owner}\n" + API, False),
    ],
)
def test_a_page_that_reaches_no_one_is_warned_of(text: str, warned: bool) -> None:
    _, warnings = resolve_text(text, "services.yaml")
    assert ("notify/nobody" in {warning.code for warning in warnings}) == warned


def test_memory_is_shared_out_within_the_machine() -> None:
    for memory in ("2GiB", "8GiB"):
        budget = resolve(f"stack: {{machine: {{memory: {memory}}}}}\n" + API).budget
        # Grafana is counted with its share, and may use 512 MiB until it has been measured.
        grafana = {"2GiB": 224 * 2**20, "8GiB": budget.memory["grafana"]}[memory]
        assert sum({**budget.memory, "grafana": grafana}.values()) <= int(memory[0]) * 2**30
        assert budget.memory["prometheus"] >= 256 * 2**20


def test_disk_is_shared_out_and_the_log_alert_knows_its_share() -> None:
    site = resolve("stack: {machine: {disk: 100GiB}}\n" + API)
    assert site.budget.metrics_disk + site.budget.logs_disk + site.budget.queue_disk < 100 * 2**30
    stack = next(each for each in site.services if each.name == "lookout")
    over = next(alert for alert in stack.alerts if alert.name == "LogsOverDiskBudget")
    assert str(site.budget.logs_disk) in over.expr


def test_all_problems_are_reported_in_one_run() -> None:
    text = (
        "services:\n"
        "  api: {kind: fastpai, targets: [api:8000], owner: bob, uses: [cache], host: vps}\n"
        "  web: {kind: http, targets: [web], detect_within: 1s}\n"
    )
    found = codes(text)
    assert {code for code, line in found if line == 2} == {
        "spec/unknown-kind", "spec/unknown-owner", "spec/unknown-service", "spec/unknown-host"
    }  # fmt: skip
    assert {code for code, line in found if line == 3} == {"spec/bad-target", "spec/detection-impossible"}


def test_a_host_with_a_bad_address_is_reported_at_its_address() -> None:
    text = "people: {ana: {}}\n" + API + "hosts:\n  vps:\n    owner: ana\n    address: nonsense\n"
    assert codes(text) == [("spec/bad-target", 7)]


@pytest.mark.parametrize("order", [1, -1])
def test_a_service_called_as_the_second_job_of_another_is_refused(order: int) -> None:
    api = "  api: {kind: http, targets: ['http://a:1/x', 'http://a:1/y']}\n"
    second = "  api-2: {kind: http, targets: [b:1]}\n"
    text = "services:\n" + "".join([api, second][::order])
    assert codes(text) == [("spec/reserved-name", 3 if order == 1 else 2)]


def test_services_whose_secrets_would_have_one_name_are_refused() -> None:
    text = "services:\n  a-b: {kind: http, targets: [x:1]}\n  a_b: {kind: http, targets: [y:1]}\n"
    assert codes(text) == [("spec/reserved-name", 3)]


@pytest.mark.parametrize("key", ["retention: {metrics: 0d}", "retention: {logs: 0s}"])
def test_to_keep_things_for_no_time_is_refused(key: str) -> None:
    assert codes(f"stack: {{{key}}}\n" + API) == [("spec/bad-value", 1)]


@pytest.mark.parametrize("kind", ["host", "stack", "target"])
def test_kinds_that_lookout_gives_by_itself_cannot_be_asked_for(kind: str) -> None:
    assert codes(f"services:\n  api: {{kind: {kind}, targets: [api:8000]}}\n") == [("spec/unknown-kind", 2)]


def test_the_order_of_the_file_does_not_matter() -> None:
    one = "services:\n  a: {kind: http, targets: [a:1]}\n  b: {kind: http, targets: [b:1]}\nhosts: {x: {}, y: {}}\n"
    two = "hosts: {y: {}, x: {}}\nservices:\n  b: {kind: http, targets: [b:1]}\n  a: {kind: http, targets: [a:1]}\n"

    def shape(site: Site) -> list[Any]:
        return [(s.name, s.jobs, [(a.name, a.expr, a.labels) for a in s.alerts]) for s in site.services]

    assert shape(resolve(one)) == shape(resolve(two))


def test_the_stack_has_an_owner_and_thresholds_of_its_own() -> None:
    text = (
        "stack: {owner: ana, params: {stack: {queue_full: 80%}}, off: [LokiErrors]}\npeople: {ana: {}, bo: {}}\n" + API
    )
    alerts = {alert.name: alert for alert in service(text, "lookout").alerts}
    assert alerts["PartDown"].owner == "ana"
    assert "> 0.8" in alerts["LogQueueFilling"].expr
    assert "LokiErrors" not in alerts
