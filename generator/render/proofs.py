"""promtool tests for every distinct rule: quiet, pending, firing with exact labels and annotations, resolved.

A proof is made once for each distinct rule of a pack (its parameters and shape, names apart) and runs against the
rendered rule file of the first service that has it. Its cases stand one after the other on one timeline, which
promtool evaluates many times faster than a test group each. The manifest names the proof of every rendered alert.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from generator.artifact import Artifact
from generator.conventions import GENERATED
from generator.emit import emit_json
from generator.expansion import expand
from generator.model import Alert, PackInstance, Service, Site
from generator.packs.cases import Case, Rate, State, cases_of
from generator.render.timeline import Timeline
from generator.units import format_duration

# Long enough that nothing counts as "just started" any more.
_LEAD_IN = 180


def render_proofs(site: Site) -> tuple[Artifact, ...]:
    """prometheus/proofs/<proof>-<interval>.yml for each distinct rule, and manifest.json."""
    artifacts: dict[str, Artifact] = {}
    manifest: dict[str, str] = {}
    files: dict[tuple[str, str], str] = {}
    for service in site.services:
        for instance in service.packs:
            for alert in instance.alerts:
                if (alert.proof, alert.name) not in files:
                    for path, artifact, names in _prove(site, service, instance):
                        artifacts[path] = artifact
                        files |= {(alert.proof, name): path for name in names}
                manifest[f"{service.name}/{alert.name}"] = files[alert.proof, alert.name]
    pages = [artifacts[path] for path in sorted(artifacts)]
    return (*pages, Artifact("prometheus/proofs/manifest.json", emit_json(manifest)))


def _prove(site: Site, service: Service, instance: PackInstance) -> Iterator[tuple[str, Artifact, list[str]]]:
    """One file for each pace, since promtool evaluates a file at one pace."""
    cases = sorted(cases_of(instance, service, site.stack), key=_pace)
    alerts = {alert.name: alert for alert in instance.alerts}
    for pace, group in groupby(cases, key=_pace):
        chosen = list(group)
        proof = alerts[chosen[0].alert].proof
        path = f"prometheus/proofs/{proof}-{format_duration(pace[1])}.yml"
        group_test = _Proof(Timeline(*pace, _highest_rates(chosen)), alerts)
        for case in chosen:
            group_test.prove(case)
        names = [case.alert for case in chosen]
        origins = {name: alerts[name].origin for name in names}
        yield path, Artifact(path, group_test.emit(service, instance.pack, proof), origins), names


def _highest_rates(cases: list[Case]) -> dict[str, float]:
    """How fast each counter ever grows."""
    highest: dict[str, float] = {}
    for case in cases:
        for state in (case.baseline, case.fault, case.boundary or {}):
            for series, shape in state.items():
                if isinstance(shape, Rate):
                    highest[series] = max(highest.get(series, 0.0), shape.per_second)
    return highest


def _pace(case: Case) -> tuple[int, int]:
    return case.interval, case.evaluation


@dataclass(slots=True)
class _Proof:
    """The timeline of one file and what is asserted on it."""

    timeline: Timeline
    alerts: Mapping[str, Alert]
    alert_tests: list[dict[str, Any]] = field(default_factory=list)
    expr_tests: list[dict[str, Any]] = field(default_factory=list)

    def prove(self, case: Case) -> None:
        """Quiet, the fault, the recovery, the edge, and the series gone."""
        alert = self.alerts[case.alert]
        if not self.timeline.now:
            self.timeline.run(_LEAD_IN, case.baseline)
        if case.always:
            start = self.timeline.run(self._every, case.baseline)
            self._expect_firing(alert, case, start)
            return
        self.timeline.run(case.history, case.baseline)
        self._calm(alert, case)
        self._expect_silent(alert, self.timeline.now - self._every)
        self._fault(alert, case)
        self._recovery(alert, case)
        if case.boundary is not None:
            self._edge(alert, case, case.boundary)
        if case.calm or case.edge_fires:
            self._calm(alert, case)
        self._gone(alert, case)

    def emit(self, service: Service, pack: str, proof: str) -> str:
        """The promtool file, as JSON-quoted YAML: one line an entry, quick to write and to compare."""
        lines = [
            f"# {GENERATED}",
            "# It proves the alerts below, and every rule that differs from them in names alone.",
            f"rule_files: [../rules/{service.name}/{pack}.yml]",
            f"evaluation_interval: {format_duration(self._every)}",
            "tests:",
            f"  - name: {proof}",
            f"    interval: {format_duration(self.timeline.interval)}",
        ]
        lists = {
            "input_series": self.timeline.series(),
            "alert_rule_test": self.alert_tests,
            "promql_expr_test": self.expr_tests,
        }
        for key, entries in lists.items():
            if entries:
                lines.append(f"    {key}:")
                lines += [f"      - {json.dumps(entry, ensure_ascii=False)}" for entry in entries]
        return "\n".join(lines) + "\n"

    @property
    def _every(self) -> int:
        return self.timeline.evaluation

    def _fires_after(self, alert: Alert, case: Case) -> tuple[int, int]:
        """When it fires at the earliest and at the latest, from the beginning of the fault."""
        earliest = self.timeline.align(case.onset) + self.timeline.align(alert.for_seconds)
        return earliest, earliest + self.timeline.align(case.slack)

    def _calm(self, alert: Alert, case: Case) -> None:
        """All is well for so long that nothing of what was before is left."""
        settle = case.clears + alert.keep_firing_seconds + self._every
        self.timeline.run(max(settle, case.calm), case.baseline)

    def _gap(self, case: Case) -> None:
        if case.gap:
            self.timeline.run(case.gap, case.silence)

    def _fault(self, alert: Alert, case: Case) -> None:
        self._gap(case)
        earliest, latest = self._fires_after(alert, case)
        start = self.timeline.run(latest + self._every, case.fault)
        if earliest:
            self._expect_silent(alert, start + earliest - self._every)
        if alert.for_seconds > case.slack:
            self._expect_state(alert, "pending", start + earliest - self._every)
        self._expect_firing(alert, case, start + latest)

    def _recovery(self, alert: Alert, case: Case) -> None:
        keep = self.timeline.align(alert.keep_firing_seconds)
        after = self.timeline.align(case.clears) + keep
        start = self.timeline.run(after + self._every, case.baseline)
        if keep:
            self._expect_state(alert, "firing", start + keep - self._every)
        self._expect_silent(alert, start + after)

    def _edge(self, alert: Alert, case: Case, state: State) -> None:
        self._gap(case)
        _, after = self._fires_after(alert, case)
        if not case.gap:  # what was before fades from the windows only now
            after = max(after, self.timeline.align(case.clears))
        start = self.timeline.run(after + self._every, state)
        if case.edge_fires:
            self._expect_state(alert, "firing", start + after)
        else:
            self._expect_silent(alert, start + after)

    def _gone(self, alert: Alert, case: Case) -> None:
        self._gap(case)
        _, after = self._fires_after(alert, case)
        start = self.timeline.run(after + self._every, case.fault)
        self._expect_state(alert, "firing", start + after)
        rest = case.clears + alert.keep_firing_seconds + self._every
        self.timeline.run(rest + after if case.gone_fires else rest, case.vanished)
        if case.gone_fires:
            self._expect_state(alert, "firing", self.timeline.now - self._every)
        else:
            self._expect_silent(alert, self.timeline.now - self._every)

    def _expect_silent(self, alert: Alert, at: int) -> None:
        self.alert_tests.append({"eval_time": format_duration(at), "alertname": alert.name, "exp_alerts": []})

    def _expect_firing(self, alert: Alert, case: Case, at: int) -> None:
        labels = {**case.labels, **alert.labels}
        labels = {name: expand(text, case.labels, case.value) for name, text in labels.items()}
        annotations = {
            name: expand(text, {**case.labels, **labels}, case.value) for name, text in alert.annotations.items()
        }
        expected = {"exp_labels": labels, "exp_annotations": annotations}
        entry = {"eval_time": format_duration(at), "alertname": alert.name, "exp_alerts": [expected]}
        self.alert_tests.append(entry)

    def _expect_state(self, alert: Alert, state: str, at: int) -> None:
        expr = f'max(ALERTS{{alertname="{alert.name}",alertstate="{state}"}})'
        samples = [{"labels": "{}", "value": 1}]
        self.expr_tests.append({"expr": expr, "eval_time": format_duration(at), "exp_samples": samples})
