"""What every pack owes: all its parts, each naming the others rightly, and no selector that could never match.

Returns problems as Diagnostics and prints nothing. A pack without problems here still has to pass its proofs.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from generator.conventions import SEVERITIES
from generator.diagnostics import Diagnostic, Problems, sort_diagnostics
from generator.packs.case_schema import CaseSpec
from generator.packs.fixtures import Series, read_fixtures, unmatched_selectors
from generator.packs.load import Pack, line_of, load_packs, load_tests
from generator.packs.relabel import relabelled
from generator.packs.sample import sample_instance
from generator.packs.template import PANEL_WINDOW
from generator.promql.tree import PromQLError, parse, result_labels
from generator.site.model import Alert, PackInstance, Service

HEADINGS: Final = ("Meaning", "Impact", "Diagnosis", "Mitigation", "Escalation")
_HEADING: Final = re.compile(r"^## (.+)$", re.MULTILINE)
_TEMPLATED: Final = re.compile(r"((?:<<|<%).*?(?:>>|%>)|\bwhen: [^\n]*)", re.DOTALL)
# `params.http.latency_p95` and `params: {http: {latency_p95: …}}` in a runbook.
_NAMED_PARAM: Final = re.compile(r"`params\.([\w-]+)\.(\w+)`")
_SET_PARAMS: Final = re.compile(r"`params: \{(.*?)\}?\}`")
_KEY: Final = re.compile(r"(\w+):")
# A query in a command of a runbook.
_ASKED: Final = re.compile(r"'query=([^']+)'")
_LABEL_USED: Final = re.compile(r"\$labels\.(\w+)")
# label_replace(…, "slo", "availability", "", "")
_LABEL_SET: Final = re.compile(r', "(\w+)", "([^"$]*)", "", ""\)')
# What Prometheus itself says about every target, and about itself, is there for every pack.
# So is what apps say of what they use.
_SHARED: Final = (
    "target/fixtures/prometheus-*.prom",
    "stack/fixtures/prometheus-*.prom",
    "instrumentation/fixtures/lookout_instrumentation-*.prom",
    "probe/fixtures/blackbox_exporter-*.prom",
)


def check_pack(pack: Pack) -> tuple[Diagnostic, ...]:
    """Everything that is wrong with a pack, sorted; empty when it keeps the contract."""
    try:
        service, instance = sample_instance(pack)
    except Problems as problems:
        return problems.diagnostics
    return sort_diagnostics(
        [
            *_check_runbooks(pack),
            *_check_modes(pack),
            *_check_cases(pack, instance),
            *_check_params(pack),
            *_check_lets(pack),
            *_check_settings(pack),
            *_check_panels(pack),
            *_check_fixtures(pack),
            *_check_records(pack, instance, _known_series(pack, service)),
            *_check_expressions(pack, instance, [*_known_series(pack, service), *recorded(instance)]),
        ]
    )


def _problem(pack: Pack, file: str, message: str, line: int = 1) -> Diagnostic:
    return Diagnostic("pack/invalid", message, pack.span(file, line))


def _check_runbooks(pack: Pack) -> Iterator[Diagnostic]:
    for path in sorted((pack.folder / "runbooks").glob("*")):
        if path.stem not in pack.alert_names and path.stem not in pack.events:
            yield _problem(pack, f"runbooks/{path.name}", f"no alert is called '{path.stem}'")
    for name, text in {**pack.runbooks, **pack.events}.items():
        if tuple(_HEADING.findall(text)) != HEADINGS:
            wanted = ", ".join(HEADINGS)
            yield _problem(pack, f"runbooks/{name}.md", f"the headings must be exactly: {wanted}")


def _check_cases(pack: Pack, instance: PackInstance) -> Iterator[Diagnostic]:
    folder = pack.folder.parent / pack.source
    cases = load_tests(folder).alerts
    for name in cases.keys() - set(pack.alert_names):
        yield _problem(pack, "tests.yaml", f"no alert is called '{name}'")
    for name in set(pack.alert_names) - cases.keys():
        yield _problem(pack, "tests.yaml", f"the alert {name} has no case")
    for name in set(pack.alert_names) - {alert.name for alert in instance.alerts}:
        yield _problem(pack, "tests.yaml", f"the alert {name} is not rendered in the tests: set its `params`")
    for name, case in cases.items():
        for message in _case_problems(case):
            line = line_of(folder, "tests.yaml", ("alerts", name))
            yield _problem(pack, "tests.yaml", f"{name}: {message}", line)


def _case_problems(case: CaseSpec) -> Iterator[str]:
    if case.stays and not case.change:
        return
    if not case.change:
        yield "a case says under `change` what its fault changes"
    if bool(case.boundary) == bool(case.no_edge):
        yield "a case has either a `boundary` or a reason why there is none (`no_edge`)"
    if case.gone is None:
        yield "a case says what happens when its series are gone (`gone`)"


def _check_modes(pack: Pack) -> Iterator[Diagnostic]:
    for alert in pack.rules.alerts:
        if not alert.detects:
            line = pack.lines[alert.name].line
            yield _problem(pack, "rules.yaml", f"{alert.name}: `detects` says which way of failing it covers", line)


def _check_params(pack: Pack) -> Iterator[Diagnostic]:
    folder = pack.folder.parent / pack.source
    files = [*(folder / name for name in ("pack.yaml", "rules.yaml", "panels.yaml")), pack.folder / "pack.yaml"]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    words = re.sub(r"\bsig\.\w+", "", " ".join(match[1] for match in _TEMPLATED.finditer(text)))
    for name in pack.params:
        if not re.search(rf"\b{name}\b", words):
            yield _problem(pack, "pack.yaml", f"the parameter '{name}' is used nowhere")
    for name in pack.spec.signals:
        if not re.search(rf"\bsig\.{name}\b|\bsignal: {name}\b", text):
            yield _problem(pack, "pack.yaml", f"the signal '{name}' is used nowhere")


def _check_lets(pack: Pack) -> Iterator[Diagnostic]:
    """In a template each name means one thing."""
    for name in load_tests(pack.folder.parent / pack.source).let.keys() & pack.params.keys():
        yield _problem(pack, "tests.yaml", f"let: '{name}' hides a parameter of the pack")


def _check_settings(pack: Pack) -> Iterator[Diagnostic]:
    """What a runbook says about `params` is what services.yaml takes."""
    known = {param.path for each in load_packs(pack.folder.parent).values() for param in each.params.values()}
    for name, text in pack.runbooks.items():
        file, named = f"runbooks/{name}.md", set(_NAMED_PARAM.findall(text))
        for written in _SET_PARAMS.findall(text):
            kind, brace, inside = written.partition(": {")
            if not brace:
                yield _problem(pack, file, "write `params: {KIND: {NAME: VALUE}}`")
            named |= {(kind.strip(), word) for word in _KEY.findall(inside)}
        for kind, param in sorted(named):
            if f"{kind}.{param}" not in known:
                yield _problem(pack, file, f"{kind} has no parameter '{param}'")


def _check_panels(pack: Pack) -> Iterator[Diagnostic]:
    panels = {panel.id: panel for row in pack.panels.rows for panel in row.panels}
    if len(panels) != sum(len(row.panels) for row in pack.panels.rows):
        yield _problem(pack, "panels.yaml", "two panels have the same id")
    for panel in panels.values():
        named = {*panel.alerts, *(threshold.alert for threshold in panel.thresholds)}
        for name in named - set(pack.alert_names):
            yield _problem(pack, "panels.yaml", f"{panel.id}: no alert is called '{name}'")
    for alert in pack.rules.alerts:
        where = panels.get(alert.panel)
        if where is None or alert.name not in where.alerts:
            message = f"the panel '{alert.panel}' must be there and name {alert.name} under `alerts`"
            yield _problem(pack, "panels.yaml", message)


def _fixtures(pack: Pack) -> list[Path]:
    """Its own, and those of the exporters that it requires, in whichever pack's folder they stand."""
    wanted = [f"*/fixtures/{each.exporter}-{each.version}*.prom" for each in pack.spec.programs]
    found = {path for pattern in (f"{pack.name}/fixtures/*.prom", *wanted) for path in pack.folder.parent.glob(pattern)}
    return sorted(found)


