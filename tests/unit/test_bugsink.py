"""Error tracking in services.yaml, and what follows: DSNs, secrets, routes, endpoint, containers, runbooks."""

import json
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator import bugsink as errors
from generator.apply import profiles
from generator.apply.reconcilers import RECONCILERS
from generator.apply.running import Running
from generator.bugsink.provision import webhook_url
from generator.conventions import EVENT_ALERTS
from generator.diagnostics import Problems
from generator.packs import load_packs
from generator.packs.contract import check_pack
from generator.pipeline import Compiled, compile_text, resolve_text
from generator.prove.simulate import labels_of, simulate
from generator.resolve.errors import project_number
from generator.secrets.files import ensure_secrets
from generator.secrets.needed import needed_secrets
from generator.site.model import Site
from generator.verbs.connect.lines import connect_lines
from generator.verbs.explain.alert import explain_alert
from images import tracker

BASE = """\
stack: {%s}
people: {ana: , boris: {telegram: 7654321}}
channels: {ops: {slack: {webhook: secret:slack_ops}}}
notify: {critical: [ops], warning: [owner, ops]}
services:
  api: {kind: http, owner: ana, targets: ["api:8000"]%s}
  cache: {kind: redis, owner: ana, address: "cache:6379"}
  shop: {kind: probe, owner: ana, targets: ["https://shop.acme.dev"]}
"""
API = project_number("api")


@cache
def compiled(stack: str = "errors: bugsink", api: str = "") -> Compiled:
    return compile_text(BASE % (stack, api), "services.yaml")


def site(stack: str = "errors: bugsink", api: str = "") -> Site:
    return compiled(stack, api).site


def files(stack: str = "errors: bugsink", api: str = "") -> dict[str, str]:
    return {artifact.path: artifact.content for artifact in compiled(stack, api).artifacts}


def reporting(of: Site) -> dict[str, str]:
    return {service.name: service.errors.dsn.name for service in of.services if service.errors}


def code_of(stack: str, api: str) -> list[str]:
    with pytest.raises(Problems) as problems:
        compiled(stack, api)
    return [each.code for each in problems.value.diagnostics]


# --- services.yaml --------------------------------------------------------------------------------------------------


def test_the_runbooks_of_what_no_rule_makes_lie_in_the_pack() -> None:
    assert tuple(load_packs()["bugsink"].events) == EVENT_ALERTS
    assert check_pack(load_packs()["bugsink"]) == ()


def test_only_what_runs_code_of_its_own_reports_errors() -> None:
    assert reporting(site()) == {"api": "api_sentry_dsn"}
    assert reporting(site("name: acme")) == {}


def test_a_service_may_report_elsewhere_or_nowhere() -> None:
    assert reporting(site(api=", errors: none")) == {}
    assert reporting(site(api=", errors: {dsn: secret:sentry_io}")) == {"api": "sentry_io"}
    assert reporting(site("name: acme", ", errors: {dsn: secret:sentry_io}")) == {"api": "sentry_io"}


@pytest.mark.parametrize(
    ("stack", "api", "code"),
    [
        ("errors: sentry", "", "spec/bad-value"),
        ("errors: bugsink", ", errors: bugsink", "spec/bad-value"),
        ("errors: bugsink", ", errors: {dsn: 'https://key@sentry.io/1'}", "spec/plain-secret"),
        ("errors: bugsink", ", errors: {mode: none, dsn: secret:sentry_io}", "spec/bad-value"),
    ],
    ids=["a tracker that there is not", "the default said aloud", "a DSN in the file", "nowhere and somewhere"],
)
def test_what_makes_no_sense_is_refused(stack: str, api: str, code: str) -> None:
    assert code in code_of(stack, api)


def test_names_of_the_containers_are_taken_whether_or_not_they_run() -> None:
    text = BASE.replace("  cache:", "  bugsink:") % ("name: acme", "")
    with pytest.raises(Problems) as problems:
        compile_text(text, "services.yaml")
    assert [each.code for each in problems.value.diagnostics] == ["spec/reserved-name"]


