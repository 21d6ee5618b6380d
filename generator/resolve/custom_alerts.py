"""`alerts:` of a service: a user's own rules, checked as far as it can be done without data, and completed.

Owns what is asked of such an alert and its defaults. What is made of it is generator.packs.own's business.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

import promql_parser as pp
from pydantic import ValidationError

from generator.conventions import EVENT_ALERTS, OUTAGE_RECENT, UNPROVEN, Fault, Severity
from generator.diagnostics import Problems
from generator.packs import instantiate, own_pack
from generator.packs.case_schema import CaseSpec, SeriesSpec
from generator.packs.cases import cases_of
from generator.packs.derive import CaseData, Underivable, derive_case
from generator.packs.derive_search import search_case
from generator.promql.expansion import expand
from generator.promql.text import limit_of, measured, scoped
from generator.promql.texts import labels_used, values_used
from generator.promql.tokens import uncommented
from generator.promql.tree import PromQLError, parse, result_labels, walk
from generator.resolve.context import Context, default
from generator.resolve.own_runbook import own_runbook
from generator.site.model import CustomAlert, Service, Stack
from generator.source.read import Path
from generator.spec.alerts import NO_PROOF, CustomAlertSpec, RunbookSpec

_HOLD: Final = 300
_FAULT: Final[Fault] = "cause"
# What Grafana knows by itself; another word stands behind the number.
_UNITS: Final = frozenset({
    "short", "none", "s", "ms", "bytes", "Bps", "percent", "percentunit", "reqps", "ops", "currencyUSD", "currencyEUR",
})  # fmt: skip
_COMPARES: Final = frozenset({">", "<", ">=", "<=", "==", "!="})
_RATES: Final = frozenset({"rate", "irate", "increase", "delta", "idelta", "deriv", "changes", "resets"})
_EXACT: Final = ("rate", "increase")
_SERIES: Final = re.compile(r'[a-zA-Z_:][\w:]*(\{([a-zA-Z_]\w*="[^"\\]*"\s*(,\s*|(?=\})))*\})?')
_EXAMPLE: Final = (
    "write a proof beside it, such as:",
    "  proof:",
    "    healthy: [{series: 'my_queue_length{queue=\"mail\"}', level: 10}]",
    "    broken: [{series: 'my_queue_length{queue=\"mail\"}', level: 200}]",
    "  rate: is a counter's growth a second, level: a gauge's value; docs/alerts-of-your-own.md has more",
)


def resolve_custom_alerts(
    context: Context, stack: Stack, service: Service, specs: Mapping[str, CustomAlertSpec], path: Path
) -> tuple[CustomAlert, ...]:
    """The alerts that are right, by name; reports the others. `service` has its packs."""
    taken = {alert.name for alert in service.alerts} | {"Watchdog", OUTAGE_RECENT, *EVENT_ALERTS}
    found = []
    for name, spec in sorted(specs.items()):
        if name in taken:
            message = f"there is an alert '{name}' already"
            notes = ["choose another name, or switch the other one off with `off:`"]
            context.problem("spec/alert-clash", message, (*path, name), at_key=True, notes=notes)
            continue
        alert = _Reader(context, stack, service, name, spec, (*path, name)).read()
        if alert is not None:
            found.append(alert)
    return tuple(found)


class _Reader:
    """Reads one alert; exists for as long as `read` runs."""

    def __init__(
        self, context: Context, stack: Stack, service: Service, name: str, spec: CustomAlertSpec, path: Path
    ) -> None:
        self.context = context
        self.stack = stack
        self.service = service
        self.name = name
        self.spec = spec
        self.path = path
        self.fault: Fault = default(spec.fault, _FAULT)
        self.interval = service.jobs[0].interval if service.jobs else stack.timing.scrape_interval
        self.hold = default(spec.hold, self.interval if self.fault == "outage" else _HOLD)
        self.wrong = False

    def read(self) -> CustomAlert | None:
        """The alert, or None when something about it is wrong, which is then reported."""
        try:
            expr = scoped(uncommented(self.spec.expr), "service", self.service.name)
        except PromQLError as error:
            self._say("spec/bad-expression", f"this is no PromQL that can be used: {error}", "expr")
            return None
        tree = parse(expr)
        self._check_expression(tree)
        self._check_texts(tree)
        if self.wrong:
            return None
        case = self._case(expr)
        if case is None:
            return None
        alert = self._alert(expr, case)
        return alert if not case or self._is_provable(alert) else None

    def _say(self, code: str, message: str, *place: str | int, notes: Iterable[str] = ()) -> None:
        self.wrong = True
        self.context.problem(code, message, (*self.path, *place), at_key=not place, notes=notes)

    # --- the expression -------------------------------------------------------------------------------------

    def _check_expression(self, tree: Any) -> None:
        if not any(_decides(node) for node in walk(tree)):
            notes = ["an alert fires for whatever its expression returns: compare with a limit, such as > 100"]
            self._say("spec/bad-expression", "this compares nothing, and would always fire", "expr", notes=notes)
        least = 2 * self.interval
        for node in walk(tree):
            if isinstance(node, pp.Call) and node.func.name in _RATES and isinstance(node.args[0], pp.MatrixSelector):
                window = int(node.args[0].range.total_seconds())
                if window < least:
                    name = node.func.name
                    message = f"{name} over {window}s sees less than two scrapes, which are {self.interval}s apart"
                    notes = [f"take {4 * self.interval}s at least, so that one may fail"]
                    self._say("spec/bad-expression", message, "expr", notes=notes)

    # --- the texts ------------------------------------------------------------------------------------------

    def _check_texts(self, tree: Any) -> None:
        carried = result_labels(tree)
        own = {"service", "severity", "owner", "environment", "fault", "incident", "alertname"}
        for field in ("summary", "description"):
            text = getattr(self.spec, field) or ""
            try:
                expand(text, {}, 1.0)
            except ValueError as error:
                self._say("spec/bad-text", str(error), field)
                continue
            for label in labels_used(text):
                if label not in own and label not in carried:
                    message = f"this shows the label '{label}', which the expression does not return"
                    self._say("spec/bad-text", message, field, notes=[f"keep it with `sum by ({label}) (…)`"])
            if "" in values_used(text) and _is_rate(tree):
                message = "a rate has many digits; write {{ $value | humanize }}"
                self._say("spec/bad-text", message, field)

    # --- the proof ------------------------------------------------------------------------------------------

    def _case(self, expr: str) -> CaseData | None:
        given = self.spec.proof
        if given == NO_PROOF:
            message = f"nothing proves that '{self.name}' fires when it should, and is quiet otherwise"
            self.context.problem("spec/unproven", message, (*self.path, "proof"), level="warning", at_key=True)
            return {}
        if given is None:
            try:
                return _derived(expr, self.hold, self.fault)
            except Underivable as error:
                message = f"it is not known which fault triggers '{self.name}': {error}"
                self._say("spec/no-proof", message, "expr", notes=_EXAMPLE)
                return None
        renamed = {{"healthy": "background", "broken": "change"}.get(key, key): value for key, value in given.items()}
        for key in ("healthy", "broken"):
            if key not in given:
                self._say("spec/no-proof", f"a proof says what is '{key}'", "proof", notes=_EXAMPLE)
                return None
        case = {"fault": f"{self.name} as its proof describes it.", "gone": "resolves", **renamed}
        if "boundary" not in case:
            case.setdefault("no_edge", "Its author names none.")
        try:
            CaseSpec.model_validate(case)
        except ValidationError as error:
            back = {"background": "healthy", "change": "broken"}
            for problem in error.errors():
                place = tuple(back.get(str(step), step) for step in problem["loc"])
                word = str(place[-1]) if place else "proof"
                unknown = problem["type"] == "extra_forbidden"
                message = f"'{word}' is not known here" if unknown else f"{word}: {problem['msg']}"
                known = SeriesSpec.model_fields if len(place) > 1 else CaseSpec.model_fields
                notes = [f"known: {', '.join(known)}"] if unknown else []
                self._say("spec/no-proof", message, "proof", *place, notes=notes)
            return None
        for series in _series(given):
            if not _is_series(series):
                message = f"'{series}' is no series, such as my_queue_length{{queue=\"mail\"}}"
                self._say("spec/no-proof", message, "proof")
                return None
        if values_used(self.spec.summary + (self.spec.description or "")) and "value" not in case:
            message = "the text shows $value, so the proof says which: `value: 200`"
            self._say("spec/no-proof", message, "proof")
            return None
        return case

    def _is_provable(self, alert: CustomAlert) -> bool:
        """Whether the case can be rendered; numbers and series in it are only looked at then."""
        service = replace(self.service, own=(alert,))
        try:
            (case,) = cases_of(instantiate(own_pack(service), service, self.stack, {}, ()), service, self.stack)
            if case.interval < 1:
                self._say("spec/no-proof", "a `step` of no time at all proves nothing", "proof")
        except Problems as problems:
            for problem in problems.diagnostics:
                self._say("spec/no-proof", problem.message, "proof")
        except ValueError as error:
            self._say("spec/no-proof", f"the proof cannot be read: {error}", "proof")
        return not self.wrong

    def _alert(self, expr: str, case: CaseData) -> CustomAlert:
        spec = self.spec
        written = " ".join(uncommented(spec.expr).split())
        # What opens a placeholder in a message cannot be shown in one.
        shown = f"{self.name} of {self.service.name}" + (f": {written}" if "{{" not in written else "")
        description = default(spec.description, shown) + ("" if case else UNPROVEN)
        unit = default(spec.unit, "short")
        severity: Severity = spec.severity
        limit = limit_of(expr)
        return CustomAlert(
            name=self.name,
            expr=expr,
            measured=limit.measured if limit else measured(expr),
            limit=limit,
            for_seconds=self.hold,
            keep_firing_seconds=default(spec.keep_firing_for, 0),
            severity=severity,
            fault=self.fault,
            detects=tuple(spec.detects or ()),
            summary=spec.summary,
            description=description,
            unit=unit if unit in _UNITS else f"suffix: {unit}",
            runbook=own_runbook(self.service, self.name, spec.runbook or RunbookSpec(), expr, self.hold, description),
            case=case,
            origin=self.context.source.key_span(self.path),
        )


def _derived(expr: str, hold: int, fault: Fault) -> CaseData:
    """The case of a plain form, or one that is searched. Raises Underivable."""
    try:
        return derive_case(expr, hold, fault)
    except Underivable:
        return search_case(expr, hold, fault)


def _decides(node: Any) -> bool:
    """Whether an expression with this node can be false."""
    if isinstance(node, pp.BinaryExpr):
        compares = str(node.op) in _COMPARES and not (node.modifier and node.modifier.return_bool)
        return compares or str(node.op) == "unless"
    return isinstance(node, pp.Call) and node.func.name in ("absent", "absent_over_time")


def _series(proof: Mapping[str, Any]) -> list[str]:
    """The series of a proof whose shape is right."""
    return [str(entry.get("series", "")) for key in ("healthy", "broken", "boundary") for entry in proof.get(key, ())]


def _is_series(text: str) -> bool:
    """Whether it names one series; what has placeholders is looked at when they are filled."""
    return "<<" in text or bool(_SERIES.fullmatch(text))


def _is_rate(tree: Any) -> bool:
    return any(isinstance(node, pp.Call) and node.func.name in _EXACT for node in walk(tree))