def _check_fixtures(pack: Pack) -> Iterator[Diagnostic]:
    files = _fixtures(pack)
    if not files:
        yield _problem(pack, "fixtures/", "the pack has no fixture")
    printed = relabelled(read_fixtures(files), pack.relabel)
    names = {series.name for series in printed}
    for requirement in pack.spec.programs:
        wanted = f"{requirement.exporter}-{requirement.version}"
        if not any(path.name.startswith(wanted) for path in files):
            yield _problem(pack, "fixtures/", f"no fixture is called {wanted}*.prom")
        for metric in set(requirement.metrics) - names:
            yield _problem(pack, "pack.yaml", f"no fixture has the required metric {metric}")
        for metric, labels in requirement.labels.items():
            found = {label for series in printed if series.name == metric for label in series.labels}
            for label in sorted(set(labels) - found):
                yield _problem(pack, "pack.yaml", f"no fixture has the label {label} of the required metric {metric}")


def _known_series(pack: Pack, service: Service) -> list[Series]:
    """What the pack may ask for: what its exporters print, and Prometheus of itself and of every target."""
    patterns = [*(f"{name}/fixtures/*.prom" for name in sorted(service.kinds)), *_SHARED]
    shared = {path for pattern in patterns for path in pack.folder.parent.glob(pattern)}
    printed = read_fixtures(sorted({*_fixtures(pack), *shared}))
    return relabelled(printed, pack.relabel)