def test_the_machine_has_to_have_room_for_it() -> None:
    assert "spec/memory-budget" in code_of("errors: bugsink, machine: {memory: 1500MiB}", "")
    site("machine: {memory: 1500MiB}")


@pytest.mark.parametrize(
    ("stack", "targets", "address"),
    [
        ("errors: bugsink", "api:8000", "http://{key}@bugsink:8000/"),
        ("errors: bugsink, domain: mon.acme.dev", "api:8000", "http://{key}@bugsink:8000/"),
        ("errors: bugsink, domain: mon.acme.dev", "https://api.acme.dev", "https://{key}@mon.acme.dev/bugsink/"),
        ("errors: bugsink, domain: mon.acme.dev", "10.0.0.7:8000", "https://{key}@mon.acme.dev/bugsink/"),
        ("errors: bugsink", "host.docker.internal:8000", "http://{key}@localhost:8080/bugsink/"),
    ],
    ids=["a container", "a container beside a public endpoint", "an app on the web", "another machine", "a process"],
)
def test_the_address_is_one_that_the_app_can_reach(stack: str, targets: str, address: str) -> None:
    text = (BASE % (stack, "")).replace("api:8000", targets)
    (service,) = [each for each in compile_text(text, "services.yaml").site.services if each.name == "api"]
    assert service.errors
    assert service.errors.address == f"{address}{API}"


def test_a_project_keeps_its_number_for_as_long_as_its_service_has_its_name() -> None:
    assert project_number("api") == 755357712
    numbers = {project_number(f"service-{number}") for number in range(1000)}
    assert len(numbers) == 1000
    assert all(0 < number < 2**31 for number in numbers)


# --- secrets --------------------------------------------------------------------------------------------------------


def test_each_container_is_given_the_secrets_that_it_reads_and_no_other() -> None:
    found = {secret.name: (secret.origin, secret.consumers) for secret in needed_secrets(site())}
    assert {name: found[name] for name in found if "bugsink" in name or "dsn" in name} == {
        "api_sentry_dsn": ("made", ("api",)),
        "bugsink_admin_password": ("made", ()),
        "bugsink_secret_key": ("made", ("bugsink",)),
        "bugsink_webhook_token": ("made", ("bugsink-bridge",)),
    }
    elsewhere = {secret.name: secret for secret in needed_secrets(site(api=", errors: {dsn: secret:sentry_io}"))}
    assert (elsewhere["sentry_io"].origin, elsewhere["sentry_io"].consumers) == ("given", ("api",))


def test_the_address_is_there_before_bugsink_is_and_its_key_stays_when_the_rest_changes(tmp_path: Path) -> None:
    path = tmp_path / "secrets/api_sentry_dsn"
    ensure_secrets(site(), tmp_path)
    found = re.fullmatch(rf"http://([0-9a-f]{{32}})@bugsink:8000/{API}\n", path.read_text())
    assert found
    assert (tmp_path / "secrets/.mounted/api/api_sentry_dsn").read_text() == path.read_text().strip()
    assert ensure_secrets(site(), tmp_path).made == ()
    moved = BASE.replace("api:8000", "https://api.acme.dev") % ("errors: bugsink, domain: mon.acme.dev", "")
    ensure_secrets(compile_text(moved, "services.yaml").site, tmp_path)
    assert path.read_text() == f"https://{found[1]}@mon.acme.dev/bugsink/{API}\n"


def test_another_users_address_is_not_written_over(tmp_path: Path) -> None:
    ensure_secrets(site(), tmp_path)
    path = tmp_path / "secrets/api_sentry_dsn"
    path.write_text("https://0123456789abcdef0123456789abcdef@o1.ingest.sentry.io/4507\n")
    ensure_secrets(site(), tmp_path)
    assert "sentry.io" in path.read_text()


# --- what is rendered -----------------------------------------------------------------------------------------------


def test_without_it_nothing_of_it_is_rendered() -> None:
    rendered = files("name: acme")
    assert "alertmanager/bridge.json" not in rendered
    assert "bugsink" not in rendered["caddy/Caddyfile"] + rendered["compose.rendered.yaml"]
    assert 'href="/bugsink' not in rendered["caddy/site/index.html"]
    assert "NewError" not in rendered["alertmanager/alertmanager.yml"] + rendered["docs/runbooks/api.md"]
    assert "bugsink" not in rendered["prometheus/prometheus.yml"]


