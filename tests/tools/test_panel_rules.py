"""Prometheus' own parser over every query of every dashboard."""

from pathlib import Path

from generator.prove.dashboards import panel_rules
from tests.support.tools import run
from tests.unit.dashboards import dashboard_files


def test_promtool_accepts_every_query(tmp_path: Path) -> None:
    (tmp_path / "panels.yml").write_text(panel_rules(dashboard_files()), encoding="utf-8")
    done = run("promtool", "check", "rules", "panels.yml", folder=tmp_path)
    assert done.code == 0, done.output


def test_promtool_refuses_a_query_that_is_wrong(tmp_path: Path) -> None:
    files = {path: text.replace("sum by (service)", "sum by service") for path, text in dashboard_files().items()}
    wrong = {path: text.replace("min by (service)", "min by service") for path, text in files.items()}
    (tmp_path / "panels.yml").write_text(panel_rules(wrong), encoding="utf-8")
    assert run("promtool", "check", "rules", "panels.yml", folder=tmp_path).code != 0
