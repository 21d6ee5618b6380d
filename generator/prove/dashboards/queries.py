"""Rules about what panels ask: that it parses, fits its unit and its legend, and means what it seems to mean."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

import promql_parser as pp

from generator.conventions import COUNT_WINDOW, LONG_WINDOW, OPEN_QUERIES
from generator.promql.tree import PromQLError, children, parse, result_labels, vector_argument, walk
from generator.prove.dashboards.document import Bundle, Document, PanelView, QueryTarget
from generator.prove.dashboards.interpolate import LeftOver, Scale, interpolate, scale
from generator.prove.dashboards.rule import Finding
from generator.prove.dashboards.variables import assignments, offline

# A quarter of an hour, a working day's morning, a month.
ZOOMS: Final = (15 * 60, 6 * 3600, 30 * 86400)
# A fixed window misses what happens between two points of a graph; `increase` counts what happened within a window,
# which may be the one that an alert looks at.
_RATES: Final = frozenset({"rate", "irate", "increase", "delta", "idelta", "deriv"})
_COUNTER_READERS: Final = _RATES | {"resets", "changes", "absent", "absent_over_time", "timestamp", "present_over_time"}
_READ_BUCKETS: Final = frozenset({"histogram_quantile", "histogram_quantiles", "histogram_fraction"})
_LEGEND: Final = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")
_FIXED_RANGE: Final = re.compile(r"\[(\d+[smhdw](?:\d+[smhdw])*)\]")
_LITERAL_REGEX: Final = re.compile(r'(\w+)\s*(?:=~|!~)\s*"([^"$.*+?()|\[\]{}\\^]*)"')
_STREAM: Final = re.compile(r'\{[^}]*\w\s*(?:=\s*"[^"]+"|=~\s*"(?:\$\w+|[^"]*[^"*?])")[^}]*\}')
# Windows that stand for Grafana's, so that they can be distinguished from fixed ones after parsing.
_PROBE: Final = Scale(range_ms=7_907_000, interval_ms=7_901_000, rate_ms=7_919_000)


def variables(bundle: Bundle) -> Iterator[Finding]:
    """Every variable that is used is declared, and every one that is declared is used."""
    for document in bundle.documents:
        declared = {str(variable.get("name")) for variable in document.variables}
        for panel, target in _targets(document):
            yield from _undeclared(document, panel, target.expr)
        for annotation in document.annotations:
            yield from _undeclared(document, None, str(annotation.get("expr") or ""))
        body = document.text
        for name in sorted(declared):
            if not re.search(rf"\$\{{?{re.escape(name)}\b|\[\[{re.escape(name)}\b", body):
                yield Finding(document.path, f"the variable '{name}' is used nowhere")


def _undeclared(document: Document, panel: PanelView | None, expr: str) -> Iterator[Finding]:
    try:
        interpolate(expr, _opening(document), scale(ZOOMS[0]))
    except LeftOver as error:
        title = f"'{panel.title}': " if panel else "an annotation: "
        yield Finding(document.path, f"{title}{error}", panel.id if panel else None)


def promql(bundle: Bundle) -> Iterator[Finding]:
    """Every PromQL query parses, at any zoom and with any choice of variables."""
    for document in bundle.documents:
        for panel, text in [*_prometheus(document), *_annotations(document)]:
            for expr in _filled(document, text):
                try:
                    _parsed(expr)
                except PromQLError as error:
                    title = panel.title if panel else "annotation"
                    yield Finding(document.path, f"'{title}': {error} in {expr}", panel.id if panel else None)
                    break


def logql(bundle: Bundle) -> Iterator[Finding]:
    """Every LogQL query names a stream, counts over $__auto, and reads metadata instead of parsing lines again."""
    for document in bundle.documents:
        for panel, target in _targets(document):
            if target.kind != "loki":
                continue
            if not _STREAM.search(target.expr):
                yield Finding(document.path, f"'{panel.title}' names no stream: {target.expr}", panel.id)
            if re.search(r"\|\s*(json|logfmt|regexp|unpack)\b", target.expr):
                yield Finding(document.path, f"'{panel.title}' parses each line; level and ids are metadata", panel.id)
            if not target.instant and _FIXED_RANGE.search(target.expr):
                yield Finding(document.path, f"'{panel.title}' counts over a fixed window, not [$__auto]", panel.id)


def rate_interval(bundle: Bundle) -> Iterator[Finding]:
    """A rate in a graph is taken over $__rate_interval; a count or a long view may have a window of its own."""
    for document, panel, target, tree in _trees(bundle):
        for node in walk(tree) if not target.instant else ():
            if isinstance(node, pp.Call) and node.func.name in _RATES and isinstance(node.args[0], pp.MatrixSelector):
                window = node.args[0].range.total_seconds()
                least = COUNT_WINDOW if node.func.name == "increase" else LONG_WINDOW
                if window * 1000 not in (_PROBE.rate_ms, _PROBE.range_ms) and window < least:
                    what = f"'{panel.title}' takes {node.func.name} over {window:g}s, not over $__rate_interval"
                    yield Finding(document.path, what, panel.id)


def legend_labels(bundle: Bundle) -> Iterator[Finding]:
    """A legend only names labels that the query's aggregations leave."""
    for document, panel, target, tree in _trees(bundle):
        kept = result_labels(tree)
        for label in _LEGEND.findall(target.legend):
            if label not in kept:
                yield Finding(
                    document.path, f"'{panel.title}': the query drops '{label}', which the legend shows", panel.id
                )