def recorded(instance: PackInstance) -> Iterator[Series]:
    """What the pack's own rules record, once with each label that any of them sets."""
    labels = sorted({found for record in instance.records for found in _LABEL_SET.findall(record.expr)})
    for record in instance.records:
        yield Series(record.name, record.labels)
        for label, value in labels:
            yield Series(record.name, {**record.labels, label: value})


def _check_records(pack: Pack, instance: PackInstance, known: list[Series]) -> Iterator[Diagnostic]:
    """A record may read what exporters print, and what was recorded before it."""
    own = list(recorded(instance))
    for record in instance.records:
        for message in _query_problems(record.expr, [*known, *own]):
            yield _problem(pack, "rules.yaml", f"{record.name}: {message}", record.origin.line)


def _check_expressions(pack: Pack, instance: PackInstance, known: list[Series]) -> Iterator[Diagnostic]:
    by_name = {alert.name: alert for alert in instance.alerts}
    for alert in instance.alerts:
        line = alert.origin.line
        for message in _alert_problems(alert, known):
            yield _problem(pack, "rules.yaml", f"{alert.name}: {message}", line)
        for message in _inhibition_problems(alert, by_name) if alert.inhibited_by else ():
            yield _problem(pack, "rules.yaml", f"{alert.name}: {message}", line)
    for row in instance.rows:
        for panel in row.panels:
            for query in panel.queries:
                if query.datasource == "prometheus":
                    for message in _query_problems(query.expr, known):
                        yield _problem(pack, "panels.yaml", f"{panel.slug}: {message}")
    for runbook in instance.runbooks:
        for expr in _ASKED.findall(runbook.markdown):
            for message in _query_problems(expr, known):
                yield _problem(pack, f"runbooks/{runbook.alert}.md", f"{expr}: {message}")


def _alert_problems(alert: Alert, known: list[Series]) -> Iterator[str]:
    try:
        tree = parse(alert.expr)
    except PromQLError as error:
        yield f"does not parse: {error}"
        return
    yield from unmatched_selectors(tree, known)
    carried = result_labels(tree)
    static = {name for name, value in alert.labels.items() if "{{" not in value}
    for text in (*alert.annotations.values(), *alert.labels.values()):
        for label in _LABEL_USED.findall(text):
            if label not in carried and label not in static:
                yield f"the text shows $labels.{label}, which the expression does not return"


def _inhibition_problems(alert: Alert, alerts: Mapping[str, Alert]) -> Iterator[str]:
    """Whether what keeps it quiet says more of the same things, and no later."""
    other_alert = alerts.get(alert.inhibited_by)
    if other_alert is None:
        yield f"inhibited_by: the pack has no {alert.inhibited_by}"
        return
    try:
        mine, other = (result_labels(parse(each.expr)) for each in (alert, other_alert))
    except PromQLError:  # reported for the one that does not parse
        return
    if mine.inverted or mine != other:
        yield f"inhibited_by: {other_alert.name} is not of the same things: sum or max both by the same labels"
    if SEVERITIES.index(other_alert.severity) >= SEVERITIES.index(alert.severity):
        yield f"inhibited_by: {other_alert.name} is not more severe"
    if (other_alert.for_seconds, other_alert.evaluation_interval) > (alert.for_seconds, alert.evaluation_interval):
        yield f"inhibited_by: {other_alert.name} fires later"


def _query_problems(expr: str, known: list[Series]) -> Iterator[str]:
    try:
        tree = parse(expr.replace(PANEL_WINDOW, "5m"))
    except PromQLError as error:
        yield f"does not parse: {error}"
        return
    yield from unmatched_selectors(tree, known)
