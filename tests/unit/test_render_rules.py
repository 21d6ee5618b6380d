"""Rule files and runbooks: where they lie, how they are grouped, and that YAML survives what packs write."""

from dataclasses import replace
from typing import Any

import yaml

from generator.diagnostics import Span
from generator.render.prometheus.rules import render_rules
from generator.render.runbooks import render_runbooks
from generator.site.model import PackInstance, Record, Runbook, Service
from tests.unit.sites import ORIGIN, make_alert, make_service, make_site

OUTAGE = make_alert("ServiceDown", evaluation_interval=5)
WARNING = make_alert(
    "HttpErrorRatioHigh", fault="symptom", severity="warning", for_seconds=300, keep_firing_seconds=120
)
WARNING = replace(WARNING, evaluation_interval=30)
RECORD = Record("job:requests:rate5m", "api", "http", "sum(rate(x[5m]))", {"service": "api"}, 30, ORIGIN)


def service_with(*packs: PackInstance) -> Service:
    return make_service(packs=packs)


def groups_of(service: Service) -> list[dict[str, Any]]:
    (artifact,) = render_rules(make_site(services=(service,)))
    groups: list[dict[str, Any]] = yaml.safe_load(artifact.content)["groups"]
    return groups


def test_outages_stand_in_a_group_of_their_own_that_is_evaluated_faster() -> None:
    groups = groups_of(service_with(PackInstance("http", {}, (WARNING, OUTAGE), (RECORD,), (), ())))
    assert [(group["name"], group["interval"]) for group in groups] == [("api:http:outage", "5s"), ("api:http", "30s")]
    assert [rule["alert"] for rule in groups[0]["rules"]] == ["ServiceDown"]


def test_each_pack_has_a_file_of_its_own() -> None:
    packs = (PackInstance("target", {}, (OUTAGE,), (), (), ()), PackInstance("http", {}, (WARNING,), (), (), ()))
    files = render_rules(make_site(services=(service_with(*packs),)))
    assert [each.path for each in files] == ["prometheus/rules/api/target.yml", "prometheus/rules/api/http.yml"]
    names = [group["name"] for each in files for group in yaml.safe_load(each.content)["groups"]]
    assert names == ["api:target:outage", "api:http"]


def test_records_are_evaluated_before_the_alerts_that_may_use_them() -> None:
    (group,) = groups_of(service_with(PackInstance("http", {}, (WARNING,), (RECORD,), (), ())))
    assert [rule.get("record") or rule["alert"] for rule in group["rules"]] == [
        "job:requests:rate5m",
        "HttpErrorRatioHigh",
    ]


def test_a_rule_comes_out_as_it_went_in() -> None:
    (group,) = groups_of(service_with(PackInstance("http", {}, (WARNING,), (), (), ())))
    assert group["rules"] == [
        {
            "alert": "HttpErrorRatioHigh",
            "expr": WARNING.expr,
            "for": "5m",
            "keep_firing_for": "2m",
            "labels": dict(WARNING.labels),
            "annotations": dict(WARNING.annotations),
        }
    ]


def test_what_is_hard_to_quote_survives() -> None:
    expr = "sum(x{path=~\"/a\\\\.b|'c'\"})\n  > 5 # not a comment"
    text = "50 % of “ünïcode”: {{ $value }} \\ 'single' \"double\" # hash\ttab"
    alert = replace(WARNING, expr=expr, annotations={"summary": text})
    (group,) = groups_of(service_with(PackInstance("http", {}, (alert,), (), (), ())))
    assert group["rules"][0]["expr"] == expr
    assert group["rules"][0]["annotations"]["summary"] == text


def test_what_is_zero_is_left_out() -> None:
    alert = replace(WARNING, for_seconds=0, keep_firing_seconds=0)
    (group,) = groups_of(service_with(PackInstance("http", {}, (alert,), (), (), ())))
    assert not {"for", "keep_firing_for"} & group["rules"][0].keys()


def test_a_service_without_rules_has_no_file() -> None:
    assert render_rules(make_site(services=(service_with(),))) == ()


def test_a_file_leads_back_to_the_lines_of_the_packs() -> None:
    origin = Span("packs/http/rules.yaml", 12, 1, 1)
    alert = replace(WARNING, origin=origin)
    service = service_with(PackInstance("http", {}, (alert,), (), (), ()))
    (artifact,) = render_rules(make_site(services=(service,)))
    assert artifact.path == "prometheus/rules/api/http.yml"
    assert artifact.origins == {"HttpErrorRatioHigh": origin}


def test_runbooks_lie_where_the_links_lead_and_the_index_lists_the_worst_first() -> None:
    books = (Runbook("api", "HttpErrorRatioHigh", "# High\n"), Runbook("api", "ServiceDown", "# Down\n"))
    service = service_with(PackInstance("http", {}, (WARNING, OUTAGE), (), (), books))
    index, *pages = render_runbooks(make_site(services=(service,)))
    assert [page.path for page in pages] == [
        "docs/runbooks/api/HttpErrorRatioHigh.md",
        "docs/runbooks/api/ServiceDown.md",
    ]
    assert pages[0].content.endswith("# High\n")
    assert index.path == "docs/runbooks/README.md"
    assert index.content.index("api/ServiceDown.md") < index.content.index("api/HttpErrorRatioHigh.md")