def test_the_bridge_knows_the_labels_and_links_of_each_app() -> None:
    known = json.loads(files()["alertmanager/bridge.json"])
    assert set(known["projects"]) == {str(API)}
    event = known["projects"][str(API)]["NewError"]
    assert event["labels"] == {
        "alertname": "NewError",
        "service": "api",
        "severity": "warning",
        "owner": "ana",
        "environment": "production",
        "fault": "event",
        "incident": "api/NewError",
    }
    assert event["annotations"]["runbook_url"] == "http://localhost:8080/runbooks/api#NewError"


@pytest.mark.parametrize("name", ["NewError", "RegressedError"])
def test_each_event_has_a_runbook_that_its_page_lists(name: str) -> None:
    rendered = files()
    page = rendered["docs/runbooks/api.md"].partition(f"\n## {name}\n")[2].partition("<a id=")[0]
    assert re.findall(r"^### (.+)$", page, re.MULTILINE) == [
        "Meaning",
        "Impact",
        "Diagnosis",
        "Mitigation",
        "Escalation",
    ]
    assert f"http://localhost:8080/bugsink/issues/{API}/" in page
    assert "<<" not in page
    assert f"| [{name}](#{name}) | warning |" in rendered["docs/runbooks/api.md"]
    assert name not in rendered["docs/runbooks/cache.md"]


def test_events_go_where_warnings_go_and_their_end_is_no_message() -> None:
    config = yaml.safe_load(files()["alertmanager/alertmanager.yml"])
    (route,) = [each for each in config["route"]["routes"] if "NewError" in each["matchers"][0]]
    assert route["matchers"] == ['alertname=~"NewError|RegressedError"']
    assert route["receiver"] == "event"
    assert [each["receiver"] for each in route["routes"]] == ["event-ana", "event-boris"]
    receivers = {each["name"]: each for each in config["receivers"]}
    for mine, theirs in (("event", "warning"), ("event-boris", "warning-boris")):
        quiet, loud = dict(receivers[mine]), dict(receivers[theirs])
        for kind in set(loud) - {"name"}:
            assert [each.pop("send_resolved") for each in quiet[kind]] == [False] * len(loud[kind])
            assert [each.pop("send_resolved") for each in loud[kind]] == [True] * len(loud[kind])
            assert quiet[kind] == loud[kind]


def test_events_that_reach_no_one_need_no_receiver() -> None:
    text = BASE.replace("warning: [owner, ops]", "warning: []") % ("errors: bugsink", "")
    rendered = {each.path: each.content for each in compile_text(text, "services.yaml").artifacts}
    config = yaml.safe_load(rendered["alertmanager/alertmanager.yml"])
    (route,) = [each for each in config["route"]["routes"] if "NewError" in each["matchers"][0]]
    assert route["receiver"] == "no-receiver"
    assert "event" not in {each["name"] for each in config["receivers"]}


def test_an_event_is_inhibited_by_nothing() -> None:
    """A new kind of error is sent once: whatever muted it for its hour would swallow it."""
    site, _ = resolve_text(BASE % ("errors: bugsink", ""), "services.yaml")
    events = [each["labels"] for each in json.loads(files()["alertmanager/bridge.json"])["projects"][str(API)].values()]
    recent = {"alertname": "OutageRecent", "service": "api", "severity": "info", "fault": "cause"}
    firing = [recent, *(labels_of(alert) for alert in site.alerts)]
    verdicts = simulate(site, [*firing, *events])
    assert sum(bool(verdict.muted_by) for verdict in verdicts) > 10
    assert [verdict.muted_by for verdict in verdicts[len(firing) :]] == [(), ()]


def test_reports_come_in_before_anything_asks_who_sends_them_and_pages_have_bugsinks_own_login() -> None:
    for name, part in (("http://:8080 {", ""), ("\nmon.acme.dev {", ", domain: mon.acme.dev")):
        text = files(f"errors: bugsink{part}")["caddy/Caddyfile"]
        endpoint = text.split(name)[1].split("\n}")[0]
        steps = ["import reports", "import guard", "import errors"]
        order = [endpoint.index(step) for step in [*steps, *(["basic_auth"] if part else [])]]
        assert order == sorted(order)


