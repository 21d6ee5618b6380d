"""Values, addresses and files as people write them: taken as they are meant, or refused with what works.

A row is a services.yaml that someone would write. Nothing in between is allowed: half understood is wrong.
"""

from typing import Any, Final

import pytest
import yaml

from generator.channels.telegram import TelegramChannel
from generator.diagnostics import Diagnostic, Problems
from generator.pipeline import resolve_text
from generator.render.collector.config import COLLECTOR_FILE
from generator.render.registry import render_all
from generator.site.model import ScrapeJob, Service, Site
from generator.verbs.connect.lines import connect_lines
from tests.cli.test_schema import refused as refused_by_schema

CHANNEL: Final = "channels: {ops: {slack: {channel: '#ops'}}}\n"


def text_of(services: str, more: str = "") -> str:
    indented = "".join(f"  {line.strip()}\n" for line in services.strip().splitlines())
    return f"{more or CHANNEL}services:\n{indented}"


def taken(text: str) -> Site:
    """The Site; whatever the compiler takes, an editor takes too."""
    assert refused_by_schema(text) == []
    return resolve_text(text, "services.yaml")[0]


def warned(text: str) -> list[Diagnostic]:
    return [warning for warning in resolve_text(text, "services.yaml")[1] if warning.code != "notify/nobody"]


def refused(text: str) -> list[Diagnostic]:
    with pytest.raises(Problems) as caught:
        resolve_text(text, "services.yaml")
    errors = [problem for problem in caught.value.diagnostics if problem.level == "error"]
    assert all(error.span for error in errors)
    return errors


def job_of(site: Site, service: str = "api") -> ScrapeJob:
    return next(job for each in site.services if each.name == service for job in each.jobs if not job.probe_module)


def service_of(site: Site, name: str) -> Service:
    return next(service for service in site.services if service.name == name)


def rendered(site: Site, path: str) -> Any:
    return yaml.safe_load(next(artifact.content for artifact in render_all(site) if artifact.path == path))


# --- queries and paths --------------------------------------------------------------------------------------

ASKED: Final = {
    "a query in a target": (
        'targets: ["https://vault.acme.dev:8200/v1/sys/metrics?format=prometheus"]',
        ("/v1/sys/metrics", {"format": ["prometheus"]}),
    ),
    "a query in the path": (
        'targets: ["vault:8200"], metrics: {path: "/v1/sys/metrics?format=prometheus"}',
        ("/v1/sys/metrics", {"format": ["prometheus"]}),
    ),
    "a query of its own at the path of all": (
        'targets: ["http://mq:15692?per=queue"], metrics: {path: /metrics/all}',
        ("/metrics/all", {"per": ["queue"]}),
    ),
    "one name twice, and one without a value": (
        'targets: ["http://mq:15692/m?x=2&family=a&family=b&pretty"]',
        ("/m", {"family": ["a", "b"], "pretty": [""], "x": ["2"]}),
    ),
    "what is encoded": (
        'targets: ["http://a:1/m%7Bx%7D%20y/100%25?q=a%26b+c%C3%A4"]',
        ("/m{x} y/100%", {"q": ["a&b cä"]}),
    ),
    "dollars and braces": ('targets: ["http://a:1/$HOME?x=%24%7BY%7D"]', ("/$HOME", {"x": ["${Y}"]})),
    "no query": ("targets: [a:1]", ("/metrics", None)),
}


@pytest.mark.parametrize(("fields", "asked"), ASKED.values(), ids=ASKED)
def test_a_query_becomes_parameters_of_the_job(fields: str, asked: tuple[str, Any]) -> None:
    config = rendered(taken(text_of(f"api: {{kind: http, {fields}}}")), "prometheus/prometheus.yml")
    job = next(job for job in config["scrape_configs"] if job["job_name"] == "api")
    assert (job["metrics_path"], job.get("params")) == asked


