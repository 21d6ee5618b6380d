"""Dashboards: which there are, what stands on them, and that the SDK's habits do not show."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
import yaml

from generator.conventions import (
    DASHBOARD_HOME,
    DASHBOARD_HOSTS,
    DASHBOARD_LOGS,
    DASHBOARD_STACK,
    panel_id,
)
from generator.parts.logs import logs_path
from generator.render.caddy.home import render_home
from generator.render.grafana.dashboards import render_dashboards
from generator.render.grafana.provisioning import render_provisioning
from generator.site.model import Logs, PackInstance, Query, Row, Site, Threshold
from tests.unit.dashboards import dashboard_files, dashboard_site, make_panel, make_watched
from tests.unit.sites import STACK, TIMING, make_alert, make_service, make_site


def dashboard(uid: str, site: Site | None = None) -> dict[str, Any]:
    rendered = render_dashboards(site or dashboard_site())
    return next(json.loads(each.content) for each in rendered if each.path.endswith(f"/{uid}.json"))


def panels(data: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Title -> panel, those of collapsed rows included; the last of a title wins."""
    found = {}
    for each in data["panels"]:
        for panel in each.get("panels", []) if each["type"] == "row" else [each]:
            found[panel["title"]] = panel
    return found


def panel_of(data: dict[str, Any], slug: str) -> dict[str, Any]:
    number = panel_id(data["uid"], slug)
    return next(panel for panel in panels_list(data) if panel["id"] == number)


def panels_list(data: dict[str, Any]) -> list[dict[str, Any]]:
    return [p for each in data["panels"] for p in (each.get("panels", []) if each["type"] == "row" else [each])]


def rows(data: dict[str, Any]) -> list[tuple[str, bool]]:
    return [(each["title"], each["collapsed"]) for each in data["panels"] if each["type"] == "row"]


def test_there_is_one_for_each_service_and_one_for_all_hosts() -> None:
    assert sorted(path for path in dashboard_files() if path.endswith(".json")) == [
        "grafana/dashboards/Overview/lookout-home.json",
        "grafana/dashboards/Overview/lookout-hosts.json",
        "grafana/dashboards/Overview/lookout-logs.json",
        "grafana/dashboards/Overview/lookout-stack.json",
        "grafana/dashboards/Services/service-api.json",
        "grafana/dashboards/Services/service-cache.json",
    ]


def test_the_same_site_gives_the_same_bytes() -> None:
    assert [*render_dashboards(dashboard_site())] == [*render_dashboards(dashboard_site())]


def test_no_service_at_all_still_renders_home_and_logs() -> None:
    paths = [each.path for each in render_dashboards(make_site())]
    assert [path.rpartition("/")[2] for path in paths] == ["lookout-home.json", "lookout-logs.json"]


