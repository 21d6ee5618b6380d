"""Reading PromQL: which constants an expression is compared with, and which labels its result can carry.

Owns questions about the syntax tree; it evaluates nothing and knows nothing of alerts or panels.
"""

import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import promql_parser as pp

from generator.promql.tokens import MIRRORED

_KEEP_ALL: Final = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})
# What a function takes from its vector's labels, and which argument names a label that it adds. Others keep all.
_TAKES: Final = {
    name: frozenset({"le"}) for name in ("histogram_quantile", "histogram_quantiles", "histogram_fraction")
}
_ADDS: Final = {"label_replace": 1, "label_join": 1, "histogram_quantiles": 1}
_ARITHMETIC: Final[dict[str, Callable[[float, float], float]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda left, right: left / right if right else float("nan"),
}


class PromQLError(ValueError):
    """An expression that does not parse; the message says why."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """`something op value`, with the constant always on the right."""

    op: str
    value: float


@dataclass(frozen=True, slots=True)
class Labels:
    """A set of label names: exactly `names`, or (`inverted`) every label except `names`."""

    names: frozenset[str] = frozenset()
    inverted: bool = False

    def __contains__(self, label: str) -> bool:
        return (label in self.names) != self.inverted

    def only(self, names: frozenset[str]) -> "Labels":
        """Those of `names` that are in this set."""
        return Labels(frozenset(name for name in names if name in self))

    def without(self, names: frozenset[str]) -> "Labels":
        """This set less `names`."""
        return Labels(self.names | names if self.inverted else self.names - names, self.inverted)

    def plus(self, names: frozenset[str]) -> "Labels":
        """This set and `names`."""
        return Labels(self.names - names if self.inverted else self.names | names, self.inverted)

    def union(self, other: "Labels") -> "Labels":
        """What is in either set."""
        if not other.inverted:
            return self.plus(other.names)
        if not self.inverted:
            return other.plus(self.names)
        return Labels(self.names & other.names, True)


ANY_LABEL: Final = Labels(inverted=True)
NO_LABEL: Final = Labels()


def parse(expr: str) -> Any:
    """The syntax tree of an expression. Raises PromQLError."""
    try:
        return pp.parse(expr)
    except ValueError as error:
        raise PromQLError(str(error)) from error


def walk(node: Any) -> Iterator[Any]:
    """Every node of a tree, outermost first."""
    yield node
    for child in children(node):
        yield from walk(child)


def children(node: Any) -> tuple[Any, ...]:
    """The nodes directly below a node."""
    match node:
        case pp.BinaryExpr():
            return (node.lhs, node.rhs)
        case pp.AggregateExpr():
            return (node.expr,) if node.param is None else (node.param, node.expr)
        case pp.Call():
            return tuple(node.args)
        case pp.ParenExpr() | pp.UnaryExpr() | pp.SubqueryExpr():
            return (node.expr,)
        case pp.MatrixSelector():
            return (node.vector_selector,)
    return ()


# A string, and what stands before one that is a matcher's value.
_STRING: Final = re.compile(r"""([=~]\s*)?(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)""", re.DOTALL)


def outline(expr: str) -> str:
    """An expression of which the values of matchers are left out, which most questions are not about: rules of a
    thousand services have one outline, and parsing takes longer than all else that is done with most of them."""
    shape = _STRING.sub(lambda found: f'{found[1]}"_"' if found[1] else found[0], expr)
    return shape if "#" not in expr and _parses(shape) else expr


@cache
def _parses(expr: str) -> bool:
    try:
        parse(expr)
    except PromQLError:
        return False
    return True


def comparisons(expr: str) -> tuple[Comparison, ...]:
    """Every comparison with a constant in an expression; `14.4 * 0.001` counts as a constant. Raises PromQLError."""
    return _comparisons(outline(expr))


@cache
def _comparisons(expr: str) -> tuple[Comparison, ...]:
    found = []
    for node in walk(parse(expr)):
        if isinstance(node, pp.BinaryExpr) and str(node.op) in MIRRORED:
            op = str(node.op)
            if (value := constant(node.rhs)) is not None:
                found.append(Comparison(op, value))
            elif (value := constant(node.lhs)) is not None:
                found.append(Comparison(MIRRORED[op], value))
    return tuple(found)


def constant(node: Any) -> float | None:
    """The number that a parsed expression stands for, or None when it is no constant."""
    match node:
        case pp.NumberLiteral():
            return float(node.val)
        case pp.ParenExpr():
            return constant(node.expr)
        case pp.UnaryExpr():
            inner = constant(node.expr)
            return None if inner is None else -inner
        case pp.BinaryExpr() if str(node.op) in _ARITHMETIC:
            left, right = constant(node.lhs), constant(node.rhs)
            if left is not None and right is not None:
                return _ARITHMETIC[str(node.op)](left, right)
    return None


# They answer a total outage with their first sample: what stood last, the least, or whether anything stands at all.
_AT_ONCE: Final = frozenset({"last_over_time", "min_over_time", "present_over_time", "changes", "resets"})


def longest_wait(expr: str) -> int:
    """Seconds until an expression's longest range holds nothing from before an outage. What an `unless` takes away
    does not count, nor ranges of functions that answer with the first new sample. What is no PromQL waits for nothing:
    promtool refuses it."""
    try:
        return _longest(outline(expr))
    except PromQLError:
        return 0


@cache
def _longest(expr: str) -> int:
    return _wait(parse(expr))


def _wait(node: Any) -> int:
    match node:
        case pp.BinaryExpr() if str(node.op) == "unless":
            return _wait(node.lhs)
        case pp.Call() if node.func.name in _AT_ONCE:
            return 0
        case pp.MatrixSelector() | pp.SubqueryExpr():
            return int(node.range.total_seconds() if node.range else 0) + max(
                (_wait(child) for child in children(node)), default=0
            )
    return max((_wait(child) for child in children(node)), default=0)


def labels_of(expr: str) -> Labels:
    """The labels that the result of an expression can carry. Raises PromQLError."""
    return _labels(outline(expr))


@cache
def _labels(expr: str) -> Labels:
    return result_labels(parse(expr))


def result_labels(node: Any) -> Labels:
    """The labels that the result of a (parsed) expression can carry."""
    match node:
        case pp.AggregateExpr():
            return _aggregate_labels(node)
        case pp.BinaryExpr():
            return _binary_labels(node)
        case pp.Call():
            return _call_labels(node)
        case pp.ParenExpr() | pp.UnaryExpr() | pp.SubqueryExpr():
            return result_labels(node.expr)
        case pp.NumberLiteral() | pp.StringLiteral():
            return NO_LABEL
    return ANY_LABEL


def _aggregate_labels(node: Any) -> Labels:
    inner, op, modifier = result_labels(node.expr), str(node.op), node.modifier
    if op in _KEEP_ALL:
        return inner
    if modifier is None:
        kept = NO_LABEL
    elif modifier.type == pp.AggModifierType.By:
        kept = inner.only(frozenset(modifier.labels))
    else:
        kept = inner.without(frozenset(modifier.labels))
    return kept.plus(frozenset({node.param.val})) if op == "count_values" else kept


def vector_argument(call: Any) -> Any:
    """The argument that holds a function's series, by its signature: `x[5m]` of `quantile_over_time(0.5, x[5m])`."""
    types = zip(call.args, call.func.arg_types, strict=False)
    return next((argument for argument, kind in types if kind in (pp.ValueType.Vector, pp.ValueType.Matrix)), None)


def _call_labels(node: Any) -> Labels:
    name, vector = node.func.name, vector_argument(node)
    if vector is None or node.func.return_type == pp.ValueType.Scalar:
        return NO_LABEL
    if name in ("absent", "absent_over_time"):
        return _absent_labels(vector)
    if name == "info":
        return ANY_LABEL
    added = frozenset({node.args[_ADDS[name]].val}) if name in _ADDS else frozenset()
    return result_labels(vector).without(_TAKES.get(name, frozenset())).plus(added)


def _absent_labels(vector: Any) -> Labels:
    """Those that the selector itself fixes: of anything computed nothing is known."""
    selector = vector.vector_selector if isinstance(vector, pp.MatrixSelector) else vector
    if not isinstance(selector, pp.VectorSelector):
        return NO_LABEL
    matchers = selector.matchers.matchers
    fixed = {each.name for each in matchers if each.op == pp.MatchOp.Equal and each.name != "__name__"}
    return Labels(frozenset(fixed - {each.name for each in matchers if each.op != pp.MatchOp.Equal}))


def _binary_labels(node: Any) -> Labels:
    left, right, op, modifier = result_labels(node.lhs), result_labels(node.rhs), str(node.op), node.modifier
    if op == "or":
        return left.union(right)
    if op in ("and", "unless") or _is_scalar(node.rhs):
        return left
    if _is_scalar(node.lhs):
        return right
    if modifier is None:
        return left
    extra = frozenset(modifier.group_labels or ())
    if modifier.card == pp.VectorMatchCardinality.ManyToOne:
        return left.plus(extra)
    if modifier.card == pp.VectorMatchCardinality.OneToMany:
        return right.plus(extra)
    if modifier.matching is None:
        return left
    names = frozenset(modifier.matching.labels)
    return left.only(names) if modifier.matching.type == pp.LabelModifierType.Include else left.without(names)


def _is_scalar(node: Any) -> bool:
    match node:
        case pp.NumberLiteral():
            return True
        case pp.ParenExpr() | pp.UnaryExpr():
            return _is_scalar(node.expr)
        case pp.Call():
            return bool(node.func.return_type == pp.ValueType.Scalar)
        case pp.BinaryExpr():
            return _is_scalar(node.lhs) and _is_scalar(node.rhs)
    return False
