"""Loading packs and applying them: what a service gets, and what a mistake in a pack says."""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from generator.conventions import ALERT_ANNOTATIONS, ALERT_LABELS
from generator.diagnostics import Problems
from generator.packs import instantiate, load_packs
from generator.packs.load import PACKS
from generator.packs.sample import SAMPLE_STACK, sample_instance
from generator.site.model import Alert, PackInstance, Probe, ScrapeJob
from tests.unit.sites import make_job, make_service


def rendered(kind: str, **params: float) -> PackInstance:
    return instantiate(load_packs()[kind], make_service(kinds=(kind,)), SAMPLE_STACK, params, ())


def alert_of(instance: PackInstance, name: str) -> Alert:
    (found,) = (alert for alert in instance.alerts if alert.name == name)
    return found


def test_every_folder_is_a_pack_by_its_name() -> None:
    folders = sorted(path.name for path in PACKS.iterdir() if path.is_dir())
    assert list(load_packs()) == folders
    assert {"fastapi", "http", "postgres", "redis", "target"} <= set(folders)


@pytest.mark.parametrize("kind", load_packs())
def test_every_alert_carries_every_label_and_annotation(kind: str) -> None:
    _, instance = sample_instance(load_packs()[kind])
    for alert in instance.alerts:
        assert {"alertname", *alert.labels} >= set(ALERT_LABELS), alert.name
        assert tuple(alert.annotations) == ALERT_ANNOTATIONS, alert.name
        assert "<<" not in alert.expr + "".join(alert.annotations.values())


def test_a_pack_based_on_another_has_its_rules_under_its_own_name() -> None:
    packs = load_packs()
    assert packs["fastapi"].alert_names == packs["http"].alert_names
    assert {alert.pack for alert in rendered("fastapi").alerts} == {"fastapi"}


def test_a_parameter_reaches_expression_text_and_panel() -> None:
    instance = rendered("http", error_ratio_critical=0.1)
    alert = alert_of(instance, "HttpErrorRatioCritical")
    assert "> 0.1\n" in alert.expr
    assert "(limit 10%)" in alert.annotations["summary"]
    (panel,) = (panel for row in instance.rows for panel in row.panels if panel.slug == alert.panel)
    assert 0.1 in [line.value for line in panel.thresholds if line.alert == alert.name]


def test_a_latency_below_a_second_is_a_plain_number_in_promql_and_milliseconds_in_words() -> None:
    alert = alert_of(rendered("http", latency_p95=0.3), "HttpLatencyHigh")
    assert "> 0.3\n" in alert.expr
    assert "(limit 300ms)" in alert.annotations["summary"]


def test_an_alert_that_is_off_leaves_rules_runbooks_and_panels() -> None:
    service = make_service(kinds=("http",))
    instance = instantiate(load_packs()["http"], service, SAMPLE_STACK, {}, {"HttpLatencyHigh"})
    panels = [panel for row in instance.rows for panel in row.panels]
    assert "HttpLatencyHigh" not in [alert.name for alert in instance.alerts]
    assert "HttpLatencyHigh" not in [runbook.alert for runbook in instance.runbooks]
    assert "HttpLatencyHigh" not in [alert for panel in panels for alert in panel.alerts]
    assert "HttpLatencyHigh" not in [line.alert for panel in panels for line in panel.thresholds]


def test_no_traffic_is_an_alert_once_traffic_is_expected() -> None:
    assert "HttpNoTraffic" not in [alert.name for alert in rendered("http").alerts]
    assert "HttpNoTraffic" in [alert.name for alert in rendered("http", expected_rate=2).alerts]


@pytest.mark.parametrize(
    ("targets", "names"),
    [
        (1, ["ServiceDown", "MetricsRefused", "MetricsMissing", "SeveralProcesses"]),
        (2, ["ServiceDown", "MetricsRefused", "TargetDown", "MetricsMissing", "SeveralProcesses"]),
    ],
    ids=["one target is the service", "one of two targets has an alert of its own"],
)
def test_target_alerts_follow_the_number_of_targets(targets: int, names: list[str]) -> None:
    addresses = tuple((f"api{n}:8000", f"api{n}:8000") for n in range(targets))
    service = make_service(kinds=("http",), jobs=(make_job(targets=addresses),))
    instance = instantiate(load_packs()["target"], service, SAMPLE_STACK, {}, ())
    assert [alert.name for alert in instance.alerts] == names


