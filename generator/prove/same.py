"""Mutants that mean the same as their rule for a reason that can be read from both expressions: nothing to be noticed.

Owns those reasons. Each is read from the syntax trees around the place where they differ; what takes knowledge of the
metrics is said in a pack's tests.yaml under `equivalent`.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Any, Final

import promql_parser as pp

from generator.promql.matchers import takes
from generator.promql.tree import children, constant, parse, result_labels, walk

# What is measured at a point of a line, so that it is never exactly at a limit.
_CONTINUOUS: Final = frozenset({
    "rate", "irate", "increase", "delta", "deriv", "predict_linear", "histogram_quantile", "avg_over_time",
    "quantile_over_time", "stddev_over_time", "time", "timestamp",
})  # fmt: skip
_COMPARED: Final = (">", ">=", "<", "<=", "==", "!=")
_ORDERED: Final = (">", ">=", "<", "<=")
# Metrics that are 0 or 1.
_SWITCHES: Final = frozenset({"up", "probe_success", "app_dependency_up"})
# Aggregations of what is never below 0 that are 0 together.
_ZERO_TOGETHER: Final = frozenset({"sum", "max", "avg"})

Step = tuple[Any, Any]
"""A node of the rule, and the one in the same place of the mutant."""


def same_by_reading(rule: str, wrong: str) -> str:
    """Why `wrong` means the same as the expression `rule`; empty where reading does not show it."""
    path = _path(parse(rule), parse(wrong))
    return next((found for reason in _REASONS if (found := reason(path))), "")


def _path(right: Any, wrong: Any) -> list[Step]:
    """The nodes from the root to the one in which both trees differ."""
    path = [(right, wrong)]
    while True:
        right, wrong = path[-1]
        pairs = list(zip(children(right), children(wrong), strict=False))
        if type(right) is not type(wrong) or len(children(right)) != len(children(wrong)):
            return path
        differing = [pair for pair in pairs if _said(pair[0]) != _said(pair[1])]
        if len(differing) != 1 or _own(right) != _own(wrong):
            return path
        path.append(differing[0])


def _said(node: Any) -> str:
    return str(node.prettify())


def _own(node: Any) -> tuple[object, ...]:
    """What a node says but for its children."""
    match node:
        case pp.BinaryExpr():
            return ("binary", str(node.op), _modifier(node))
        case pp.AggregateExpr():
            modifier = node.modifier
            grouping = () if modifier is None else (str(modifier.type), tuple(modifier.labels))
            return ("aggregate", str(node.op), grouping)
        case pp.Call():
            return ("call", node.func.name)
        case pp.MatrixSelector():
            return ("range", node.range)
        case pp.SubqueryExpr():
            return ("subquery", node.range, node.step, str(node.offset))
    return (type(node).__name__,)


def _modifier(node: Any) -> tuple[object, ...]:
    modifier = node.modifier
    if modifier is None:
        return ()
    matching = modifier.matching
    labels = () if matching is None else (str(matching.type), tuple(matching.labels))
    return (str(modifier.card), labels, bool(modifier.return_bool))


def _continuous(path: Sequence[Step]) -> str:
    """`>` for `>=` where a rate, a share or a time is compared with a number other than 0."""
    right, wrong = path[-1]
    if not _is(right, _ORDERED) or not _is(wrong, _ORDERED) or str(right.op)[0] != str(wrong.op)[0]:
        return ""
    sides = (right.lhs, right.rhs)
    numbers = [number for side in sides if (number := constant(side)) is not None]
    if 0 in numbers or not any(_measures(side) for side in sides):
        return ""
    return "what is measured over time is never exactly at the limit"


def _measures(node: Any) -> bool:
    match node:
        case pp.Call():
            return node.func.name in _CONTINUOUS or any(map(_measures, node.args))
        case pp.BinaryExpr():
            if str(node.op) == "/" and constant(node.rhs) is None:
                return True
            if str(node.op) in ("and", "unless", *_COMPARED):
                return _measures(node.lhs)
            return _measures(node.lhs) or _measures(node.rhs)
    return any(map(_measures, children(node)))


def _unseen_value(path: Sequence[Step]) -> str:
    """Another aggregation, or one by other labels, where it is only asked whether there is anything."""
    right, wrong = path[-1]
    if not isinstance(right, pp.AggregateExpr) or not isinstance(wrong, pp.AggregateExpr):
        return ""
    if _said(right.expr) != _said(wrong.expr):
        return ""
    regrouped = str(right.op) == str(wrong.op)
    for at in range(len(path) - 2, -1, -1):
        above, below = path[at][0], path[at + 1][0]
        if isinstance(above, pp.ParenExpr | pp.AggregateExpr):
            continue
        if _is(above, (">",)) and constant(above.rhs) == 0 and regrouped and str(right.op) in ("sum", "max"):
            continue  # a sum is above 0 where a part of it is
        if not _is(above, ("and", "unless")):
            return ""
        if _said(above.rhs) == _said(below) and (not regrouped or _joins_no_more(above, wrong)):
            return "on that side only the labels count, not the value"
        if _said(above.lhs) != _said(below):
            return ""
    return ""


def _joins_no_more(node: Any, wrong: Any) -> bool:
    """Whether both sides are joined by labels that the wrong aggregation has, too."""
    matching = node.modifier.matching if node.modifier else None
    if matching is None or matching.type != pp.LabelModifierType.Include:
        return False
    kept = result_labels(wrong)
    return all(label in kept for label in matching.labels)


def _zero(path: Sequence[Step]) -> str:
    """Another aggregation of what is never below 0, which is compared with 0 where the value is not seen."""
    right, wrong = path[-1]
    if not _other_aggregation(right, wrong) or not {str(right.op), str(wrong.op)} <= _ZERO_TOGETHER:
        return ""
    above: Any = next((node for node, _ in reversed(path[:-1]) if not _is_only_filled(node)), None)
    if not _is(above, ("==", ">")) or constant(above.rhs) != 0 or not _never_negative(right.expr):
        return ""
    seen = str(above.op) == ">" and not _on_a_right_side(path)
    return "" if seen else "of what is never below 0, sum, greatest and average are 0 together"


def _is_only_filled(node: Any) -> bool:
    """Brackets, and a 0 where there is nothing: `(a or vector(0))`."""
    if isinstance(node, pp.ParenExpr):
        return True
    return _is(node, ("or",)) and _said(node.rhs) == "vector(0)"


def _times_nothing(path: Sequence[Step]) -> str:
    """Another aggregation of what is multiplied by 0."""
    right, wrong = path[-1]
    if not _other_aggregation(right, wrong):
        return ""
    above: Any = next((node for node, _ in reversed(path[:-1]) if not isinstance(node, pp.ParenExpr)), None)
    nothing = _is(above, ("*",)) and 0 in (constant(above.lhs), constant(above.rhs))
    return "whatever is multiplied by 0 is 0" if nothing else ""


def _never_negative(node: Any) -> bool:
    """What counts or is 0 or 1, as far as a name says; not the difference of two."""
    return not any(isinstance(each, pp.BinaryExpr | pp.UnaryExpr) for each in walk(node))


def _on_a_right_side(path: Sequence[Step]) -> bool:
    nodes = [node for node, _ in path]
    return any(
        _is(above, ("and", "unless")) and _said(above.rhs) == _said(below) for above, below in itertools.pairwise(nodes)
    )


def _scaled(path: Sequence[Step]) -> str:
    """The average in place of the sum of a histogram's buckets: a quantile is that of the n-th part, too."""
    right, wrong = path[-1]
    if not _other_aggregation(right, wrong) or {str(right.op), str(wrong.op)} != {"sum", "avg"}:
        return ""
    above: Any = next((node for node, _ in reversed(path[:-1]) if not isinstance(node, pp.ParenExpr)), None)
    is_quantile = isinstance(above, pp.Call) and above.func.name == "histogram_quantile"
    return "a quantile of all buckets divided by one number is the same" if is_quantile else ""


