"""All PromQL of all dashboards as one file of recording rules, so that Prometheus' own parser judges it in one go."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from generator.clients.tools import ToolRun, run_tool
from generator.prove.dashboards.gate import read_bundle
from generator.prove.dashboards.interpolate import LeftOver, interpolate, scale
from generator.prove.dashboards.variables import assignments, offline
from generator.source.emit import emit_yaml

RANGE: Final = 6 * 3600
NOTE: Final = "Every query of every dashboard, as a rule, for `promtool check rules`. Not for Prometheus."


def panel_rules(files: Mapping[str, str]) -> str:
    """A rule file with one recording rule for each distinct PromQL query in `files` (path -> text).

    A query whose variables cannot be filled in is left out: the gate reports it.
    """
    bundle, _ = read_bundle(files, None)
    exprs: dict[str, None] = {}
    for document in bundle.documents:
        values = next(assignments(document, offline))[1]
        texts = [target.expr for panel in document.panels for target in panel.targets if target.kind == "prometheus"]
        texts += [str(each.get("expr")) for each in document.annotations if _is_prometheus(each)]
        for text in texts:
            try:
                exprs[interpolate(text, values, scale(RANGE))] = None
            except LeftOver:
                continue
    rules = [{"record": f"panel:query:{number}", "expr": expr} for number, expr in enumerate(exprs)]
    return emit_yaml({"groups": [{"name": "panels", "rules": rules}]}, NOTE)


def judge_queries(files: Mapping[str, str], folder: Path) -> ToolRun:
    """What promtool says of the queries in `files`; their rule file is written to `folder`. Raises ToolMissing."""
    (folder / "panels.yml").write_text(panel_rules(files), encoding="utf-8")
    return run_tool("promtool", ["check", "rules", "--lint=none", "panels.yml"], folder)


def _is_prometheus(annotation: Mapping[str, Any]) -> bool:
    return (annotation.get("datasource") or {}).get("type") == "prometheus"
