"""Our expansion of annotation templates against Prometheus' own."""

import json
from pathlib import Path

from generator.clients.tools import run_tool
from generator.promql.expansion import expand


def test_promtool_expands_the_same(tmp_path: Path) -> None:
    fractions = (0.075, 0.0123456, 0.75, 25.98, 0.975, 61.5, 1e-5, 1e-7, -0.1, 123456789.125)
    values = (*fractions, 1234567.0, 2.0, 90061.0, 3700.0, 2.0**31, 0.0, 150.0, 1e15, 2.5e12)
    functions = ("humanize", "humanize1024", "humanizeDuration", "humanizePercentage")
    rules, tests = [], []
    for number, value in enumerate(values):
        texts = {name: f"{{{{ $value | {name} }}}}" for name in functions} | {"plain": "{{ $value }}"}
        rules.append({"alert": f"A{number}", "expr": f"vector({value!r})", "annotations": texts})
        expected = {name: expand(text, {}, value) for name, text in texts.items()}
        tests.append({"eval_time": "1m", "alertname": f"A{number}", "exp_alerts": [{"exp_annotations": expected}]})
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "g", "rules": rules}]}), encoding="utf-8")
    proof = {"rule_files": ["rules.yml"], "tests": [{"input_series": [], "alert_rule_test": tests}]}
    (tmp_path / "proof.yml").write_text(json.dumps(proof), encoding="utf-8")
    run = run_tool("promtool", ["test", "rules", "proof.yml"], tmp_path)
    assert run.code == 0, run.output
