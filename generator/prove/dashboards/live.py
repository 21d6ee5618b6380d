"""Every query of every dashboard, asked of running servers, and checked against what its panel expects.

A panel must show data unless it says why it may not; that reason is in its description, where readers see it too.
Only reads; judges nothing but what came back.
"""

import math
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from generator.clients import loki, prometheus
from generator.clients.http import TooLarge
from generator.diagnostics import Problems
from generator.prove.dashboards.document import Bundle, Document, PanelView, QueryTarget
from generator.prove.dashboards.gate import read_bundle
from generator.prove.dashboards.interpolate import LeftOver, Scale, Value, interpolate, scale
from generator.prove.dashboards.variables import assignments
from generator.units import parse_duration

TIMEOUT: Final = 30
THREADS: Final = 8
# A graph with more lines than this cannot be read.
MOST_SERIES: Final = 100
ROUNDING: Final = 1e-6
_LEGEND: Final = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")
_LABEL_VALUES: Final = re.compile(r"label_values\(\s*(?:(?P<series>.+),\s*)?(?P<label>\w+)\s*\)")


@dataclass(frozen=True, slots=True)
class PanelResult:
    """What one query returned. `problem` is empty when that is what its panel expects."""

    dashboard: str
    title: str
    panel: int | None
    chosen: str
    expr: str
    series: int
    empty_reason: str | None
    problem: str


@dataclass(frozen=True, slots=True)
class QueryResult:
    """Series (or streams) of an answer: their labels and their values."""

    series: tuple[tuple[Mapping[str, str], tuple[float, ...]], ...]

    @property
    def filled(self) -> int:
        """How many series have a value at all."""
        return sum(any(not math.isnan(value) for value in values) for _, values in self.series)


class Refused(Exception):
    """A server that answered with an error, or not at all."""


@dataclass(frozen=True, slots=True)
class Servers:
    """Where to ask, and as of when."""

    prometheus_url: str
    loki_url: str
    now: float

    def ask(self, kind: str, expr: str, at: Scale, instant: bool, limit: int) -> QueryResult:
        """The answer to a query, over the scale's range up to now. Raises Refused."""
        start, end = self.now - at.range_ms / 1000, self.now
        loki = kind == "loki"
        factor = 10**9 if loki else 1
        parameters: dict[str, Any] = {"query": expr}
        if instant:
            parameters["time"] = int(end * factor)
        else:
            parameters |= {"start": int(start * factor), "end": int(end * factor), "step": at.step}
        if loki:
            parameters["limit"] = limit
        path = "query" if instant else "query_range"
        data = self._get(kind, path, parameters)
        return QueryResult(
            tuple(_series(each) for each in data["result"]) if data["resultType"] != "scalar" else _SCALAR
        )

    def values(self, variable: Mapping[str, Any]) -> Sequence[str]:
        """The choices of a query variable. Raises Refused."""
        kind = str((variable.get("datasource") or {}).get("type"))
        match = _LABEL_VALUES.fullmatch(str(variable.get("query") or "").strip())
        if match is None:
            raise Refused(f"the query of ${variable.get('name')} is not label_values(…)")
        parameters = {"match[]": match["series"]} if match["series"] and kind == "prometheus" else {}
        return sorted(self._get(kind, f"label/{match['label']}/values", parameters))

    def _get(self, kind: str, path: str, parameters: Mapping[str, Any]) -> Any:
        try:
            if kind == "loki":
                return loki.read(self.loki_url, path, parameters)
            return prometheus.ask(self.prometheus_url, path, parameters, TIMEOUT)
        except Problems as problems:
            raise Refused(problems.diagnostics[0].message) from problems
        except TooLarge as error:
            raise Refused(f"{kind} says: {error}") from error


_SCALAR: Final[tuple[tuple[Mapping[str, str], tuple[float, ...]], ...]] = (({}, (0.0,)),)


def _series(data: Mapping[str, Any]) -> tuple[Mapping[str, str], tuple[float, ...]]:
    if "stream" in data:
        return data["stream"], tuple(float(index) for index, _ in enumerate(data["values"]))
    samples = data["values"] if "values" in data else [data["value"]]
    return data["metric"], tuple(float(value) for _, value in samples)


@dataclass(frozen=True, slots=True)
class _Question:
    document: Document
    panel: PanelView | None
    target: QueryTarget
    values: Mapping[str, Value]
    chosen: str
    strict: bool


