"""Rule files and runbooks: where they lie, how they are grouped, and that YAML survives what packs write."""

from dataclasses import replace
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt

from generator.conventions import runbook_url
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


def page_of(*packs: PackInstance) -> str:
    page, index = render_runbooks(make_site(services=(service_with(*packs),)))
    assert (index.path, page.path) == ("docs/runbooks/README.md", "docs/runbooks/api.md")
    assert "| [api](api.md) |" in index.content
    return page.content


def test_runbooks_lie_where_the_links_lead_and_the_page_lists_the_worst_first() -> None:
    books = (Runbook("api", "HttpErrorRatioHigh", "# High\n\n## Meaning\n"), Runbook("api", "ServiceDown", "# Down\n"))
    page = page_of(PackInstance("http", {}, (WARNING, OUTAGE), (), (), books))
    assert page.index("| [ServiceDown](#ServiceDown) | critical |") < page.index(
        "| [HttpErrorRatioHigh](#HttpErrorRatioHigh) | warning |"
    )
    assert '<a id="HttpErrorRatioHigh"></a>\n\n## HttpErrorRatioHigh\n\n### Meaning\n' in page
    for alert in (WARNING, OUTAGE):
        anchor = runbook_url("", "api", alert.name).partition("#")[2]
        assert page.count(f'<a id="{anchor}"></a>') == 1


COMMANDS = {
    "comments in commands are no headings": "```\n# look first\n## twice\nls\n```",
    "nor in a block within a list": "1. Look:\n   ```\n   # first\n   ```",
    "nor in a block that begins an entry of a list": "1. ```\n   # first\n   ```",
    "nor between tildes": "~~~sh\n# look\n```\n# on\n~~~",
}


@pytest.mark.parametrize("commands", COMMANDS.values(), ids=COMMANDS.keys())
def test_a_runbook_is_a_level_deeper_and_its_commands_are_as_they_were(commands: str) -> None:
    books = (Runbook("api", "ServiceDown", f"# Down\n\n## Diagnosis\n{commands}\n\n## Mitigation\nWait.\n"),)
    page = page_of(PackInstance("http", {}, (OUTAGE,), (), (), books))
    assert page.endswith(f"## ServiceDown\n\n### Diagnosis\n{commands}\n\n### Mitigation\nWait.\n")


def test_what_someone_wrote_by_hand_hides_no_other_runbook() -> None:
    own, later = replace(WARNING, name="AnOwn", pack="own"), replace(WARNING, name="BOwn", pack="own")
    books = (Runbook("api", "AnOwn", "# api: AnOwn\n\n```\nnever closed\n"), Runbook("api", "BOwn", "# api: BOwn\n"))
    page = page_of(
        PackInstance("own", {}, (own, later), (), (), books),
        PackInstance("http", {}, (OUTAGE,), (), (), (Runbook("api", "ServiceDown", "# Down\n"),)),
    )
    headings = [token.map[0] for token in MarkdownIt().parse(page) if token.type == "heading_open" and token.map]
    assert [page.split("\n")[line] for line in headings] == ["# api", "## ServiceDown", "## AnOwn", "## BOwn"]