def test_what_connect_prints_is_the_address_as_it_is_asked() -> None:
    fields = 'targets: ["https://a.dev/m%7B?b=2&a=1%262"], metrics: {token: secret:a_token}'
    lines = connect_lines(taken(text_of(f"api: {{kind: http, {fields}}}")), "api")
    assert "Lookout asks https://a.dev:443/m%7B?a=1%262&b=2\n" in lines
    assert "'https://a.dev:443/m%7B?a=1%262&b=2' | head" in lines


NOT_ASKED: Final = {
    "a fragment": ("http://a:1/m#part", "leave it out, or write %23"),
    "half an encoding": ("http://a:1/m%zz", "write %25 for a %"),
    "half an encoding in the query": ("http://a:1/m?x=%z", "write %25 for a %"),
    "a slash in a segment": ("http://a:1/a%2Fb", "cannot ask for %2F"),
    "a value without a name": ("http://a:1/m?=x", "write ?name=value"),
    "what is no text": ("http://a:1/m?x=%FF", "is no text"),
    "a line break": ("http://a:1/m%0A", "is no text"),
    "a path without a scheme": ("a:1/metrics", "write http://a:1/metrics"),
    "a query without a scheme": ("a:1?x=y", "write http://a:1?x=y"),
}


@pytest.mark.parametrize(("target", "sentence"), NOT_ASKED.values(), ids=NOT_ASKED)
def test_an_address_that_cannot_be_asked_is_refused(target: str, sentence: str) -> None:
    [error] = refused(text_of(f'api: {{kind: http, targets: ["{target}"]}}'))
    assert (error.code, sentence in error.message) == ("spec/bad-target", True), error.message


@pytest.mark.parametrize("path", ["/m#part", "/m%2Fx", "/m?x=%zz", "/m?=x"])
def test_and_so_is_such_a_path(path: str) -> None:
    [error] = refused(text_of(f'api: {{kind: http, targets: [a:1], metrics: {{path: "{path}"}}}}'))
    assert error.code == "spec/bad-value"


@pytest.mark.parametrize("target", ["tcp://a.dev:25/x", "tls://a.dev:465?x=y", "tcp://a.dev:25#x"])
def test_a_probe_that_only_connects_has_no_path(target: str) -> None:
    [error] = refused(text_of(f'api: {{kind: probe, targets: ["{target}"]}}'))
    assert f"write {target[:3]}://a.dev:" in error.message


# --- one thing in two services ------------------------------------------------------------------------------

TWICE: Final = {
    "the same words": ("api:8000", "api:8000"),
    "with a scheme": ("api:8000", "http://api:8000"),
    "with the path that it has anyway": ("api:8000", "http://api:8000/metrics"),
    "in capitals": ("api.acme.dev:8000", "API.acme.dev:8000"),
}


@pytest.mark.parametrize(("one", "other"), TWICE.values(), ids=TWICE)
def test_a_target_of_two_services_is_a_warning(one: str, other: str) -> None:
    text = text_of(f"api: {{kind: http, targets: [{one}]}}\nworker: {{kind: http, targets: ['{other}']}}")
    [warning] = warned(text)
    assert (warning.code, "'api'" in warning.message) == ("spec/shared-target", True)
    assert [len(job_of(taken(text), name).targets) for name in ("api", "worker")] == [1, 1]


@pytest.mark.parametrize(("one", "other"), TWICE.values(), ids=TWICE)
def test_a_target_that_is_written_twice_is_refused(one: str, other: str) -> None:
    [error] = refused(text_of(f"api: {{kind: http, targets: [{one}, '{other}']}}"))
    assert error.code == "spec/duplicate-target"


@pytest.mark.parametrize("other", ["api:8001", "https://api:8000", "http://api:8000/other", "http://api:8000?x=1"])
def test_another_target_is_none(other: str) -> None:
    assert not warned(text_of(f"api: {{kind: http, targets: [api:8000]}}\nb: {{kind: http, targets: ['{other}']}}"))