def test_the_sdk_is_not_imported_before_something_is_drawn() -> None:
    program = (
        "import sys, generator.render.grafana.dashboards, generator.render.caddy.home, generator.prove.dashboards;"
        "sys.exit(any(name.startswith('grafana_foundation_sdk') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


# --- conventions --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("uid", [DASHBOARD_HOME, DASHBOARD_HOSTS, DASHBOARD_LOGS, DASHBOARD_STACK, "service-api"])
def test_settings_that_all_share(uid: str) -> None:
    data = dashboard(uid)
    assert data["schemaVersion"] == 42
    assert (data["timezone"], data["graphTooltip"], data["refresh"], data["editable"]) == ("browser", 1, "30s", False)
    assert data["uid"] == uid
    assert not [each for each in (*data["links"], *data["annotations"]["list"]) if "placement" in each]


def test_ids_follow_from_dashboard_and_slug_alone() -> None:
    graph = panel_of(dashboard("service-api"), "failures")
    assert graph["title"] == "Failures"
    more = dashboard_site(make_watched("another"))
    assert panel_of(dashboard("service-api", more), "failures")["id"] == graph["id"]


def test_rows_begin_with_is_it_ok_and_end_with_what_is_collapsed() -> None:
    assert rows(dashboard("service-api")) == [
        ("Is it OK?", False),
        ("Dependencies", False),
        ("In detail", True),
        ("Log lines", True),
    ]


def test_rows_of_one_title_become_one() -> None:
    first = Row("Is it OK?", (make_panel("one", 'up{service="api"}'),))
    second = Row("Is it OK?", (make_panel("two", 'up{service="api"}'), make_panel("one", 'up{service="api"}')))
    packs = tuple(PackInstance(name, {}, (), (), (row,), ()) for name, row in (("http", first), ("probe", second)))
    data = dashboard("service-api", make_site(make_service("api", packs=packs, logs=Logs("none"))))
    assert rows(data) == [("Is it OK?", False)]
    assert list(panels(data)) == ["One", "Two"]


# --- panels -------------------------------------------------------------------------------------------------


def test_limits_are_dashed_lines_at_the_alerts_values() -> None:
    graph = panel_of(dashboard("service-api"), "failures")
    assert graph["fieldConfig"]["defaults"]["custom"]["thresholdsStyle"] == {"mode": "dashed"}
    assert graph["fieldConfig"]["defaults"]["thresholds"]["steps"] == [
        {"color": "green", "value": None},
        {"color": "orange", "value": 0.01},
        {"color": "red", "value": 0.05},
    ]


def test_a_number_that_must_not_fall_is_red_below_its_limit() -> None:
    number = panel_of(dashboard("service-api"), "glance-free")
    assert number["type"] == "stat"
    assert number["fieldConfig"]["defaults"]["thresholds"]["steps"] == [
        {"color": "red", "value": None},
        {"color": "green", "value": 0.1},
    ]


def test_several_limits_below_each_other_get_the_colour_of_the_side_they_find_fault_with() -> None:
    falling = make_panel(
        "free", "f", type="stat", thresholds=(Threshold(0.1, "red", "Full"), Threshold(0.2, "orange", "Filling"))
    )
    alerts = (make_alert("Full", expr="f < 0.1", panel="free"), make_alert("Filling", expr="0.2 > f", panel="free"))
    packs = (PackInstance("disk", {}, alerts, (), (Row("Is it OK?", (falling,)),), ()),)
    data = dashboard("service-api", make_site(make_service("api", packs=packs)))
    assert panels(data)["Free"]["fieldConfig"]["defaults"]["thresholds"]["steps"] == [
        {"color": "red", "value": None},
        {"color": "orange", "value": 0.1},
        {"color": "green", "value": 0.2},
    ]


def test_a_panel_leads_to_runbook_and_rule_and_a_point_to_the_logs_of_its_moment() -> None:
    graph = panel_of(dashboard("service-api"), "failures")
    assert {link["title"]: link["url"] for link in graph["links"]} == {
        "Runbook: Failing": "http://localhost:8080/runbooks/api#Failing",
        "Rule: Failing": "http://localhost:8080/prometheus/alerts?search=Failing",
        "Runbook: FailingBadly": "http://localhost:8080/runbooks/api#FailingBadly",
        "Rule: FailingBadly": "http://localhost:8080/prometheus/alerts?search=FailingBadly",
    }
    (to_logs,) = graph["fieldConfig"]["defaults"]["links"]
    assert to_logs["url"] == "/d/lookout-logs?var-service=api&time=${__value.time}&time.window=600000"


def test_what_may_be_empty_says_why_where_readers_see_it() -> None:
    data = panels(dashboard("service-api"))
    assert data["Traffic"]["fieldConfig"]["defaults"]["noValue"] == "there is no traffic yet"
    assert data["Traffic"]["description"].endswith("May be empty: there is no traffic yet")
    assert data["Failures"]["fieldConfig"]["defaults"]["noValue"] == "no data"
    assert "May be empty" not in data["Failures"]["description"]


def test_status_classes_keep_their_colours() -> None:
    overrides = panels(dashboard("service-api"))["Traffic"]["fieldConfig"]["overrides"]
    patterns = {each["matcher"]["options"]: each["properties"][0]["value"]["fixedColor"] for each in overrides}
    assert patterns[r"/^5(xx|\d\d)\b/i"] == "red"


def test_a_table_asks_for_one_moment_and_names_its_column() -> None:
    table = panels(dashboard("service-api"))["Slow"]
    assert [(t["instant"], t["range"], t["format"]) for t in table["targets"]] == [(True, False, "table")]
    assert table["transformations"][1]["options"]["renameByName"] == {"Value": "p95"}


def test_mixed_data_sources_are_said_to_be_mixed() -> None:
    both = (Query('up{service="api"}'), Query('sum(count_over_time({service_name="api"}[$__auto]))', "", "loki"))
    packs = (PackInstance("http", {}, (), (), (Row("Is it OK?", (make_panel("both", "", queries=both),)),), ()),)
    panel = panels(dashboard("service-api", make_site(make_service("api", packs=packs))))["Both"]
    assert panel["datasource"]["uid"] == "-- Mixed --"
    assert [each["datasource"]["type"] for each in panel["targets"]] == ["prometheus", "loki"]


def test_a_service_that_is_scraped_slower_says_so_in_each_query() -> None:
    assert "interval" not in panel_of(dashboard("service-api"), "failures")["targets"][0]
    assert panel_of(dashboard("service-cache"), "failures")["targets"][0]["interval"] == "30s"


def test_more_queries_than_letters_are_refused() -> None:
    many = make_panel("many", "", queries=tuple(Query(f"up == {number}") for number in range(27)))
    packs = (PackInstance("http", {}, (), (), (Row("Is it OK?", (many,)),), ()),)
    with pytest.raises(ValueError, match="more queries than there are letters"):
        list(render_dashboards(make_site(make_service("api", packs=packs))))


# --- hosts --------------------------------------------------------------------------------------------------


def test_hosts_share_one_dashboard_with_a_choice() -> None:
    data = dashboard(DASHBOARD_HOSTS)
    assert [(v["name"], v["type"], v["query"]) for v in data["templating"]["list"]] == [("host", "custom", "vps1,vps2")]
    text = json.dumps(data)
    assert 'service=\\"$host\\"' in text
    assert 'service=\\"vps' not in text
    assert "/runbooks/$host#Failing" in text


def test_a_limit_that_differs_between_hosts_is_not_drawn() -> None:
    strict = make_watched("vps1", "host", logs=Logs("none"))
    loose = make_watched("vps2", "host", logs=Logs("none"))
    row = loose.packs[0].rows[1]
    free = replace(row.panels[2], thresholds=(Threshold(0.3, "red", "Full"),))
    pack = replace(loose.packs[0], rows=(replace(row, panels=(*row.panels[:2], free)),))
    data = dashboard(DASHBOARD_HOSTS, make_site(strict, replace(loose, packs=(pack,))))
    assert len(panel_of(data, "free")["fieldConfig"]["defaults"]["thresholds"]["steps"]) == 1
    assert len(panel_of(data, "failures")["fieldConfig"]["defaults"]["thresholds"]["steps"]) == 3


# --- home and logs ------------------------------------------------------------------------------------------


def test_home_shows_what_fires_every_service_and_their_vital_signs() -> None:
    data = dashboard(DASHBOARD_HOME)
    assert [title for title, _ in rows(data)] == ["api", "cache", "vps1", "vps2", "lookout"]
    assert [collapsed for _, collapsed in rows(data)] == [False, False, False, False, True]
    assert {"What is firing", "Services", "Firing: critical", "Targets that do not answer"} <= panels(data).keys()
    number = panel_of(data, "api/glance-failures")
    original = panel_id("service-api", "failures")
    assert number["fieldConfig"]["defaults"]["links"][0]["url"] == f"/d/service-api?viewPanel=panel-{original}"


def test_home_knows_on_which_dashboard_each_service_is() -> None:
    (query,) = panels(dashboard(DASHBOARD_HOME))["What is firing"]["targets"]
    assert '"dashboard", "lookout-hosts", "service", "vps1|vps2"' in query["expr"]
    assert '"dashboard", "service-$1"' in query["expr"]


def test_with_many_services_the_table_alone_is_the_overview() -> None:
    data = dashboard(DASHBOARD_HOME, make_site(*(make_watched(f"s{number}") for number in range(21))))
    assert rows(data) == []


def test_the_stacks_own_lines_are_those_of_its_parts() -> None:
    stack = replace(make_watched("lookout", "stack"), logs=Logs("docker"))
    (errors,) = panels(dashboard(DASHBOARD_STACK, make_site(stack)))["Error lines"]["targets"]
    assert errors["expr"].startswith('{service_name=~"alertmanager|blackbox-exporter|bugsink|bugsink-bridge|caddy|')
    assert logs_path("lookout").startswith("/d/lookout-logs?var-service=alertmanager&var-service=")


def test_logs_are_searched_in_the_order_that_is_cheapest() -> None:
    data = dashboard(DASHBOARD_LOGS)
    assert [variable["name"] for variable in data["templating"]["list"]] == ["service", "level", "request_id", "search"]
    (lines,) = panels(data)["Lines"]["targets"]
    assert lines["expr"] == (
        '{service_name=~"$service"} |~ `(?i)$search` | detected_level=~"$level" | request_id=~"$request_id.*"'
    )


# --- provisioning -------------------------------------------------------------------------------------------


def test_data_sources_have_fixed_uids_and_prometheus_own_interval() -> None:
    site = make_site(stack=replace(STACK, timing=replace(TIMING, scrape_interval=15)))
    content = {each.path: yaml.safe_load(each.content) for each in render_provisioning(site)}
    sources = {each["uid"]: each for each in content["grafana/provisioning/datasources/lookout.yaml"]["datasources"]}
    assert {uid: each["url"] for uid, each in sources.items()} == {
        "lookout-prometheus": "http://prometheus:9090/prometheus",
        "lookout-loki": "http://loki:3100",
        "lookout-alertmanager": "http://alertmanager:9093/alertmanager",
    }
    assert sources["lookout-prometheus"]["jsonData"]["timeInterval"] == "15s"
    (field,) = sources["lookout-loki"]["jsonData"]["derivedFields"]
    assert field["url"] == "/d/lookout-logs?var-request_id=$${__value.raw}"
    (provider,) = content["grafana/provisioning/dashboards/lookout.yaml"]["providers"]
    assert provider["options"] == {"path": "/var/lib/grafana-dashboards", "foldersFromFilesStructure": True}


# --- the page at / ------------------------------------------------------------------------------------------


def test_the_home_page_names_every_service_its_owner_and_where_to_look() -> None:
    page, *others = render_home(dashboard_site())
    assert page.path == "caddy/site/index.html"
    for part in (
        '<tr data-service="api">',
        "<td>ana</td>",
        'href="/grafana/d/service-api"',
        'href="/grafana/d/lookout-logs?var-service=api"',
        'href="/runbooks/api"',
        'href="https://api.acme.dev"',
        'href="/grafana/d/lookout-hosts?var-host=vps1"',
        'href="http://localhost:3001"',
        "2 services and 2 hosts",
    ):
        assert part in page.content, part
    loaded = re.findall(r'(?:src|<link rel="stylesheet" href)="([^"]*)"', page.content)
    own = {f"/{other.path.removeprefix('caddy/site/')}" for other in others}
    assert loaded == ["/site.css", "/home.js"] and set(loaded) <= own, "the page loads nothing from elsewhere"


def test_the_home_page_escapes_what_people_wrote() -> None:
    site = make_site(stack=replace(STACK, name="<b>acme</b>"))
    assert "<b>acme</b>" not in render_home(site)[0].content


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.acme.dev/health", True),
        ("http://localhost:8000/", True),
        ("http://127.0.0.1:8000/", True),
        ("http://[::1]:8000/", True),
        ("http://api:8000/health", False),
        ("", False),
    ],
)
def test_only_addresses_that_a_browser_can_open_become_links(url: str, expected: bool) -> None:
    page = render_home(make_site(make_service("api", url=url)))[0]
    assert (">open</a>" in page.content) is expected