def _one_series(path: Sequence[Step]) -> str:
    """Another aggregation of what is one series: an aggregation without labels, or by no label more."""
    right, wrong = path[-1]
    if not _other_aggregation(right, wrong) or "count" in (str(right.op), str(wrong.op)):
        return ""
    inner, outer = result_labels(right.expr), result_labels(right)
    one = not inner.inverted and inner.names <= (outer.names if not outer.inverted else inner.names)
    return "it is one series already" if one else ""


def _regrouped(path: Sequence[Step]) -> str:
    """Other labels in `by` that make no other series: none has them, or the parts of a sum are summed up again."""
    right, wrong = path[-1]
    if not all(isinstance(each, pp.AggregateExpr) for each in path[-1]) or str(right.op) != str(wrong.op):
        return ""
    if result_labels(right) == result_labels(wrong):
        return "no series has the label"
    above = next((node for node, _ in reversed(path[:-1]) if not isinstance(node, pp.ParenExpr)), None)
    again = isinstance(above, pp.AggregateExpr) and str(above.op) == str(right.op)
    if not again or str(right.op) not in ("sum", "max", "min"):
        return ""
    kept = [result_labels(above), result_labels(wrong)]
    whole = not kept[0].inverted and all(name in kept[1] for name in kept[0].names)
    return "the parts are put together again" if whole else ""