def test_the_containers_are_reported_their_address_their_names_and_how_much_to_keep() -> None:
    rendered = yaml.safe_load(files("errors: bugsink, domain: mon.acme.dev")["compose.rendered.yaml"])["services"]
    assert rendered["bugsink"]["environment"] == {
        "BASE_URL": "https://mon.acme.dev/bugsink",
        "ALLOWED_HOSTS": "bugsink,localhost,127.0.0.1,mon.acme.dev",
        "BEHIND_HTTPS_PROXY": "true",
        "MAX_RETENTION_PER_PROJECT_EVENT_COUNT": "10485",
    }
    assert "labels" in rendered["bugsink-bridge"], "it reads its file once"
    assert rendered["bugsink"]["mem_limit"].endswith("m")
    local = yaml.safe_load(files()["compose.rendered.yaml"])["services"]
    assert local["bugsink"]["environment"]["BEHIND_PLAIN_HTTP_PROXY"] == "true"


def test_prometheus_watches_the_bridge_and_the_bridge_bugsink() -> None:
    jobs = [job["job_name"] for job in yaml.safe_load(files()["prometheus/prometheus.yml"])["scrape_configs"]]
    assert "bugsink-bridge" in jobs
    assert "bugsink" not in jobs
    assert "ErrorTrackerDown" in files()["prometheus/rules/lookout/bugsink.yml"]


def test_bugsink_calls_no_one_but_the_bridge_and_lets_no_one_sign_up() -> None:
    stack = yaml.safe_load(Path("compose.yaml").read_text())["services"]
    assert stack["bugsink"]["profiles"] == stack["bugsink-bridge"]["profiles"] == ["errors"]
    settings = stack["bugsink"]["environment"]
    assert settings["PHONEHOME"] == "false"
    assert settings["USER_REGISTRATION"] == settings["TEAM_CREATION"] == "CB_ADMINS"
    assert settings["ALERTS_WEBHOOK_OUTBOUND_MODE"] == "allowlist_only"
    assert settings["ALERTS_WEBHOOK_ALLOW_LIST"] == "bugsink-bridge"
    assert not any("SECRET" in name or "PASSWORD" in name for name in settings)
    assert list(stack["bugsink-bridge"]["networks"]) == ["core"]


def test_explain_shows_the_runbook_of_an_event(tmp_path: Path) -> None:
    file = tmp_path / "services.yaml"
    file.write_text(BASE % ("errors: bugsink", ""))
    assert explain_alert(file, "NewError", "api").startswith("# api: NewError\n")
    with pytest.raises(Problems):
        explain_alert(file, "NewError", "cache")


def test_connect_shows_where_the_app_finds_the_address() -> None:
    lines = connect_lines(site(), "api")
    assert "LOOKOUT_SENTRY_DSN_FILE: /run/lookout/api_sentry_dsn" in lines
    assert "/secrets/.mounted/api:/run/lookout:ro" in lines
    assert "SENTRY" not in connect_lines(site("name: acme"), "api")


# --- the running stack ----------------------------------------------------------------------------------------------


class Bugsink:
    """Answers as inside.py would, and remembers what it was asked."""

    def __init__(self, *answers: dict[str, list[str]], code: int = 0, stderr: str = "") -> None:
        self.answers, self.code, self.stderr = list(answers), code, stderr
        self.asked: list[dict[str, Any]] = []
        self.commands: list[tuple[str, ...]] = []

    def __call__(self, command: tuple[str, ...], text: str) -> subprocess.CompletedProcess[str]:
        self.commands.append(command)
        self.asked.append(json.loads(text))
        stdout = f"12 objects imported\nLookout:{json.dumps(self.answers.pop(0))}\n" if self.answers else ""
        return subprocess.CompletedProcess(command, self.code, stdout, self.stderr)


