"""One field of every class is edited, and the running part is asked whether it has the new value.

Each edit builds on the one before. `plan` names exactly the parts that the edit concerns, `apply` reloads exactly
those, once, and restarts none; what is looked at afterwards is the answer of the part itself.
"""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest
import requests
import yaml

from generator.apply import reloading
from generator.apply.prometheus import compare_jobs
from generator.apply.reconcilers import RECONCILERS
from generator.render.alertmanager import config as alertmanager
from generator.render.alertmanager.messages import render_messages
from tests.support.kinds import KINDS, service_line
from tests.support.waiting import until
from tests.tools.follow_lab import Lab, lab, rendered

SPEC: Final = """\
stack:
  name: acme
people:
  ana: {telegram: 11}
  boris: {telegram: 22}
channels:
  ops: {slack: {channel: "#ops", webhook: secret:slack_ops}}
  phone: {telegram: {chat: -100123, token: secret:telegram_token}}
notify:
  critical: [ops, phone, owner]
  warning: [ops, phone]
services:
  api:
    kind: [fastapi, process]
    owner: ana
    targets: [api:8000]
    metrics: {token: secret:api_metrics_token}
    uses: [cache]
    budgets: {"POST /pay": 2s}
    slo: {availability: 99.9%}
    alerts:
      Signups:
        expr: sum(increase(registrations_total[10m])) > 200
        for: 5m
        severity: warning
        summary: "{{ $value | humanize }} people registered"
        detects: [business]
  cache: {kind: redis, owner: ana, address: "cache:6379"}
  web: {kind: probe, owner: ana, targets: ["https://acme.dev", "dns://9.9.9.9/acme.dev"]}
"""
BLOG: Final = "  blog: {kind: probe, targets: ['https://blog.acme.dev']}\n"
CUSTOM: Final = "groups: [{{name: mine, rules: [{{alert: Mine, expr: up == {value}}}]}}]\n"
Look = Callable[[Lab], bool]


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit of services.yaml, the parts that have to load again for it, and how the new value is seen there."""

    field: str
    old: str
    new: str
    parts: str
    seen: Look


def rule(name: str, **wanted: Any) -> Look:
    """All loaded rules of this name have these fields; labels and annotations by name."""

    def look(lab: Lab) -> bool:
        found = [{**each, **each.get("annotations", {}), **each.get("labels", {})} for each in lab.rules(name)]
        return bool(found) and all(each.get(key) == value for each in found for key, value in wanted.items())

    return look


def receivers(lab: Lab, **matchers: str) -> list[str]:
    """The kinds of receivers below the route with this severity, or this owner in it."""
    routes = lab.routing()["route"]["routes"]
    (route,) = (each for each in routes if each["matchers"] == [f'severity="{matchers["severity"]}"'])
    if owner := matchers.get("owner"):
        (route,) = (each for each in route["routes"] if each["matchers"] == [f'owner="{owner}"'])
    (receiver,) = (each for each in lab.routing()["receivers"] if each["name"] == route["receiver"])
    return sorted(f"{kind}:{each.get('chat_id', '')}" for kind, configs in receiver.items() if kind.endswith("_configs")
                  for each in configs)  # fmt: skip


def receiver(lab: Lab, name: str) -> dict[str, Any]:
    return next(each for each in lab.routing()["receivers"] if each["name"] == name)


def modules(lab: Lab) -> dict[str, Any]:
    config = requests.get(f"http://127.0.0.1:{lab.ports['blackbox-exporter']}/config", timeout=60).text
    found: dict[str, Any] = yaml.safe_load(config)["modules"]
    return found


EDITS: Final = (
    Edit("threshold", "    uses: [cache]\n",
         "    uses: [cache]\n    params: {http: {latency_p95: 450ms}}\n", "prometheus",
         lambda lab: any("0.45" in each["query"] for each in lab.rules("HttpLatencyHigh"))),
    Edit("threshold, back to its default", "    params: {http: {latency_p95: 450ms}}\n", "", "prometheus",
         lambda lab: not any("0.45" in each["query"] for each in lab.rules("HttpLatencyHigh"))),
    Edit("owner", "kind: redis, owner: ana", "kind: redis, owner: boris", "prometheus",
         rule("RedisDown", owner="boris")),
    Edit("severity of an alert", "severity: warning", "severity: critical", "prometheus",
         rule("Signups", severity="critical")),
    Edit("summary", "people registered", "robots registered", "prometheus",
         rule("Signups", summary="{{ $value | humanize }} robots registered")),
    Edit("expression", "> 200", "> 300", "prometheus",
         lambda lab: "> 300" in lab.rules("Signups")[0]["query"]),
    Edit("for", "for: 5m", "for: 7m", "prometheus", rule("Signups", duration=420)),
    Edit("keep_firing_for", "for: 7m\n", "for: 7m\n        keep_firing_for: 30m\n", "prometheus",
         rule("Signups", keepFiringFor=1800)),
    Edit("keep_firing_for, taken away", "        keep_firing_for: 30m\n", "", "prometheus",
         rule("Signups", keepFiringFor=0)),
    Edit("name of an alert", "      Signups:", "      SignupFlood:", "prometheus",
         lambda lab: bool(lab.rules("SignupFlood")) and not lab.rules("Signups")),
    Edit("alert switched off", "    slo: {", "    off: [HttpMedianLatencyHigh]\n    slo: {", "prometheus",
         lambda lab: not lab.rules("HttpMedianLatencyHigh")),
    Edit("objective", "99.9%", "99.5%", "prometheus",
         lambda lab: "vector(0.995)" in lab.rules("slo:objective:ratio")[0]["query"]),
    Edit("budget of an endpoint", '"POST /pay": 2s', '"POST /pay": 3s', "prometheus",
         lambda lab: '"budget", "3s"' in lab.rules("HttpEndpointSlow")[0]["query"]),
    Edit("metrics token, another secret", "secret:api_metrics_token", "secret:other_token", "prometheus",
         lambda lab: lab.job("api")["authorization"]["credentials_file"].endswith("other_token")),
    Edit("metrics token, taken away", "    metrics: {token: secret:other_token}\n", "", "prometheus",
         lambda lab: "authorization" not in lab.job("api")),
    Edit("metrics path", "    uses: [cache]\n", "    uses: [cache]\n    metrics: {path: /m}\n", "prometheus",
         lambda lab: lab.job("api")["metrics_path"] == "/m"),
    Edit("sample limit", "{path: /m}", "{path: /m, sample_limit: 777}", "prometheus",
         lambda lab: lab.job("api")["sample_limit"] == 777),
    Edit("metrics, taken away", "    metrics: {path: /m, sample_limit: 777}\n", "", "prometheus",
         lambda lab: lab.job("api")["metrics_path"] == "/metrics"),
    Edit("target", "[api:8000]", "[api:9000]", "prometheus",
         lambda lab: lab.job("api")["static_configs"][0]["targets"] == ["api:9000"]),
    Edit("pace of the scrapes", "    uses: [cache]\n", "    uses: [cache]\n    detect_within: 5m\n",
         "alertmanager prometheus", lambda lab: lab.job("api")["scrape_interval"] != "10s"),
    Edit("environment", "  name: acme\n", "  name: acme\n  environment: staging\n", "alertmanager prometheus",
         lambda lab: lab.job("api")["static_configs"][0]["labels"]["environment"] == "staging"),
    Edit("retention", "  name: acme\n", "  name: acme\n  retention: {metrics: 120d}\n", "prometheus",
         lambda lab: lab.config()["storage"]["tsdb"]["retention"]["time"] == "120d"),
    Edit("containers off", "  name: acme\n", "  name: acme\n  containers: false\n", "prometheus",
         lambda lab: "promote_resource_attributes" not in lab.config().get("otlp", {})),
    Edit("channel taken out of a severity", "warning: [ops, phone]", "warning: [ops]", "alertmanager",
         lambda lab: receivers(lab, severity="warning") == ["slack_configs:"]),
    Edit("chat of a channel", "-100123", "-100124", "alertmanager",
         lambda lab: "telegram_configs:-100124" in receivers(lab, severity="critical")),
    Edit("person's own chat", "{telegram: 22}", "{telegram: 33}", "alertmanager",
         lambda lab: "telegram_configs:33" in receivers(lab, severity="critical", owner="boris")),
    Edit("person without a chat", "{telegram: 33}", "", "alertmanager",
         lambda lab: "chat_id: 33" not in yaml.safe_dump(lab.routing())),
    Edit("webhook of a channel, another secret", "secret:slack_ops", "secret:slack_other", "alertmanager",
         lambda lab: "/run/secrets/slack_other" in str(lab.routing()) and "slack_ops" not in str(lab.routing())),
    Edit("bot server", "token: secret:telegram_token}", "token: secret:telegram_token, api: 'https://bot.acme.dev'}",
         "alertmanager", lambda lab: "https://bot.acme.dev" in str(lab.routing()["receivers"])),
    Edit("bot server, taken away", ", api: 'https://bot.acme.dev'", "", "alertmanager",
         lambda lab: "https://bot.acme.dev" not in str(lab.routing())),
    Edit("severity that goes somewhere", "  warning: [ops]\n", "  warning: [ops]\n  info: [phone]\n", "alertmanager",
         lambda lab: receivers(lab, severity="info") == ["telegram_configs:-100124"]),
    Edit("watchdog", "services:\n", "watchdog: {ping: secret:hc}\nservices:\n", "alertmanager",
         lambda lab: "/run/secrets/hc" in str(receiver(lab, "watchdog"))),
    Edit("watchdog, taken away", "watchdog: {ping: secret:hc}\n", "", "alertmanager",
         lambda lab: "webhook_configs" not in receiver(lab, "watchdog")),
    Edit("dependency, taken away", "    uses: [cache]\n", "", "alertmanager",
         lambda lab: "uses" not in str([each["name"] for each in lab.routing()["inhibit_rules"]])),
    Edit("question to a resolver", "dns://9.9.9.9/acme.dev", "dns://9.9.9.9/acme.dev?type=MX", "blackbox prometheus",
         lambda lab: any(each.get("dns", {}).get("query_type") == "MX" for each in modules(lab).values())),
    Edit("question to a resolver, taken away", ', "dns://9.9.9.9/acme.dev?type=MX"', "", "blackbox prometheus",
         lambda lab: not any(each["prober"] == "dns" for each in modules(lab).values())),
    Edit("service", "  web: {", BLOG + "  web: {", "prometheus",
         lambda lab: bool(lab.job("blog-probe-http-2xx"))),
    Edit("service, taken away", BLOG, "", "prometheus",
         lambda lab: "blog" not in str(lab.config()) and "blog" not in str(lab.json("/prometheus/api/v1/rules"))),
    Edit("lines that are pushed", "    budgets:", "    logs: push\n    budgets:", "caddy",
         lambda lab: "502" in lab.refused_by_caddy("/otlp/v1/logs")),
    Edit("name of the stack", "name: acme", "name: shop", "alertmanager",
         lambda lab: "shop" in yaml.safe_dump(lab.routing())),
)  # fmt: skip


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with lab(tmp_path_factory.mktemp("follow"), SPEC) as made:
        starts = made.starts()
        assert made.plan() == {}, "what was just started follows"
        yield made
        assert made.starts() == starts, "nothing was restarted"


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.field)
def test_an_edit_is_seen_in_the_part_that_it_concerns(edit: Edit, live: Lab) -> None:
    assert edit.old in live.text
    live.text = live.text.replace(edit.old, edit.new)
    assert not edit.seen(live)
    planned = live.plan()
    assert sorted(planned) == edit.parts.split(), planned
    assert live.apply() == []
    assert live.reloads() == edit.parts.split(), "what plan names is loaded again, once, and nothing else"
    assert edit.seen(live)
    assert live.plan() == {}


def test_a_message_template_is_followed(live: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the product renders may change under a services.yaml that stays."""
    messages = render_messages()
    changed = tuple(replace(each, content=each.content + "{{/* another one */}}\n") for each in messages)
    monkeypatch.setattr(alertmanager, "render_messages", lambda: changed)
    rendered.cache_clear()
    assert list(live.plan()) == ["alertmanager"]
    assert (live.apply(), live.reloads(), live.plan()) == ([], ["alertmanager"], {})
    monkeypatch.undo()
    rendered.cache_clear()
    assert (live.apply(), live.reloads()) == ([], ["alertmanager"])


