"""What fires while series do something: a site's own rules, evaluated by promtool, minute by minute.

Owns the playing. Which series, and what has to fire, is for the tests to say.
"""

import json
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from generator.pipeline import resolve_text
from generator.render.prometheus.rules import render_rules
from generator.site.model import Site
from tests.support import tools

_GOT: Final = re.compile(r"expr: .*?, time: (?P<at>\S+?),?\n.*?got: ?(?P<got>.*?)(?=\n\n|\Z)", re.DOTALL)
_ALERT: Final = re.compile(r'\{(__name__="ALERTS".*?)\} 1E\+00')
_LABEL: Final = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
# What fires because the rest of the stack is not played.
_OTHERS: Final = frozenset({"Watchdog", "OutageRecent", "MetricsMissing"})
# Prometheus has run for long.
_PROMETHEUS: Final = 'service="lookout",job="prometheus"'
_LONG: Final = {
    f"process_start_time_seconds{{{_PROMETHEUS}}}": "0x5000",
    f"prometheus_config_last_reload_success_timestamp_seconds{{{_PROMETHEUS}}}": "0x5000",
}

Firing = dict[str, str]


def site_of(text: str) -> Site:
    """The site that a services.yaml means."""
    return resolve_text(text, "services.yaml")[0]


def played(
    site: Site,
    services: Collection[str],
    series: Mapping[str, str],
    minutes: Collection[int],
    folder: Path,
    others: Collection[str] = _OTHERS,
) -> dict[int, list[Firing]]:
    """The labels of what fires at each of the minutes, but for `others`; `series` has a value every ten seconds."""
    files = []
    for artifact in render_rules(site):
        if artifact.path.split("/")[2] in services:
            path = folder / artifact.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(artifact.content, encoding="utf-8")
            files.append(artifact.path)
    test = {
        "interval": "10s",
        "input_series": [{"series": name, "values": values} for name, values in {**_LONG, **series}.items()],
        # What is expected cannot come: so promtool prints what does.
        "promql_expr_test": [
            {
                "expr": 'ALERTS{alertstate="firing"}',
                "eval_time": f"{at}m",
                "exp_samples": [{"labels": "{}", "value": -1}],
            }
            for at in minutes
        ],
    }
    text = {"rule_files": files, "evaluation_interval": "10s", "tests": [test]}
    (folder / "played.yml").write_text(json.dumps(text), encoding="utf-8")
    said = tools.run("promtool", "test", "rules", "played.yml", folder=folder).output
    found = {_minutes(match["at"]): _alerts(match["got"], others) for match in _GOT.finditer(said)}
    assert found.keys() == set(minutes), said[-2000:]
    return found


def names(firing: Collection[Firing]) -> set[tuple[str, str]]:
    """The service and the name of each."""
    return {(labels["service"], labels["alertname"]) for labels in firing}


def _alerts(text: str, others: Collection[str]) -> list[Firing]:
    alerts = [dict(_LABEL.findall(labels)) for labels in _ALERT.findall(text)]
    return [
        {name: value for name, value in labels.items() if name not in ("alertstate", "__name__")}
        for labels in alerts
        if labels["alertname"] not in others
    ]


def _minutes(text: str) -> int:
    parts = {unit: int(number) for number, unit in re.findall(r"(\d+)(h|m|s)", text)}
    return 60 * parts.get("h", 0) + parts.get("m", 0)