def run_panels(files: Mapping[str, str], prometheus_url: str, loki_url: str, now: float) -> list[PanelResult]:
    """Ask every panel, variable and annotation query of the dashboards in `files` (path -> text).

    Raises Problems for a file that cannot be read.
    """
    bundle, unreadable = read_bundle(files, None)
    if unreadable:
        raise Problems(unreadable)
    servers = Servers(prometheus_url.rstrip("/"), loki_url.rstrip("/"), now)
    results: list[PanelResult] = []
    questions: list[_Question] = []
    for document in bundle.documents:
        results += _variable_results(document, servers)
        questions += _questions(document, servers)
    scrape = _scrape_interval(bundle)
    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        results += pool.map(lambda question: _ask(question, servers, scrape), questions)
    return results


def failures(results: Iterable[PanelResult]) -> list[str]:
    """A line for each result that is not as expected."""
    return [
        f"{each.dashboard}: '{each.title}' ({each.chosen}): {each.problem}: {each.expr}"
        for each in results
        if each.problem
    ]


def _scrape_interval(bundle: Bundle) -> str:
    for source in bundle.datasources:
        if source.get("type") == "prometheus":
            return str((source.get("jsonData") or {}).get("timeInterval") or "")
    return ""


def _variable_results(document: Document, servers: Servers) -> Iterator[PanelResult]:
    for variable in document.variables:
        if variable.get("type") != "query":
            continue
        try:
            found = len(servers.values(variable))
            problem = "" if found else "it has nothing to choose from"
        except Refused as error:
            found, problem = 0, str(error)
        name, expr = f"${variable.get('name')}", str(variable.get("query"))
        yield PanelResult(document.uid, name, None, "as opened", expr, found, None, problem)


def _questions(document: Document, servers: Servers) -> Iterator[_Question]:
    lookup = _Lookup(servers)
    for chosen, values, must in assignments(document, lookup):
        for panel in document.panels:
            for target in panel.targets:
                yield _Question(document, panel, target, values, chosen, must)
        for annotation in document.annotations:
            yield _Question(document, None, QueryTarget(annotation), values, chosen, False)


class _Lookup:
    """The values of variables, each asked for once; a server that fails is reported with the variable itself."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._known: dict[str, Sequence[str]] = {}
        self._lock = threading.Lock()

    def __call__(self, variable: Mapping[str, Any]) -> Sequence[str]:
        name = str(variable.get("name"))
        with self._lock:
            if name not in self._known:
                try:
                    self._known[name] = self._servers.values(variable)
                except Refused:
                    self._known[name] = ()
            return self._known[name]


def _ask(question: _Question, servers: Servers, scrape: str) -> PanelResult:
    panel, target = question.panel, question.target
    title = panel.title if panel else str(target.data.get("name"))
    expr, found, problem = target.expr, 0, ""
    try:
        step = str(target.data.get("interval" if panel else "step") or "")
        at = scale(_range_of(question.document), step, scrape)
        expr = interpolate(target.expr, question.values, at)
        answer = servers.ask(target.kind, expr, at, target.instant, int(target.data.get("maxLines") or 100))
        found = answer.filled
        problem = judge(answer, panel, target, question.strict) if panel else ""
    except (LeftOver, Refused) as error:
        problem = str(error)
    reason = panel.empty_reason if panel else "an annotation marks what happened, and nothing may have"
    number = panel.id if panel else None
    return PanelResult(question.document.uid, title, number, question.chosen, expr, found, reason, problem)


def _range_of(document: Document) -> int:
    start = str((document.data.get("time") or {}).get("from") or "now-6h")
    return parse_duration(start.removeprefix("now-"))


def judge(answer: QueryResult, panel: PanelView, target: QueryTarget, strict: bool) -> str:
    """How an answer differs from what its panel expects; empty when it does not."""
    if not answer.filled:
        empty = "it returned nothing" if not answer.series else "it returned only NaN"
        return "" if panel.empty_reason is not None or not strict else f"{empty}, and the panel does not say why it may"
    if target.kind == "prometheus" and panel.type == "timeseries" and len(answer.series) > MOST_SERIES:
        return f"it returned {len(answer.series)} series; a graph with more than {MOST_SERIES} cannot be read"
    # `… or vector(0)` has no labels when there is nothing to count; what drops labels for good, the gate finds.
    labelled = [labels for labels, _ in answer.series if labels]
    for label in _LEGEND.findall(target.legend) if labelled else ():
        if not any(label in labels for labels in labelled):
            return f"no series has the label '{label}', which the legend shows"
    return "" if panel.type in ("logs", "table") else _outside(answer, panel)


def _outside(answer: QueryResult, panel: PanelView) -> str:
    low, high = panel.defaults.get("min"), panel.defaults.get("max")
    for _, values in answer.series:
        for value in values:
            if (low is not None and value < low - ROUNDING) or (high is not None and value > high + ROUNDING):
                return f"the value {value:g} is outside the panel's {low} to {high}"
    return ""