def answer(*changes: str, notes: tuple[str, ...] = ()) -> dict[str, list[str]]:
    return {"changes": list(changes), "notes": list(notes)}


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    ensure_secrets(site(), tmp_path)
    return tmp_path / "secrets"


def test_what_is_wanted_goes_in_by_standard_input_and_no_secret_by_the_command_line(secrets: Path) -> None:
    bugsink = Bugsink(answer("create project api"))
    assert errors.plan(site(), secrets, bugsink).changes == ("create project api",)
    (asked,) = bugsink.asked
    key = (secrets / "api_sentry_dsn").read_text()[7:39]
    assert asked["apply"] is False
    assert asked["projects"] == [{"id": API, "name": "api", "key": key}]
    assert asked["webhook"] == webhook_url((secrets / "bugsink_webhook_token").read_text().strip())
    assert asked["webhook"].startswith("http://bugsink-bridge:8001/")
    for name in ("bugsink_admin_password", "bugsink_webhook_token"):
        assert (secrets / name).read_text().strip() not in str(bugsink.commands)
    assert key not in str(bugsink.commands)


def test_after_a_change_it_is_read_back(secrets: Path) -> None:
    bugsink = Bugsink(answer("create project api"), answer())
    assert errors.apply(site(), secrets, bugsink).changes == ("create project api",)
    assert [asked["apply"] for asked in bugsink.asked] == [True, False]
    stubborn = Bugsink(answer("create project api"), answer("create project api"))
    with pytest.raises(errors.BugsinkError, match="did not keep"):
        errors.apply(site(), secrets, stubborn)


def test_when_nothing_changed_it_is_asked_once(secrets: Path) -> None:
    bugsink = Bugsink(answer())
    errors.apply(site(), secrets, bugsink)
    assert len(bugsink.asked) == 1


def test_an_address_that_is_not_ours_is_reported_and_left_alone(secrets: Path) -> None:
    (secrets / "api_sentry_dsn").write_text("https://0123456789abcdef0123456789abcdef@sentry.io/4507\n")
    bugsink = Bugsink(answer())
    outcome = errors.apply(site(), secrets, bugsink)
    assert bugsink.asked[0]["projects"] == []
    assert [sentence.split(";")[0] for sentence in outcome.notes] == [
        "secrets/api_sentry_dsn is no address of this Bugsink"
    ]
    assert "0123456789abcdef" not in str(outcome)


@pytest.mark.parametrize(
    ("bugsink", "words"),
    [
        (Bugsink(code=1, stderr="Traceback\nOperationalError: database is locked\n"), "database is locked"),
        (Bugsink(), "no answer"),
    ],
    ids=["a traceback ends in its reason", "silence"],
)
def test_what_goes_wrong_inside_is_reported_in_a_line(bugsink: Bugsink, words: str, secrets: Path) -> None:
    with pytest.raises(errors.BugsinkError, match=words):
        errors.plan(site(), secrets, bugsink)


def test_a_missing_secret_is_named(secrets: Path) -> None:
    (secrets / "bugsink_admin_password").unlink()
    with pytest.raises(errors.BugsinkError, match="bugsink_admin_password does not exist"):
        errors.plan(site(), secrets, Bugsink())


def running(root: Path, of: Site) -> Running:
    return Running(root, of, {}, "http://127.0.0.1:1", "http://127.0.0.1:2")


def test_the_reconciler_is_passed_over_where_no_tracker_runs() -> None:
    (reconciler,) = [each for each in RECONCILERS if each.name == "bugsink"]
    assert reconciler.wanted(site())
    assert not reconciler.wanted(site("name: acme"))
    assert all(each.wanted(site("name: acme")) for each in RECONCILERS if each is not reconciler)