def test_a_url_of_two_services_is_probed_once() -> None:
    text = text_of(
        """api: {kind: http, targets: [a:1], url: "https://x.dev/"}
        web: {kind: http, targets: [b:1], url: "https://x.dev"}"""
    )
    site = taken(text)
    assert [warning.code for warning in warned(text)] == ["spec/shared-target"]
    assert len([job for service in site.services for job in service.jobs if job.probe_module]) == 1
    assert [monitor.url for monitor in site.monitors if monitor.key.startswith(("api", "web"))] == ["https://x.dev/"]
    assert service_of(site, "web").url == "https://x.dev"


def test_anyone_who_asks_for_its_probes_keeps_them() -> None:
    fields = ("kind: probe", "kind: http, targets: [b:1], slo: {reachability: 99%}", "kind: probe, expect: [401]")
    for each in fields:
        site = taken(text_of(f'api: {{kind: probe, url: "https://x.dev/"}}\nweb: {{{each}, url: "https://x.dev/"}}'))
        assert service_of(site, "web").probes


STORES: Final = {
    "the database of two projects": ("postgres", "db:5432", ", dsn: secret:db_dsn", "alias blog on the network"),
    "a cache of two projects": ("redis", "cache:6379", "", "alias blog on the network"),
}


@pytest.mark.parametrize(("kind", "address", "more", "hint"), STORES.values(), ids=STORES)
def test_two_stores_at_one_address_are_refused(kind: str, address: str, more: str, hint: str) -> None:
    shop, blog, own = (
        f"{{kind: {kind}, address: '{each}'{more}, off: [backup]}}" for each in (address, address.upper(), "blog:6379")
    )
    [error] = refused(text_of(f"shop: {shop}\nblog: {blog}"))
    assert (error.code, hint in error.hint) == ("spec/shared-address", True), error.hint
    assert taken(text_of(f"shop: {shop}\nblog: {own}"))


@pytest.mark.parametrize("address", ["10.0.0.5:6379", "eu1.example.net:6379"])
def test_one_server_elsewhere_in_two_services_is_a_warning(address: str) -> None:
    store = f"{{kind: redis, address: '{address}', off: [backup]}}"
    text = text_of(f"shop: {store}\nblog: {store}")
    assert taken(text)
    assert "spec/shared-address" in {warning.code for warning in warned(text)}


# --- log files ----------------------------------------------------------------------------------------------

FILES: Final = {
    "a space": ("/var/log/my app/a b.log", "/var/log/my app/a b.log"),
    "a star": ("/var/log/shop/a*.log", "/var/log/shop/a*.log"),
    "a dollar": ("/var/log/$x/a.log", "/var/log/$$x/a.log"),
    "brackets": ("/var/log/[id]/{y}/[z].log", r"/var/log/\[id\]/\{y\}/\[z\].log"),
    "a question mark": ("/var/log/x/what?.log", r"/var/log/x/what\?.log"),
    "a backslash": (r"/var/log/x/a\b.log", r"/var/log/x/a\\b.log"),
    "other letters": ("/var/log/café/ü.log", "/var/log/café/ü.log"),
}


@pytest.mark.parametrize(("path", "included"), FILES.values(), ids=FILES)
def test_a_log_file_may_be_called_as_files_are(path: str, included: str) -> None:
    site = taken(text_of(f"api: {{kind: http, targets: ['host.docker.internal:80'], logs: {{file: '{path}'}}}}"))
    receiver = rendered(site, COLLECTOR_FILE)["receivers"]["file_log/api"]
    assert receiver["include"][0].endswith(included)
    mounts = rendered(site, "compose.rendered.yaml")["services"]["collector"]["volumes"]
    folder = path.rpartition("/")[0]
    assert folder.replace("$", "$$") in [mount["source"] for mount in mounts if isinstance(mount, dict)]


NO_FILES: Final = {
    "in the root": ("/d.log", "whole folder is mounted"),
    "with two dots": ("/var/log/../etc/x", "without . and .."),
    "with a dot": ("/var/./log/x", "without . and .."),
    "two slashes": ("/var//log/x", "single slashes"),
    "two slashes at the start": ("//var/log/x", "single slashes"),
    "a folder": ("/var/log/", "not the path of a file"),
    "relative": ("logs/a.log", "starts with /"),
    "a star in the folder": ("/var/log/*/a.log", "is mounted as it is"),
    "a variable": ("/var/log/${x}.log", "cannot hold ${"),
    "nothing": ("", "starts with /"),
}