def _any_young(path: Sequence[Step]) -> str:
    """The latest of each in place of the latest of all, where it is asked whether it is younger than something."""
    right, wrong = path[-1]
    if not all(isinstance(each, pp.AggregateExpr) and str(each.op) == "max" for each in path[-1]):
        return ""
    above = [node for node, _ in reversed(path[:-1]) if not isinstance(node, pp.ParenExpr)]
    if len(above) < 3 or not _is(above[0], ("-",)) or not _is(above[1], ("<",)) or not _is(above[2], ("unless", "and")):
        return ""
    anyone = _said(above[2].rhs) == _said(above[1]) and _joins_by_nothing(above[2])
    same = _said(right.expr) == _said(wrong.expr) and constant(above[1].rhs) is not None
    return "the latest of all is young when that of any is" if anyone and same else ""


def _any_up(path: Sequence[Step]) -> str:
    """The greatest by other labels, where it is asked whether any of what is 0 or 1 is 1."""
    right, wrong = path[-1]
    if not all(isinstance(each, pp.AggregateExpr) and str(each.op) == "max" for each in path[-1]):
        return ""
    above = [node for node, _ in reversed(path[:-1]) if not isinstance(node, pp.ParenExpr)]
    if len(above) < 2 or not _is(above[0], ("==",)) or not _is(above[1], ("unless", "and")):
        return ""
    asked = _said(_bare(above[1].rhs)) == _said(above[0]) and _joins_by_nothing(above[1])
    switch = isinstance(right.expr, pp.VectorSelector) and right.expr.name in _SWITCHES
    if asked and switch and constant(above[0].rhs) == 1 and _said(right.expr) == _said(wrong.expr):
        return "of what is 0 or 1, the greatest of all is 1 when that of any is"
    return ""


def _one_value(path: Sequence[Step]) -> str:
    """Joined by a label less, of which both sides have one value only."""
    right, wrong = path[-1]
    if not isinstance(right, pp.BinaryExpr) or not isinstance(wrong, pp.BinaryExpr):
        return ""
    if str(right.op) != str(wrong.op):
        return ""
    dropped = _joining(right) - _joining(wrong)
    if len(dropped) != 1 or (_said(right.lhs), _said(right.rhs)) != (_said(wrong.lhs), _said(wrong.rhs)):
        return ""
    (label,) = dropped
    values = {each for node in _selectors(right) for each in _matchers(node) if each[0] == label}
    fixed = len(values) == 1 and next(iter(values))[1] == str(pp.MatchOp.Equal)
    if fixed and _fixes(right.lhs, values) and _fixes(right.rhs, values):
        return "both sides have one value of the label"
    return ""


def _joining(node: Any) -> set[str]:
    """The labels that `on` names."""
    matching = node.modifier.matching if node.modifier else None
    if matching is None or matching.type != pp.LabelModifierType.Include:
        return set()
    return set(matching.labels)


def _joins_by_nothing(node: Any) -> bool:
    matching = node.modifier.matching if node.modifier else None
    return matching is not None and matching.type == pp.LabelModifierType.Include and not matching.labels


def _nothing_divided(path: Sequence[Step]) -> str:
    """`a / (b >= 0)` for `a / (b > 0)` where a is a part of b: 0 / 0 is no number, and no comparison takes that."""
    right, wrong = path[-1]
    if not _is(right, (">",)) or not _is(wrong, (">=",)) or constant(right.rhs) != 0:
        return ""
    above: Any = next((node for node, _ in reversed(path[:-1]) if not isinstance(node, pp.ParenExpr)), None)
    if not _is(above, ("/",)) or _said(_bare(above.rhs)) != _said(right):
        return ""
    part = _selectors(above.lhs)
    whole = _selectors(right.lhs)
    is_part = part and all(any(_is_part(each, other) for other in whole) for each in part)
    compared = any(_is(node, _COMPARED) for node, _ in path[: _index(path, above)])
    return "0 divided by 0 is no number, and no comparison takes it" if is_part and compared else ""