def test_each_declared_target_is_missed_by_name() -> None:
    addresses = (("a:1", "a:1"), ("b:1", "b:1"))
    service = make_service(kinds=("http",), jobs=(make_job(targets=addresses),))
    instance = instantiate(load_packs()["target"], service, SAMPLE_STACK, {}, ())
    expr = alert_of(instance, "TargetDown").expr
    assert 'absent(up{service="api",job="api",instance="a:1"})' in expr
    assert 'absent(up{service="api",job="api",instance="b:1"})' in expr


def test_outages_are_evaluated_faster_and_confirmed_by_a_second_scrape() -> None:
    job = make_job(interval=30)
    service = make_service(kinds=("http",), jobs=(job,))
    instance = instantiate(load_packs()["target"], service, SAMPLE_STACK, {}, ())
    assert {(alert.fault, alert.evaluation_interval) for alert in instance.alerts} == {("outage", 5), ("cause", 30)}
    assert alert_of(instance, "ServiceDown").for_seconds == job.interval


def probe_job(probe: Probe) -> ScrapeJob:
    return make_job("api-probe", service="api", probe_module=probe.module, targets=((probe.target, probe.target),))


@pytest.mark.parametrize(
    ("probe", "expected"),
    [
        (Probe("api", "http_2xx", "http", "https://api.example/"), True),
        (Probe("api", "tls", "tls", "api.example:443"), True),
        (Probe("api", "http_2xx", "http", "http://api.example/"), True),
        (Probe("api", "http_2xx", "http", "http://api:8000/"), False),
        (Probe("api", "tcp", "tcp", "api.example:25"), False),
    ],
    ids=["https", "tls", "plain http that may be redirected", "plain http in a private network", "tcp"],
)
def test_certificates_are_watched_where_there_is_one(probe: Probe, expected: bool) -> None:
    service = make_service(probes=(probe,), jobs=(probe_job(probe),))
    instance = instantiate(load_packs()["probe"], service, SAMPLE_STACK, {}, ())
    assert ("CertificateExpiring" in [alert.name for alert in instance.alerts]) is expected


def test_no_runbook_finds_a_container_by_a_part_of_its_name() -> None:
    """Docker's name filter is met by any name that holds the word: `api` by that of api-v2."""
    pages = {path: path.read_text(encoding="utf-8") for path in PACKS.glob("*/runbooks/*.md")}
    assert len(pages) > 100
    assert [
        path.name for path, text in pages.items() if re.search(r"docker ps[^)`\n]*name=", text.replace("service=", ""))
    ] == []


def test_redis_brings_its_exporter() -> None:
    service = make_service("cache", kinds=("redis",), address="cache:6379")
    exporter = instantiate(load_packs()["redis"], service, SAMPLE_STACK, {}, ()).exporter
    assert exporter is not None
    assert (exporter.name, exporter.image, exporter.port) == ("redis-exporter-cache", "REDIS_EXPORTER", 9121)
    assert exporter.environment["REDIS_ADDR"] == "cache:6379"


def test_services_that_differ_in_name_alone_share_a_proof_and_others_do_not() -> None:
    pack = load_packs()["http"]

    def proof(name: str, **params: float) -> str:
        service = make_service(name, kinds=("http",), owner=name)
        return instantiate(pack, service, SAMPLE_STACK, params, ()).alerts[0].shape

    assert proof("api") == proof("web")
    assert proof("api") != proof("api", error_ratio_critical=0.1)


def test_an_alert_knows_the_line_of_its_pack_where_it_stands() -> None:
    alert = alert_of(rendered("http"), "HttpLatencyHigh")
    lines = (PACKS / "http" / "rules.yaml").read_text(encoding="utf-8").splitlines()
    assert alert.origin.file == "packs/http/rules.yaml"
    assert lines[alert.origin.line - 1].strip() == "- name: HttpLatencyHigh"