@pytest.mark.parametrize(("path", "sentence"), NO_FILES.values(), ids=NO_FILES)
def test_a_path_that_cannot_be_read_is_refused(path: str, sentence: str) -> None:
    errors = refused(text_of(f"api: {{kind: http, targets: ['host.docker.internal:80'], logs: {{file: '{path}'}}}}"))
    assert [error.code for error in errors] == ["spec/bad-value"]
    assert sentence in errors[0].message


SHARED: Final = {
    "one file": ("/l/all.log", "/l/all.log", True),
    "a pattern and its file": ("/l/*.log", "/l/a.log", True),
    "two patterns": ("/l/a*.log", "/l/*b.log", True),
    "a rotated predecessor": ("/l/app", "/l/app.1", True),
    "a dated predecessor": ("/l/app.log", "/l/app.log-20261130", True),
    "the old one": ("/l/app.log", "/l/app.log.old", True),
    "another name": ("/l/a.log", "/l/b.log", False),
    "another folder": ("/l/a.log", "/m/a.log", False),
    "a longer name": ("/l/api.log", "/l/api-v2.log", False),
    "patterns apart": ("/l/a*.log", "/l/b*.log", False),
}


@pytest.mark.parametrize(("one", "other", "shared"), SHARED.values(), ids=SHARED)
def test_a_log_file_of_two_services_is_refused(one: str, other: str, shared: bool) -> None:
    service = "{{kind: http, targets: ['host.docker.internal:{}'], logs: {{file: '{}'}}}}"
    text = text_of(f"a: {service.format(81, one)}\nb: {service.format(82, other)}")
    if not shared:
        assert taken(text)
        return
    [error] = refused(text)
    assert (error.code, "'a'" in error.message and "'b'" in error.message) == ("spec/shared-log", True)


# --- Telegram -----------------------------------------------------------------------------------------------

CHATS: Final = {
    "a number": ("{telegram: {chat: -100123}}", (-100123, 0)),
    "a number in quotes": ('{telegram: {chat: "-100123"}}', (-100123, 0)),
    "the number alone": ("{telegram: 123}", (123, 0)),
    "alone and in quotes": ('{telegram: "123"}', (123, 0)),
    "a topic": ("{telegram: {chat: -100123, thread: 5}}", (-100123, 5)),
    "a topic in quotes": ('{telegram: {chat: -100123, thread: "5"}}', (-100123, 5)),
}


@pytest.mark.parametrize(("channel", "place"), CHATS.values(), ids=CHATS)
def test_a_telegram_chat_and_its_topic(channel: str, place: tuple[int, int]) -> None:
    site = taken(text_of("a: {kind: http, targets: [a:1]}", f"channels: {{tg: {channel}}}\n"))
    chat = site.channels["tg"]
    assert isinstance(chat, TelegramChannel)
    assert (chat.chat, chat.thread) == place
    receivers = rendered(site, "alertmanager/alertmanager.yml")["receivers"]
    configs = [config for receiver in receivers for config in receiver.get("telegram_configs", [])]
    assert {(config["chat_id"], config.get("message_thread_id", 0)) for config in configs} == {place}
    [notification] = rendered(site, "uptime-kuma/monitors.json")["notifications"]
    assert notification["settings"]["telegramMessageThreadID"] == (str(place[1]) if place[1] else "")


NO_CHATS: Final = {
    "a channel's name": ('{telegram: {chat: "@mychannel"}}', "is a number"),
    "a chat and a topic in one": ("{telegram: -100123_5}", "write chat: -100123 and thread: 5"),
    "the same below its key": ("{telegram: {chat: -100123_5}}", "write chat: -100123 and thread: 5"),
    "with a colon": ('{telegram: "-100123:5"}', "write chat: -100123 and thread: 5"),
    "the topic of nothing": ("{telegram: {chat: -100123, thread: 0}}", "greater than 0"),
    "no number": ("{telegram: {chat: 1.5}}", "is a number"),
}


