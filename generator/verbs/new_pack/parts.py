"""The text of each part of a new pack: complete, correct, and with a mark wherever its author has to say something.

Owns the words that a new pack begins with. `MARK` is how a reader, and the verb, find what is still to be said.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from generator.verbs.new_pack.exposition import Gauge

MARK: Final = "Say here"


@dataclass(frozen=True, slots=True)
class Start:
    """What a new pack begins with. `up` is watched for falling to 0, or else `level` for rising above a limit."""

    kind: str
    exporter: str
    version: str
    up: Gauge | None
    level: Gauge | None

    @property
    def metric(self) -> str:
        """The metric of the first alert."""
        gauge = self.up or self.level
        return gauge.series.name if gauge else f"{self.kind.replace('-', '_')}_up"

    @property
    def watches_up(self) -> bool:
        """Whether the first alert is about something that is there or not."""
        return self.up is not None or self.level is None

    @property
    def param(self) -> str:
        """The limit of the first alert."""
        return "most"

    @property
    def alert(self) -> str:
        """The name of the first alert."""
        return f"{_camel(self.kind)}{'Down' if self.watches_up else 'High'}"

    @property
    def series(self) -> str:
        """The series of the fixture, in the notation of tests.yaml."""
        gauge = self.up or self.level
        labels = gauge.series.labels if gauge else {}
        inside = ",".join(f'{name}="{value}"' for name, value in sorted(labels.items()))
        return f"{self.metric}{{{inside}}}" if inside else self.metric


def parts_of(start: Start) -> Mapping[str, str]:
    """Every part by its path inside the pack's folder, the fixture apart."""
    return {
        "pack.yaml": _pack(start),
        "rules.yaml": _rules(start),
        "panels.yaml": _panels(start),
        "tests.yaml": _tests(start),
        f"runbooks/{start.alert}.md": _runbook(start),
    }


def _camel(kind: str) -> str:
    return "".join(word.capitalize() for word in re.split(r"[-_]", kind))


def _limit(start: Start) -> str:
    value = start.level.value if start.level else 0
    return f"{max(2 * value, 1):.0f}"


def _pack(start: Start) -> str:
    params = f"""\
params:
  {start.param}:
    type: number
    default: {_limit(start)}
    min: 1
    max: 1000000000000000
    why: Twice of what the fixture shows. {MARK} why this is where trouble begins.
""" if not start.watches_up else ""  # fmt: skip
    expr = "min" if start.watches_up else "max"
    return f"""\
title: {_camel(start.kind)}
needs: [targets]
fails_by: [{"down" if start.watches_up else "saturated"}]
requires:
  - exporter: {start.exporter}
    version: "{start.version}"
    metrics: [{start.metric}]
{params}signals:
  {_signal(start)}:
    expr: {expr}({start.metric}{{<<selector>>}})
    unit: {"bool" if start.watches_up else "short"}
    help: {MARK} what this is, in one sentence.
"""


def _signal(start: Start) -> str:
    return "answers" if start.watches_up else "level"


def _rules(start: Start) -> str:
    if start.watches_up:
        body = f"""\
    severity: critical
    fault: outage
    detects: [down]
    expr: <<sig.answers>> == 0
    for: <<confirm>>
    summary: {_camel(start.kind)} <<service>> does not answer
    description: >-
      {start.metric} of <<service>> is 0. {MARK} what that means."""
    else:
        body = f"""\
    severity: warning
    fault: cause
    detects: [saturated]
    expr: <<sig.level>> > <<{start.param}>>
    for: 5m
    keep_firing_for: 5m
    summary: >-
      {start.metric} of <<service>> is {{{{ $value | humanize }}}} (limit <<{start.param}>>)
    description: >-
      {start.metric} of <<service>> is above <<{start.param}>>. {MARK} what that means."""
    return f"""\
alerts:
  - name: {start.alert}
{body}
    panel: {_signal(start)}
"""


def _panels(start: Start) -> str:
    if start.watches_up:
        shown = "expect: data\n        min: 0\n        max: 1"
    else:
        line = f"- {{param: {start.param}, colour: orange, alert: {start.alert}}}"
        shown = f"thresholds:\n          {line}\n        expect: data\n        min: 0"
    return f"""\
rows:
  - title: Is it OK?
    panels:
      - id: {_signal(start)}
        title: {start.metric}
        description: {MARK} what it shows, and what is normal.
        type: timeseries
        unit: short
        queries: [{{signal: {_signal(start)}, legend: {start.kind}}}]
        alerts: [{start.alert}]
        {shown}
"""


def _tests(start: Start) -> str:
    healthy, broken = ("1", "0") if start.watches_up else (f'"<<{start.param} / 2>>"', f'"<<1.5 * {start.param}>>"')
    more = "no_edge: It is there or it is not." if start.watches_up else f"""\
value: <<1.5 * {start.param}>>
    boundary:
      - {{series: '{start.series}', each: target, level: "<<{start.param}>>"}}"""  # fmt: skip
    return f"""\
baseline:
  - {{series: '{start.series}', each: target, level: {healthy}}}
alerts:
  {start.alert}:
    fault: {MARK} what is broken, in one sentence.
    change:
      - {{series: '{start.series}', each: target, level: {broken}}}
    {more}
    gone: resolves
"""


def _runbook(start: Start) -> str:
    return f"""\
# <<service>>: {start.alert}

## Meaning
`{start.metric}` of **<<service>>**: {MARK} what is the case, in words that one understands at night.

## Impact
{MARK} who notices, and what.

## Diagnosis
1. What it logged: `./lookout logs --service <<service>> --since 1h`
2. {MARK} what to look at next, with commands that change nothing.

## Mitigation
- {MARK} what helps.

## Escalation
The owner is **<<owner>>**.
"""