def test_the_reconciler_shows_changes_and_troubles(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (reconciler,) = [each for each in RECONCILERS if each.name == "bugsink"]
    notes = ("project old has no service any more; it stays, with all its reports",)
    bugsink = Bugsink(answer("create project api", notes=notes), answer(notes=notes))

    def compose(_: Path, *words: str, text: str, **__: Any) -> subprocess.CompletedProcess[str]:
        assert words[:3] == ("exec", "-T", "bugsink")
        return bugsink(words[3:], text)

    monkeypatch.setattr("generator.apply.bugsink.compose", compose)
    here = running(secrets.parent, site())
    assert reconciler.drift(here) == ["create project api", *notes]
    (diagnostic,) = reconciler.apply(here)
    assert (diagnostic.code, diagnostic.level, diagnostic.message) == ("apply/bugsink", "warning", notes[0])
    (diagnostic,) = reconciler.apply(here)
    assert (diagnostic.code, diagnostic.level) == ("apply/bugsink", "error")


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The commands that the profile's switch runs; of containers, Bugsink's is there."""
    commands: list[tuple[str, ...]] = []

    def run(words: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        commands.append(tuple(words[1:]))
        return subprocess.CompletedProcess(words, 0, "", "")

    def compose(_: Path, *words: str, **__: Any) -> subprocess.CompletedProcess[str]:
        commands.append(words)
        return subprocess.CompletedProcess(words, 0, "prometheus\nbugsink\n" if "ps" in words else "", "")

    monkeypatch.setattr("generator.apply.profiles.subprocess.run", run)
    monkeypatch.setattr("generator.apply.profiles.compose", compose)
    monkeypatch.setattr("generator.apply.profiles.docker_environment", lambda _: {})
    return commands


def test_switched_on_the_image_is_had_and_the_profile_written(tmp_path: Path, done: list[tuple[str, ...]]) -> None:
    (tmp_path / ".env").write_text("COMPOSE_PROFILES=demo\n")
    here, said = running(tmp_path, site()), list[str]()
    assert profiles.profile_changes(here) == ["compose: profile errors is switched on"]
    assert profiles.follow_profile(here, said.append) == []
    assert done == [("-m", "images")]
    (tmp_path / ".env").write_text("COMPOSE_PROFILES=demo,errors\n")
    assert profiles.profile_changes(here) == []


def test_switched_off_the_containers_go_and_no_volume_does(tmp_path: Path, done: list[tuple[str, ...]]) -> None:
    (tmp_path / ".env").write_text("COMPOSE_PROFILES=errors\n")
    here, said = running(tmp_path, site("name: acme")), list[str]()
    assert profiles.follow_profile(here, said.append) == []
    assert ("--profile", "errors", "rm", "--stop", "--force", "bugsink") in done
    assert ("-m", "images") in done
    assert said[0] == "compose: bugsink go; what is stored stays"


def test_the_store_of_traces_is_switched_the_same_way(tmp_path: Path, done: list[tuple[str, ...]]) -> None:
    (tmp_path / ".env").write_text("COMPOSE_PROFILES=traces\n")
    assert profiles.profile_changes(running(tmp_path, site("traces: tempo"))) == []
    assert profiles.profile_changes(running(tmp_path, site("name: acme"))) == [
        "compose: profile traces is switched off"
    ]
    (tmp_path / ".env").write_text("COMPOSE_PROFILES=\n")
    here = running(tmp_path, site("traces: tempo"))
    assert profiles.profile_changes(here) == ["compose: profile traces is switched on"]
    assert profiles.follow_profile(here, lambda _: None) == []
    assert done == [("-m", "images")]


def test_an_image_that_cannot_be_had_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("COMPOSE_PROFILES=\n")
    failed = subprocess.CompletedProcess([], 1, "", "no registry answers\n")
    monkeypatch.setattr("generator.apply.profiles.subprocess.run", lambda *_, **__: failed)
    (diagnostic,) = profiles.follow_profile(running(tmp_path, site()), lambda _: None)
    assert diagnostic.notes == ("no registry answers",)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("stack: {errors: bugsink}\n", True),
        ("stack: {name: acme}\n", False),
        ("stack:\n", False),
        ("- a list\n", False),
        ("stack: [\n", False),
    ],
    ids=["it says so", "it does not", "nothing under stack", "no mapping", "no YAML"],
)
def test_the_image_is_had_only_where_services_yaml_asks_for_it(
    text: str, wanted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracker, "ROOT", tmp_path)
    assert tracker.is_wanted("bugsink") is False
    (tmp_path / "services.yaml").write_text(text)
    assert tracker.is_wanted("bugsink") is wanted