@pytest.mark.parametrize(("channel", "sentence"), NO_CHATS.values(), ids=NO_CHATS)
def test_what_is_no_chat_is_refused(channel: str, sentence: str) -> None:
    [error] = refused(text_of("a: {kind: http, targets: [a:1]}", f"channels: {{tg: {channel}}}\n"))
    assert sentence in error.message


# --- names and units ----------------------------------------------------------------------------------------

NAMES: Final = ("Ann & Bob <shop>", "shop {{ .x", "shop {{ .x }}", "${HOME}", "a: b", "*bold*", "x" * 40, "Shop", "é")


@pytest.mark.parametrize("key", ["name", "environment"])
@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_messages_and_labels_cannot_hold_is_refused_in_words(name: str, key: str) -> None:
    [error] = refused(text_of("a: {kind: http, targets: [a:1]}", f"stack: {{{key}: '{name}'}}\n{CHANNEL}"))
    assert "use up to 32 lower-case letters" in error.message
    assert "pattern" not in error.message


UNITS: Final = (
    "stack: {retention: {metrics: 1y, logs: 90 d}, machine: {memory: 2Gi, disk: 90 GB}}",
    "slo: {availability: 0.999, latency: {p95: 0.3s}}",
    'slo: {availability: "99,9%", latency: {p95: 300 ms}}',
    "slo: {availability: 99.9}",
    "slo: {availability: {objective: 99.9}}",
    "slo: {availability: 99.9%, plans: {pro: 0.995}, window: 2 weeks}",
    "metrics: {sample_limit: 1e5}",
    'metrics: {sample_limit: "20_000"}',
    "detect_within: 1.5m",
    "detect_within: 2 minutes",
    'budgets: {"GET /": 0.5s}',
    'params: {http: {latency_p95: "300 ms", latency_median: 1.5s, surge_factor: "3x", error_ratio_critical: "7,5 %"}}',
)


@pytest.mark.parametrize("written", UNITS)
def test_units_as_people_write_them_are_taken(written: str) -> None:
    stack = written.startswith("stack")
    fields = "" if stack else f", {written}"
    assert taken(text_of(f"a: {{kind: http, targets: [a:1]{fields}}}", f"{written}\n{CHANNEL}" if stack else ""))


UNCLEAR: Final = (
    ("machine: {disk: 40G}", "write 40GiB, or 40GB"),
    ("machine: {memory: 2}", "write 2MiB or 2GiB"),
    ("retention: {logs: 3M}", "write 90d, or 3m for minutes"),
    ("retention: {logs: 30}", "write 30ms or 30s or 30m"),
    ("slo: {availability: 1}", "write 100%, or 1%"),
    ("slo: {availability: 0.1}", "write 10%, or 0.1%"),
    ("metrics: {sample_limit: 20k}", "write 20000"),
    ("metrics: {sample_limit: 1.5}", "is not a whole number"),
    ('budgets: {"GET /": 500}', "write 500ms or 500s or 500m"),
    ("detect_within: '1,5m'", "write 1.5m"),
    ("params: {http: {error_ratio_critical: 0.05}}", "write 5%, or 0.05%"),
    ("params: {http: {latency_p95: 300}}", "write 300ms or 300s or 300m"),
    ('params: {http: {surge_factor: "3,5"}}', "write 3.5"),
)


@pytest.mark.parametrize(("written", "sentence"), UNCLEAR)
def test_what_could_mean_two_things_is_refused_with_the_spelling_that_works(written: str, sentence: str) -> None:
    stack = written.startswith(("machine", "retention"))
    fields = "" if stack else f", {written}"
    more = f"stack: {{{written}}}\n{CHANNEL}" if stack else ""
    [error] = refused(text_of(f"a: {{kind: http, targets: [a:1]{fields}}}", more))
    assert sentence in error.message