def test_rule_files_of_the_users_own_are_followed(live: Lab) -> None:
    own = live.root / "prometheus" / "custom" / "mine.yml"

    def follows(what: str) -> None:
        planned = live.plan()
        assert list(planned) == ["prometheus"], f"{what}: {planned}"
        assert (live.apply(), live.reloads(), live.plan()) == ([], ["prometheus"], {})

    own.write_text(CUSTOM.format(value=0))
    follows("a new file")
    assert live.rules("Mine")[0]["query"] == "up == 0"
    times = own.stat()
    own.write_text(CUSTOM.format(value=1))
    os.utime(own, ns=(times.st_atime_ns, times.st_mtime_ns))
    follows("another one of the same age")
    assert live.rules("Mine")[0]["query"] == "up == 1"
    own.unlink()
    follows("none")
    assert live.rules("Mine") == []


def test_a_new_secret_is_followed_where_it_is_read_with_the_configuration(live: Lab) -> None:
    path = live.root / "secrets" / ".mounted" / "caddy" / "web_password_hash"
    path.write_text("another one")
    assert live.plan() == {"caddy": ["secrets/.mounted/caddy/web_password_hash changed since it was loaded"]}
    (follow,) = (each.apply for each in RECONCILERS if each.name == "caddy")
    assert (follow(live.running()), live.reloads(), live.plan()) == ([], ["caddy"], {})
    path.unlink()


