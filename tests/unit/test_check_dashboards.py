"""The gate over dashboards: silent about ours, and each rule speaks up about the fault that it is for."""

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.pipeline import compile_text
from generator.prove.dashboards import RULES, check_dashboards, panel_rules, rule_index
from generator.site.model import PackInstance, Site
from tests.unit.dashboards import dashboard_files, dashboard_site

ROOT = Path(__file__).resolve().parents[2]

API = "grafana/dashboards/Services/service-api.json"
CACHE = "grafana/dashboards/Services/service-cache.json"
HOME = "grafana/dashboards/Overview/lookout-home.json"
LOGS = "grafana/dashboards/Overview/lookout-logs.json"
SOURCES = "grafana/provisioning/datasources/lookout.yaml"
PROVIDER = "grafana/provisioning/dashboards/lookout.yaml"

Mutation = Callable[[Any], None]


def panel(data: Any, title: str) -> Any:
    for each in data["panels"]:
        for one in each.get("panels", []) if each["type"] == "row" else [each]:
            if one["title"] == title and one["type"] != "stat":
                return one
    raise AssertionError(title)


def ask(title: str, expr: str, **more: Any) -> Mutation:
    """Another query in the panel called `title`."""

    def change(data: Any) -> None:
        panel(data, title)["targets"][0].update({"expr": expr, **more})

    return change


def put(title: str, *path: Any) -> Mutation:
    """Another value, the last of `path`, under the keys before it in the panel called `title`."""

    def change(data: Any) -> None:
        *keys, last, value = path
        place = panel(data, title)
        for key in keys:
            place = place[key]
        place[last] = value

    return change


def set_key(key: str, value: Any) -> Mutation:
    return lambda data: data.update({key: value})


def source(number: int, **values: Any) -> Mutation:
    return lambda data: data["datasources"][number].update(values)


def settings(number: int, **values: Any) -> Mutation:
    return lambda data: data["datasources"][number]["jsonData"].update(values)


def provider(**values: Any) -> Mutation:
    return lambda data: data["providers"][0].update(values)