# --- broken packs -------------------------------------------------------------------------------------------


def edit(file: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        text = (folder / file).read_text(encoding="utf-8")
        assert old in text
        (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


def remove(file: str) -> Callable[[Path], None]:
    return lambda folder: (folder / file).unlink()


BROKEN = {
    "an event without a runbook": (
        edit("pack.yaml", "title:", "events: [ProbeRenewed]\ntitle:"),
        "the alert ProbeRenewed has no runbook",
    ),
    "a part is missing": (remove("panels.yaml"), "the pack has no panels.yaml"),
    "a runbook is missing": (remove("runbooks/ProbeSlow.md"), "the alert ProbeSlow has no runbook"),
    "not YAML": (edit("rules.yaml", "alerts:", "alerts: ["), "this is not valid YAML"),
    "a key twice": (edit("pack.yaml", "params:", "title: again\nparams:"), "'title' is written twice"),
    "a key that is a list": (edit("pack.yaml", "params:", "? [a, b]\n: c\nparams:"), "a key must be a plain word"),
    "an alert twice": (edit("rules.yaml", "name: ProbeSlow", "name: ProbeFailed"), "'ProbeFailed' is written twice"),
    "an unknown key": (edit("rules.yaml", "    summary:", "    owner: ana\n    summary:"), "owner: Extra inputs"),
    "an unknown severity": (edit("rules.yaml", "severity: warning", "severity: urgent"), "severity: Input should be"),
    "a default without a unit": (edit("pack.yaml", "default: 2s", "default: 2"), "needs a unit"),
    "an unknown base": (edit("pack.yaml", "title:", "based_on: nothing\ntitle:"), "no pack with rules is called"),
}


@pytest.mark.parametrize(("change", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_pack_says_what_and_where(change: Callable[[Path], None], message: str, tmp_path: Path) -> None:
    shutil.copytree(PACKS / "probe", tmp_path / "probe")
    change(tmp_path / "probe")
    with pytest.raises(Problems) as raised:
        load_packs(tmp_path)
    (first, *_) = raised.value.diagnostics
    assert first.code == "pack/invalid"
    assert first.span is not None and first.span.file.startswith("packs/probe/")
    assert message in first.message


def test_all_missing_runbooks_are_named_at_once(tmp_path: Path) -> None:
    shutil.copytree(PACKS / "probe", tmp_path / "probe")
    for page in (tmp_path / "probe" / "runbooks").glob("*.md"):
        page.unlink()
    with pytest.raises(Problems) as raised:
        load_packs(tmp_path)
    named = [each.message.split()[2] for each in raised.value.diagnostics]
    assert named == sorted(path.stem for path in (PACKS / "probe" / "runbooks").glob("*.md"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<<slow_for>>", "<<slow_four>>", "'slow_four' is undefined"),
        ("<<slow_for>>", "<<-slow_for>>", "write <<0 - x>>"),
        ("<<sig.mean_duration>>", "<<sig.mean>>", "no attribute 'mean'"),
        ("when: with_certificate", "when: with_certificates", "'with_certificates' is undefined"),
    ],
    ids=["an unknown parameter", "a minus that is no sign", "an unknown signal", "an unknown condition"],
)
def test_an_unknown_name_in_a_template_is_an_error(old: str, new: str, message: str, tmp_path: Path) -> None:
    shutil.copytree(PACKS / "probe", tmp_path / "probe")
    edit("rules.yaml", old, new)(tmp_path / "probe")
    probe = Probe("api", "tls", "tls", "api.example:443")
    service = make_service(probes=(probe,), jobs=(probe_job(probe),))
    with pytest.raises(Problems) as raised:
        instantiate(load_packs(tmp_path)["probe"], service, SAMPLE_STACK, {}, ())
    (problem,) = raised.value.diagnostics
    assert message in problem.message
    assert problem.span is not None and problem.span.file == "packs/probe/rules.yaml"


def test_two_applications_of_a_pack_are_equal() -> None:
    service, first = sample_instance(load_packs()["http"])
    second = instantiate(load_packs()["http"], replace(service, packs=()), SAMPLE_STACK, first.params, ())
    assert first == second
