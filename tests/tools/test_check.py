"""The real tools over rendered trees: what is right passes, what is wrong is led back to its cause."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from generator.artifact import Artifact
from generator.check import checkers, run
from generator.check.run import check_tree
from generator.clients import tools
from generator.diagnostics import Diagnostic, Problems
from generator.pipeline import Compiled, compile_text
from generator.site.model import Alert, Service, Site

Checker = Callable[[checkers.CheckedTree], list[Diagnostic]]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def demo() -> Compiled:
    return compile_text((ROOT / "services.yaml").read_text(), "services.yaml")


def broken(demo: Compiled, path: str, old: str, new: str) -> list[tuple[str, str]]:
    """(code, file) of every complaint when one rendered file holds `new` for `old`."""
    assert path in {artifact.path for artifact in demo.artifacts}
    artifacts = []
    for artifact in demo.artifacts:
        if artifact.path == path:
            assert old in artifact.content
            artifact = replace(artifact, content=artifact.content.replace(old, new, 1))
        artifacts.append(artifact)
    found = check_tree(demo.site, artifacts, ROOT)
    return [(each.code, each.span.file if each.span else "") for each in found]


def test_the_demo_passes_every_tool(demo: Compiled) -> None:
    said: list[str] = []
    assert check_tree(demo.site, demo.artifacts, ROOT, said.append) == ()
    assert len(said) == len(checkers.CHECKERS)


def test_four_lines_pass_every_tool() -> None:
    four = compile_text("services:\n  api:\n    kind: fastapi\n    targets: [api:8000]\n", "services.yaml")
    assert check_tree(four.site, four.artifacts, ROOT) == ()


def test_a_rule_that_is_wrong_leads_to_the_pack(demo: Compiled) -> None:
    found = broken(demo, "prometheus/rules/api/target.yml", "sum(up{", "sum(up{{")
    assert ("check/failed", "packs/target/rules.yaml") in found


def test_a_rule_file_that_holds_another_rule_than_was_proven_is_caught(demo: Compiled) -> None:
    up = 'last_over_time(redis_up{service="cache"}[10m])'
    found = broken(demo, "prometheus/rules/cache/redis.yml", f"{up} == 0", f"{up} > 1")
    assert "check/proof" in {code for code, _ in found}


def test_a_rule_that_no_longer_fires_is_caught_by_its_proof(demo: Compiled) -> None:
    site = with_expression(demo.site, "cache", "RedisDown", lambda expr: expr.replace("== 0", "> 1"))
    found = check_tree(site, demo.artifacts, ROOT)
    assert "check/proof" in {each.code for each in found}


def with_expression(site: Site, service: str, alert: str, change: Callable[[str], str]) -> Site:
    """The site with another expression in one alert."""

    def of(its: Service) -> Service:
        packs = (replace(pack, alerts=tuple(changed(each) for each in pack.alerts)) for pack in its.packs)
        return replace(its, packs=tuple(packs)) if its.name == service else its

    def changed(each: Alert) -> Alert:
        return replace(each, expr=change(each.expr)) if each.name == alert else each

    return replace(site, services=tuple(of(each) for each in site.services))


DASHBOARD = "grafana/dashboards/Services/service-api.json"
# Whether proofs are run is tested above.
REFUSED: dict[Checker, tuple[str, str, str]] = {
    checkers.check_prometheus: ("prometheus/prometheus.yml", "scrape_timeout: 5s", "scrape_timeout: 5 apples"),
    checkers.check_alertmanager: ("alertmanager/alertmanager.yml", "receiver: no-receiver", "receiver: nowhere"),
    checkers.check_loki: ("loki/loki.yaml", "auth_enabled:", "auth_enabeld:"),
    checkers.check_collector: ("collector/collector.yaml", "receivers:", "recievers:"),
    checkers.check_caddy: ("caddy/Caddyfile", "reverse_proxy", "revers_proxy"),
    checkers.check_compose: ("compose.rendered.yaml", "services:", "servces:"),
    checkers.check_panels: (DASHBOARD, '"expr": "', '"expr": "sum('),
}


@pytest.mark.parametrize("checker", REFUSED, ids=lambda checker: checker.__name__)
def test_each_tool_refuses_its_own_file(demo: Compiled, checker: Checker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "CHECKERS", (checker,))
    assert broken(demo, *REFUSED[checker]) != []


def test_every_tool_has_its_own_file_refused() -> None:
    assert {*REFUSED} == {*checkers.CHECKERS} - {checkers.check_proofs}


def test_of_many_rule_files_the_users_own_with_the_mistake_is_reported(demo: Compiled, tmp_path: Path) -> None:
    own = Artifact("prometheus/custom/mine.yml", "groups: [{name: mine, rules: [{alert: Mine, expr: 'sum('}]}]\n")
    for artifact in (*demo.artifacts, own):
        file = tmp_path / artifact.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(artifact.content)
    (found,) = checkers.check_prometheus(checkers.CheckedTree(tmp_path, demo.site, {}))
    assert any("prometheus/custom/mine.yml" in note and "parse error" in note for note in found.notes)
    assert not any("SUCCESS" in note for note in found.notes)


def test_a_tool_that_is_missing_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tools.tool_path.cache_clear()
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    try:
        with pytest.raises(Problems, match="is not on this machine"):
            tools.tool_path("promtool")
    finally:
        tools.tool_path.cache_clear()


def test_a_tool_that_cannot_run_or_end_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "promtool"
    program.write_text("#!/bin/sh\nsleep 5\n")
    monkeypatch.setattr(tools, "tool_path", lambda name: program)
    with pytest.raises(Problems, match="cannot be run here"):
        tools.run_tool("promtool", [], tmp_path)
    program.chmod(0o755)
    monkeypatch.setattr(tools, "TIMEOUT", 0.1)
    with pytest.raises(Problems, match="did not end"):
        tools.run_tool("promtool", [], tmp_path)