MINE = 'service="api"'
RATE = f"rate(http_requests_total{{{MINE}}}[$__rate_interval])"
FAULTS: dict[str, tuple[str, str, Mutation]] = {
    "a key that Grafana does not know": ("D01", API, set_key("colour", "red")),
    "an option that the panel type does not have": ("D01", API, put("Failures", "options", "size", 3)),
    "a panel that cannot be read": ("D01", API, put("Failures", "gridPos", None)),
    "a number as a title": ("D02", API, set_key("description", 7)),
    "a legend in a mode that there is not": ("D02", API, put("Failures", "options", "legend", "displayMode", "tabel")),
    "yes for a truth value": ("D02", API, put("Failures", "options", "legend", "showLegend", "yes")),
    "a schema of long ago": ("D03", API, set_key("schemaVersion", 16)),
    "a panel type that was removed": ("D04", API, put("Failures", "type", "graph")),
    "a panel without a number": ("D05", API, put("Failures", "id", 0)),
    "two panels of one number": (
        "D05",
        API,
        lambda data: panel(data, "Failures").update(id=panel(data, "Traffic")["id"]),
    ),
    "a panel beyond the edge": ("D06", API, put("Failures", "gridPos", "w", 30)),
    "a panel upon another": ("D06", API, put("Failures", "gridPos", "x", 8)),
    "a hole between panels": ("D06", API, put("Failures", "gridPos", "w", 7)),
    "a uid with capitals": ("D07", API, set_key("uid", "Service-API")),
    "the uid of another dashboard": ("D07", API, set_key("uid", "service-cache")),
    "the title of another dashboard in the folder": ("D08", API, set_key("title", "cache")),
    "no title": ("D08", API, set_key("title", "")),
    "a version of a running Grafana": ("D09", API, set_key("version", 12)),
    "a variable with a saved value": (
        "D09",
        LOGS,
        lambda data: data["templating"]["list"][0].update(current={"text": "api", "value": "api"}),
    ),
    "two queries of one name": (
        "D10",
        API,
        lambda data: panel(data, "Failures")["targets"].append(copy.deepcopy(panel(data, "Failures")["targets"][0])),
    ),
    "a variable that no one declared": ("D11", API, ask("Failures", f'up{{{MINE},instance="$instance"}}')),
    "a variable that no one uses": (
        "D11",
        API,
        lambda data: data["templating"]["list"].append({"type": "custom", "name": "spare", "query": "a,b"}),
    ),
    "a data source that is not there": ("D12", API, put("Failures", "datasource", "uid", "prometheus-1")),
    "Loki's uid for a Prometheus query": (
        "D12",
        API,
        put("Failures", "targets", 0, "datasource", "uid", "lookout-loki"),
    ),
    "a legend of a label that sum() drops": ("D13", API, ask("Failures", f"sum({RATE})", legendFormat="{{handler}}")),
    "a panel that asks nothing": ("D14", API, put("Failures", "targets", [])),
    "a quantile of buckets without bounds": (
        "D15",
        API,
        ask("Failures", f"histogram_quantile(0.9, sum by (handler) (rate(x_bucket{{{MINE}}}[$__rate_interval])))"),
    ),
    "a calculation that there is not": ("D16", API, put("Failures", "options", "legend", "calcs", ["avg"])),
    "a line where no alert is": (
        "D17",
        API,
        lambda data: panel(data, "Failures")["fieldConfig"]["defaults"]["thresholds"]["steps"][1].update(value=0.02),
    ),
    "a link to a dashboard that is not there": ("D19", API, lambda data: data["links"][0].update(url="/d/lookout-hme")),
    "a link to a panel that is not there": (
        "D19",
        API,
        lambda data: data["links"][0].update(url="/d/lookout-home?viewPanel=panel-7"),
    ),
    "a link with a variable that the other side does not have": (
        "D19",
        API,
        lambda data: data["links"][0].update(url="/d/lookout-logs?var-app=api"),
    ),
    "a link to a host that is not watched": (
        "D19",
        API,
        lambda data: data["links"][0].update(url="/d/lookout-hosts?var-host=vps9"),
    ),
    "a link to a runbook that is not there": (
        "D19",
        API,
        lambda data: data["links"][0].update(url="http://localhost:8080/runbooks/api#Fialing"),
    ),
    "a link without an address": ("D19", API, lambda data: data["links"][0].update(url="lookout-home")),
    "a link with a variable of no one": (
        "D19",
        API,
        lambda data: data["links"][0].update(url="/d/lookout-home?from=$start"),
    ),
    "a pattern where a value would do": ("D20", API, ask("Failures", 'up{service=~"api"}')),
    "a dashboard that asks too much at once": (
        "D21",
        API,
        lambda data: panel(data, "Failures").update(
            targets=[
                {**panel(data, "Failures")["targets"][0], "refId": chr(ord("A") + number % 26)} for number in range(61)
            ]
        ),
    ),
    "a panel without a description": ("D22", API, put("Failures", "description", " ")),
    "a panel without a title": ("D22", API, put("Failures", "title", "")),
    "a unit of one's own": ("D23", API, put("Failures", "fieldConfig", "defaults", "unit", "req/s")),
    "no unit": ("D23", API, put("Failures", "fieldConfig", "defaults", "unit", None)),
    "a query that does not parse": ("D24", API, ask("Failures", f"sum(rate(x{{{MINE}}}[$__rate_interval])")),
    "an annotation that does not parse": (
        "D24",
        API,
        lambda data: data["annotations"]["list"][0].update(expr="ALERTS{"),
    ),
    "a rate over a fixed window": ("D25", API, ask("Failures", f"sum(rate(http_requests_total{{{MINE}}}[1m]))")),
    "a counter as it is": ("D26", API, ask("Failures", f"sum(http_requests_total{{{MINE}}})")),
    "a selector of every service": ("D27", API, ask("Failures", "sum(up)")),
    "a dashboard that people could edit": ("D28", API, set_key("editable", True)),
    "a refresh every five seconds": ("D28", API, set_key("refresh", "5s")),
    "a link that is hidden in a menu": (
        "D28",
        API,
        lambda data: data["links"][0].update(placement="inControlsMenu"),
    ),
    "no text for an empty panel": ("D29", API, put("Failures", "fieldConfig", "defaults", "noValue", "")),
    "a reason that says nothing": ("D29", API, put("Traffic", "description", "Traffic.\n\nMay be empty: maybe")),
    "lines of no stream": ("D30", LOGS, ask("Lines", "{} |~ `$search`")),
    "lines that are parsed again": ("D30", LOGS, ask("Lines", '{service_name=~"$service"} | json |~ `$search`')),
    "lines counted over a fixed window": (
        "D30",
        LOGS,
        ask("Lines by level", 'sum by (detected_level) (count_over_time({service_name=~"$service"}[5m]))'),
    ),
    "a data source without a uid": ("P01", SOURCES, source(2, uid="")),
    "two data sources of one uid": ("P01", SOURCES, source(2, uid="lookout-loki")),
    "a data source that dashboards need is gone": ("P01", SOURCES, lambda data: data["datasources"].pop(2)),
    "another interval than Prometheus has": ("P02", SOURCES, settings(0, timeInterval="30s")),
    "an interval that is none": ("P02", SOURCES, settings(0, timeInterval="often")),
    "a reference to a data source that is not there": ("P03", SOURCES, settings(0, alertmanagerUid="alerts")),
    "a key that Grafana stopped reading": ("P03", SOURCES, settings(1, tracesToLogs={"datasourceUid": "lookout-loki"})),
    "a dollar sign for the environment": (
        "P04",
        SOURCES,
        lambda data: data["datasources"][1]["jsonData"]["derivedFields"][0].update(
            url="/d/lookout-logs?x=${__value.raw}"
        ),
    ),
    "dashboards read from where none are": ("P06", PROVIDER, provider(options={"path": "/etc/grafana/dashboards"})),
    "dashboards that could be edited": ("P06", PROVIDER, provider(allowUiUpdates=True)),
    "a password in the file": ("P07", SOURCES, source(0, basicAuthPassword="hunter2")),
}