def test_a_rule_that_was_edited_by_hand_loaded_and_restored_is_loaded_again(live: Lab) -> None:
    path = live.root / "prometheus" / "rules" / "cache" / "redis.yml"
    kept = path.read_text()
    path.write_text(kept.replace("for: 10s", "for: 20s"))
    live.compose(live.root, "kill", "-s", "SIGHUP", "prometheus")
    until(lambda: live.rules("RedisDown")[0]["duration"] == 20)
    path.write_text(kept)
    live.reloads()
    assert live.plan() == {"prometheus": ["prometheus/rules/cache/redis.yml changed since it was loaded"]}
    assert (live.apply(), live.reloads(), live.plan()) == ([], ["prometheus"], {})
    assert live.rules("RedisDown")[0]["duration"] == 10


@pytest.mark.parametrize(
    ("path", "text", "sentence"),
    [
        ("prometheus/custom/mine.yml", "groups: [{name: g, rules: [{alert: A, expr: sum(}]}]\n",
         'prometheus refused its configuration: /etc/prometheus/custom/mine.yml: 1:45: group "g", rule 1, "A": could '
         "not parse expression: 1:5: parse error: unclosed left parenthesis"),
        ("alertmanager/alertmanager.yml", "route: {receiver: none}\n",
         'alertmanager refused its configuration: undefined receiver "none" used in route'),
        ("prometheus/blackbox.yml", "modules: {x: {smoke: 1}}\n",
         "blackbox-exporter refused its configuration: error parsing config file: yaml: unmarshal errors: line 1: "),
        ("caddy/Caddyfile", "http://:2020 {\n\tnothing\n}\n", 
         "caddy refused its configuration: adapting config using caddyfile: "),
    ],
    ids=["prometheus", "alertmanager", "blackbox", "caddy"],
)  # fmt: skip
def test_a_refused_configuration_is_reported_in_the_parts_own_words_and_planned_until_it_is_fixed(
    path: str, text: str, sentence: str, live: Lab
) -> None:
    part = {"prometheus/blackbox.yml": "blackbox"}.get(path, path.split("/")[0])
    target = live.root / path
    kept = target.read_text() if target.is_file() else None
    target.write_text(text)
    live.open()
    (follow,) = (each.apply for each in RECONCILERS if each.name == part)
    began = time.monotonic()
    try:
        (problem,) = follow(live.running())
        assert problem.code == "apply/not-loaded"
        assert problem.message.startswith(sentence)
        assert time.monotonic() - began < reloading.WAIT / 2, "a refusal is not waited for"
        assert list(live.plan()) == [part]
    finally:
        if kept is None:
            target.unlink()
        else:
            target.write_text(kept)
        live.reloads()
        left = (live.apply(), live.reloads(), live.plan())
    assert left == ([], [part], {})


def test_every_kinds_job_is_read_back_as_it_was_rendered(live: Lab) -> None:
    live.text = "services:\n" + "".join(service_line(f"s{kind.replace('-', '')}", kind) for kind in KINDS)
    assert (live.apply(), live.plan()) == ([], {})
    rendered = yaml.safe_load((live.root / "prometheus" / "prometheus.yml").read_text())
    assert compare_jobs(rendered, live.config()) == []
    assert {job["job_name"] for job in live.config()["scrape_configs"]} >= {
        f"s{kind.replace('-', '')}" for kind in KINDS if kind not in ("backup", "probe")
    }
