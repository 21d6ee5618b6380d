"""What a service has to export for its alerts to fire: metrics, their labels, and buckets around each limit.

Owns the list, one need each, with the alerts that depend on it. Metrics and labels come from `requires` of the packs,
limits from the rules themselves: a quantile is compared with a number. How a lack is noticed is the business of the
pack `target`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import promql_parser as pp

from generator import units
from generator.packs.load import Pack
from generator.promql.tree import PromQLError, children, constant, parse, walk
from generator.site.model import Need, PackInstance

_WORD: Final = re.compile(r"[a-zA-Z_:][\w:]*")
# A matcher that leaves values out is content without the label, unless what it leaves out is to have none.
_LEAVES_OUT: Final = re.compile(r'\w+!(?:~"[^"]*"|="[^"]+")')
_BUCKET: Final = "_bucket"
# Of a bucket series the label that says where it ends; only ends that are finite count.
EDGE: Final = "le"


def needs_of(packs: Iterable[Pack], instances: Iterable[PackInstance]) -> tuple[Need, ...]:
    """Every need that an alert of `instances` depends on: metrics by name, then labels, then limits."""
    # What has no targets of its own is measured by something else: a probe, a textfile.
    declared = [pack for pack in packs if "targets" in pack.needs]
    read = _Reading(instances)
    metrics = sorted({metric for pack in declared for metric in pack.each_required})
    labels = {(metric, label) for pack in declared for metric, label in pack.required_labels}
    labels |= {(metric, EDGE) for metric in metrics if metric.endswith(_BUCKET)}
    found = [Need(metric, metric, alerts=read.of(metric)) for metric in metrics]
    found += [
        Need(f"{metric}{{{label}}}", metric, label, alerts=read.of(metric, label))
        for metric, label in sorted(labels)
        if metric in metrics
    ]
    found += [need for need in read.limits() if need.metric in metrics]
    return tuple(need for need in found if need.alerts)


class _Reading:
    """The alerts of some packs, and which words each of them reads, records included."""

    def __init__(self, instances: Iterable[PackInstance]) -> None:
        instances = tuple(instances)
        self.alerts = {alert.name: alert.expr for each in instances for alert in each.alerts}
        records = {record.name: record.expr for each in instances for record in each.records}
        self.words = {name: frozenset(_words(expr, records)) for name, expr in self.alerts.items()}

    def of(self, *words: str) -> tuple[str, ...]:
        """The alerts that read all of `words`; every rule about buckets reads their ends."""
        wanted = {word for word in words if word != EDGE}
        return tuple(sorted(name for name, found in self.words.items() if wanted <= found))

    def limits(self) -> Iterator[Need]:
        """The numbers that quantiles are compared with, a need for each side of each."""
        found: dict[tuple[str, float], set[str]] = {}
        for name, expr in self.alerts.items():
            for metric, limit in _limits(expr):
                found.setdefault((metric, limit), set()).add(name)
        for (metric, limit), names in sorted(found.items()):
            shown = units.format_value("duration", limit) if "_seconds" in metric else units.format_number(limit)
            for side in ("above", "below"):
                yield Need(f"{metric} {side} {shown}", metric, EDGE, side, limit, tuple(sorted(names)))


def _words(expr: str, records: Mapping[str, str]) -> set[str]:
    words, open_ones = set[str](), [expr]
    while open_ones:
        found = set(_WORD.findall(_LEAVES_OUT.sub("", open_ones.pop()))) - words
        words |= found
        open_ones += [records[word] for word in found & records.keys()]
    return words


def _limits(expr: str) -> Iterator[tuple[str, float]]:
    """Each histogram whose quantile is compared with a number, and that number."""
    try:
        tree = parse(expr)
    except PromQLError:  # promtool says so
        return
    for node in walk(tree):
        if isinstance(node, pp.BinaryExpr) and str(node.op) in (">", ">="):
            limit = constant(node.rhs)
            if limit is not None:
                yield from ((metric, limit) for metric in _quantiles(node.lhs))


def _quantiles(node: Any) -> Iterator[str]:
    """The histograms whose quantile a value is, and nothing computed from it."""
    match node:
        case pp.Call() if node.func.name == "histogram_quantile":
            selectors = [each for each in walk(node) if isinstance(each, pp.VectorSelector)]
            yield from {str(each.name) for each in selectors if str(each.name).endswith(_BUCKET)}
        case pp.BinaryExpr() if str(node.op) in ("and", "unless"):
            yield from _quantiles(node.lhs)
        case pp.BinaryExpr() if str(node.op) != "or":
            return
        case _:
            for child in children(node):
                yield from _quantiles(child)