def mutated(path: str, change: Mutation) -> dict[str, str]:
    files = dashboard_files()
    data = json.loads(files[path]) if path.endswith(".json") else yaml.safe_load(files[path])
    change(data)
    return {**files, path: json.dumps(data, indent=2) if path.endswith(".json") else yaml.safe_dump(data)}


def rules_that_object(files: dict[str, str], site: Site) -> set[str]:
    return {each.message[:3] for each in check_dashboards(files, site)}


def test_nothing_is_said_about_our_own() -> None:
    assert [each.message for each in check_dashboards(dashboard_files(), dashboard_site())] == []


def test_nothing_is_said_about_the_demo() -> None:
    compiled = compile_text((ROOT / "services.yaml").read_text(encoding="utf-8"), "services.yaml")
    files = {each.path: each.content for each in compiled.artifacts if each.path.startswith("grafana/")}
    assert len(files) > 6
    assert [each.message for each in check_dashboards(files, compiled.site)] == []


@pytest.mark.parametrize(("rule", "path", "change"), FAULTS.values(), ids=FAULTS)
def test_each_fault_is_found_by_its_rule(rule: str, path: str, change: Mutation) -> None:
    assert rule in rules_that_object(mutated(path, change), dashboard_site())


def test_every_rule_has_a_fault_that_it_is_for() -> None:
    tested = {rule for rule, _, _ in FAULTS.values()} | {"D18"}
    assert tested == {rule.id[:3] for rule in RULES}


def test_every_rule_has_an_id_of_its_own_and_a_sentence() -> None:
    index = dict(rule_index())
    assert len(index) == len(RULES)
    assert all(len(doc) < 130 and doc.endswith(".") for doc in index.values())


def test_every_rule_is_documented() -> None:
    page = (ROOT / "docs" / "dashboard-rules.md").read_text(encoding="utf-8")
    table = [line for line in page.splitlines() if line.startswith("| `")]
    assert table == [f"| `{rule}` | {doc} |" for rule, doc in rule_index()]


def alerts_with(site: Site, **annotations: str) -> Site:
    """The site, the first alert of api having other annotations."""
    api = site.services[0]
    alert = api.alerts[0]
    changed = replace(alert, annotations={**alert.annotations, **annotations})
    pack: PackInstance = replace(api.packs[0], alerts=(changed, *api.alerts[1:]))
    return replace(site, services=(replace(api, packs=(pack,)), *site.services[1:]))


@pytest.mark.parametrize(
    "annotations",
    [
        {"dashboard_url": "http://localhost:8080/grafana/d/service-api?viewPanel=panel-7"},
        {"dashboard_url": "http://localhost:8080/grafana/d/service-apy"},
        {"dashboard_url": "http://localhost:8080/grafana/d/service-api"},
        {"dashboard_url": "http://elsewhere/d/service-api?viewPanel=panel-7"},
        {"logs_url": "http://localhost:8080/grafana/d/lookout-logs?var-app=api"},
    ],
    ids=["no such panel", "no such dashboard", "no panel at all", "not our Grafana", "no such variable"],
)
def test_an_alert_that_leads_nowhere_is_found(annotations: dict[str, str]) -> None:
    assert rules_that_object(dashboard_files(), alerts_with(dashboard_site(), **annotations)) == {"D18"}


def test_a_file_that_is_no_json_is_said_to_be_none() -> None:
    found = check_dashboards({**dashboard_files(), API: "{"}, None)
    assert found[0].message.startswith("D00-unreadable: not JSON")
    assert found[0].span is not None
    assert found[0].span.file == API


def test_a_finding_names_the_line_of_its_panel() -> None:
    files = mutated(API, put("Failures", "description", ""))
    (found,) = check_dashboards(files, dashboard_site())
    assert found.code == "check/dashboard"
    assert found.span is not None
    line = files[API].splitlines()[found.span.line - 1]
    assert line.strip() == f'"id": {panel(json.loads(files[API]), "Failures")["id"]},'


def test_all_promql_becomes_one_rule_file_with_every_variable_filled_in() -> None:
    text = panel_rules(dashboard_files())
    (group,) = yaml.safe_load(text)["groups"]
    assert len({rule["record"] for rule in group["rules"]}) == len(group["rules"]) > 20
    assert not [rule["expr"] for rule in group["rules"] if "$__" in rule["expr"] or "$host" in rule["expr"]]