def bucket_bounds(bundle: Bundle) -> Iterator[Finding]:
    """What a histogram's quantile is taken of still has its bucket bounds, the label `le`."""
    for document, panel, _, tree in _trees(bundle):
        for node in walk(tree):
            if isinstance(node, pp.Call) and node.func.name in _READ_BUCKETS:
                inner = vector_argument(node)
                classic = any(str(s.name).endswith("_bucket") for s in walk(inner) if isinstance(s, pp.VectorSelector))
                if classic and "le" not in result_labels(inner):
                    yield Finding(document.path, f"'{panel.title}': {node.func.name} is given no 'le'", panel.id)


def counters(bundle: Bundle) -> Iterator[Finding]:
    """A counter is read through rate, increase or the like, never as it is."""
    for document, panel, _, tree in _trees(bundle):
        for name in _bare_counters(tree, False):
            yield Finding(document.path, f"'{panel.title}' shows the counter {name} as it is; it only grows", panel.id)


def _bare_counters(node: Any, read: bool) -> Iterator[str]:
    if isinstance(node, pp.VectorSelector):
        if not read and str(node.name or "").endswith("_total"):
            yield str(node.name)
        return
    read = read or (isinstance(node, pp.Call) and node.func.name in _COUNTER_READERS)
    for child in children(node):
        yield from _bare_counters(child, read)


def service_matcher(bundle: Bundle) -> Iterator[Finding]:
    """On a service's dashboard every selector says which service (on the hosts': or which host or job)."""
    for document, panel, _, tree in _trees(bundle):
        if not {"service", "hosts"} & set(document.tags):
            continue
        known = {"service", "host", "job"} if "hosts" in document.tags else {"service"}
        for node in walk(tree):
            if isinstance(node, pp.VectorSelector) and not known & {m.name for m in node.matchers.matchers}:
                yield Finding(document.path, f"'{panel.title}': {node.name or 'a selector'} names no service", panel.id)


def literal_regex(bundle: Bundle) -> Iterator[Finding]:
    """No regular expression stands where a plain value would do."""
    for document in bundle.documents:
        for panel, target in _targets(document):
            for label, value in _LITERAL_REGEX.findall(target.expr):
                yield Finding(document.path, f"'{panel.title}': {label} is matched as a pattern: '{value}'", panel.id)


def weight(bundle: Bundle) -> Iterator[Finding]:
    """Opening a dashboard runs at most 60 queries; collapsed rows run none."""
    for document in bundle.documents:
        count = sum(len(panel.targets) for panel in document.panels if not panel.collapsed)
        if count > OPEN_QUERIES:
            yield Finding(document.path, f"it asks {count} queries when opened; collapse rows")


def has_queries(bundle: Bundle) -> Iterator[Finding]:
    """Every panel but a text asks something."""
    for document in bundle.documents:
        for panel in document.panels:
            if panel.type != "text" and not any(target.expr for target in panel.targets):
                yield Finding(document.path, f"'{panel.title}' asks nothing", panel.id)


def _targets(document: Document) -> Iterator[tuple[PanelView, QueryTarget]]:
    for panel in document.panels:
        for target in panel.targets:
            yield panel, target


def _prometheus(document: Document) -> Iterator[tuple[PanelView | None, str]]:
    for panel, target in _targets(document):
        if target.kind == "prometheus":
            yield panel, target.expr


def _annotations(document: Document) -> Iterator[tuple[PanelView | None, str]]:
    for annotation in document.annotations:
        if (annotation.get("datasource") or {}).get("type") == "prometheus":
            yield None, str(annotation.get("expr") or "")


def _opening(document: Document) -> Mapping[str, Any]:
    return next(assignments(document, offline))[1]


def _filled(document: Document, text: str) -> Iterator[str]:
    """The query at each zoom and with each choice of variables; nothing when a variable is unknown."""
    seen: set[str] = set()
    for _, values, _ in assignments(document, offline):
        for zoom in ZOOMS:
            try:
                expr = interpolate(text, values, scale(zoom))
            except LeftOver:
                return
            if expr not in seen:
                seen.add(expr)
                yield expr


def _trees(bundle: Bundle) -> Iterator[tuple[Document, PanelView, QueryTarget, Any]]:
    """Every PromQL query that parses, with windows by which Grafana's own can be recognised."""
    for document in bundle.documents:
        values = _opening(document)
        for panel, target in _targets(document):
            if target.kind == "prometheus":
                try:
                    yield document, panel, target, _parsed(interpolate(target.expr, values, _PROBE))
                except (LeftOver, PromQLError):
                    continue


@lru_cache(maxsize=4096)
def _parsed(expr: str) -> Any:
    return parse(expr)