def _is_part(part: Any, whole: Any) -> bool:
    """Whether one selector takes nothing that the other does not."""
    values = {each.name: each.value for each in part.matchers.matchers if each.op == pp.MatchOp.Equal}
    same = _matchers(part)
    return bool(part.name == whole.name) and all(
        (each.name, str(each.op), each.value) in same or (each.name in values and takes(each, values[each.name]))
        for each in whole.matchers.matchers
    )


def _index(path: Sequence[Step], node: Any) -> int:
    return next(at for at, (each, _) in enumerate(path) if each is node)


def _bare(node: Any) -> Any:
    while isinstance(node, pp.ParenExpr):
        node = node.expr
    return node


def _selectors(node: Any) -> list[Any]:
    return [each for each in walk(node) if isinstance(each, pp.VectorSelector)]


def _joined(path: Sequence[Step]) -> str:
    """A matcher less where the other side has it and both are joined by its label."""
    right, wrong = path[-1]
    if not isinstance(right, pp.VectorSelector) or not isinstance(wrong, pp.VectorSelector):
        return ""
    dropped, added = _matchers(right) - _matchers(wrong), _matchers(wrong) - _matchers(right)
    if len(dropped) != 1 or right.name != wrong.name:
        return ""
    ((label, op, _),) = dropped
    # A pattern that leaves out less takes more; one that takes less is another matter.
    if added and (op != str(pp.MatchOp.NotRe) or not all(each[:2] == (label, op) for each in added)):
        return ""
    for (above, _), (below, _) in zip(reversed(path[:-1]), reversed(path[1:]), strict=False):
        if label not in result_labels(above if not isinstance(above, pp.BinaryExpr) else below):
            return ""
        if isinstance(above, pp.Call) and above.func.name in ("absent", "absent_over_time", "label_replace"):
            return ""
        if isinstance(above, pp.BinaryExpr):
            on_left = _said(above.lhs) == _said(below)
            other = above.rhs if on_left else above.lhs
            if str(above.op) == "or" or (str(above.op) == "unless" and on_left):
                return ""
            if _joins_by(above, label) and _fixes(other, dropped):
                return "both sides are joined by the label, and the other side has the matcher"
            if str(above.op) in ("and", "unless") and not on_left:
                return ""
    return ""


def _joins_by(node: Any, label: str) -> bool:
    matching = node.modifier.matching if node.modifier else None
    if matching is None:
        return True
    return bool((label in matching.labels) == (matching.type == pp.LabelModifierType.Include))


def _fixes(node: Any, dropped: set[tuple[str, str, str]]) -> bool:
    """Whether all that a node can give has the matcher, in a label that is kept."""
    ((label, _, _),) = dropped
    if constant(node) is not None:
        return False
    match node:
        case pp.VectorSelector():
            return dropped <= _matchers(node)
        case pp.BinaryExpr() if str(node.op) == "or":
            return _fixes(node.lhs, dropped) and _fixes(node.rhs, dropped)
        case pp.BinaryExpr():
            either = _fixes(node.lhs, dropped) or (
                str(node.op) != "unless" and _joins_by(node, label) and _fixes(node.rhs, dropped)
            )
            return either and label in result_labels(node)
        case pp.Call() if node.func.name in ("absent", "absent_over_time", "label_replace", "vector"):
            return False
    below = [child for child in children(node) if constant(child) is None and not isinstance(child, pp.StringLiteral)]
    return len(below) == 1 and label in result_labels(node) and _fixes(below[0], dropped)


def _matchers(node: Any) -> set[tuple[str, str, str]]:
    return {(each.name, str(each.op), each.value) for each in node.matchers.matchers}


def _other_aggregation(right: Any, wrong: Any) -> bool:
    return (
        isinstance(right, pp.AggregateExpr)
        and isinstance(wrong, pp.AggregateExpr)
        and str(right.op) != str(wrong.op)
        and _said(right.expr) == _said(wrong.expr)
    )


def _is(node: Any, ops: Sequence[str]) -> bool:
    return isinstance(node, pp.BinaryExpr) and str(node.op) in ops


_REASONS: Final[tuple[Callable[[Sequence[Step]], str], ...]] = (
    _continuous,
    _unseen_value,
    _zero,
    _times_nothing,
    _scaled,
    _one_series,
    _joined,
    _regrouped,
    _any_young,
    _any_up,
    _one_value,
    _nothing_divided,
)
