"""The ways in which an expression is made wrong in one place, each with a name that says what and where.

Owns the list of mistakes; generator.prove.mutation makes alerts and records of them. An operator gets an expression and
the positions of its parts, and yields the name of a mistake and the wrong expression.
"""

import re
from collections.abc import Callable, Iterator
from itertools import count
from typing import Final

from generator import units
from generator.conventions import SERIES_LABELS
from generator.promql.spans import LabelList, Span, Spans
from generator.promql.tokens import AGGREGATIONS, COMPARISONS
from generator.units import format_duration, parse_duration

Mistakes = Iterator[tuple[str, str]]
Operator = Callable[[str, Spans], Mistakes]

_FLIPPED: Final = {">": "<", "<": ">", ">=": "<=", "<=": ">=", "==": "!=", "!=": "=="}
_OTHER_EDGE: Final = {">": ">=", ">=": ">", "<": "<=", "<=": "<"}
_ARITHMETIC: Final = ("+", "-", "*", "/", "^", "%")
_OWN: Final = SERIES_LABELS[0]
# The label that a list of labels gets, as when one looks at one process in the place of all.
_ADDED: Final = "instance"
_HALF_AND_DOUBLE: Final = ((0.5, "halved"), (2.0, "doubled"))
# Functions whose first argument is a quantile.
_QUANTILES: Final = ("histogram_quantile", "quantile_over_time", "quantile")
# How a quantile is taken for another one.
_OTHER_QUANTILE: Final = {0.5: "0.95"}


def put(expr: str, span: Span, text: str) -> str:
    """`expr` with `text` in the place of a part."""
    return expr[: span[0]] + text + expr[span[1] :]


def _numbers(expr: str, spans: Spans) -> Mistakes:
    """Numbers beside an operator: thresholds, and factors of them. Quantiles and the like are arguments."""
    around = ("", *(token.text for token in spans.tokens), "")
    number = count(1)
    for at, token in enumerate(spans.tokens):
        if token.kind != "number" or not float(token.text):
            continue
        if not {around[at], around[at + 2]} & {*COMPARISONS, *_ARITHMETIC, "bool"}:
            continue
        which = next(number)
        for factor, how in _HALF_AND_DOUBLE:
            text = units.format_number(float(token.text) * factor)
            yield f"number {which} {how}", put(expr, (token.start, token.end), text)


def _comparisons(expr: str, spans: Spans) -> Mistakes:
    found = [binary for binary in spans.binaries if binary.op in _FLIPPED]
    for which, binary in enumerate(found, 1):
        yield f"comparison {which} flipped", put(expr, binary.at, _FLIPPED[binary.op])


def _edges(expr: str, spans: Spans) -> Mistakes:
    """`>` for `>=`: the limit itself is on the other side."""
    found = [binary for binary in spans.binaries if binary.op in _FLIPPED]
    for which, binary in enumerate(found, 1):
        if binary.op in _OTHER_EDGE:
            yield f"comparison {which} with the other edge", put(expr, binary.at, _OTHER_EDGE[binary.op])


def _matchers(expr: str, spans: Spans) -> Mistakes:
    """What narrows a selection; that of the service has numbers of its own."""
    others = (each for each in spans.matchers if each[0] != _OWN)
    for which, (label, span) in enumerate(others, 1):
        yield f"matcher {which} ({label}) dropped", put(expr, span, "")


def _services(expr: str, spans: Spans) -> Mistakes:
    """A service's alert that looks at the series of every service."""
    own = (each for each in spans.matchers if each[0] == _OWN)
    for which, (_, span) in enumerate(own, 1):
        yield f"service {which} dropped", put(expr, span, "")


def _alternatives(expr: str, spans: Spans) -> Mistakes:
    """A pattern without one of its alternatives; of one in brackets, without one of those."""
    which = count(1)
    for value in spans.values:
        if value.op not in ("=~", "!~"):
            continue
        for kept, left_out in _without_one(value.text[1:-1]):
            quoted = value.text[0] + kept + value.text[-1]
            yield f"alternative {next(which)} ({value.label}: {left_out}) dropped", put(expr, value.at, quoted)


def _without_one(pattern: str) -> Iterator[tuple[str, str]]:
    parts, begin = split_alternatives(pattern), 0
    if len(parts) > 1:
        for at, part in enumerate(parts):
            yield "|".join(parts[:at] + parts[at + 1 :]), part
    for inner in re.finditer(r"\(([^()]*\|[^()]*)\)", pattern):
        begin, end = inner.span(1)
        inside = inner[1].split("|")
        for at, part in enumerate(inside):
            yield pattern[:begin] + "|".join(inside[:at] + inside[at + 1 :]) + pattern[end:], part


def split_alternatives(pattern: str) -> list[str]:
    """The alternatives of a pattern that are in no brackets."""
    parts, depth = [""], 0
    for character in pattern:
        depth += (character in "([") - (character in ")]")
        if character == "|" and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _operands(expr: str, spans: Spans) -> Mistakes:
    numbers = {op: count(1) for op in ("and", "or", "unless", "/")}
    for binary in spans.binaries:
        if binary.op not in numbers:
            continue
        which, left, right = next(numbers[binary.op]), expr[slice(*binary.left)], expr[slice(*binary.right)]
        if binary.op == "/":
            middle = expr[binary.left[1] : binary.right[0]]
            yield f"ratio {which} swapped", put(expr, binary.whole, f"{right}{middle}{left}")
            continue
        yield f"{binary.op} {which} without its right side", put(expr, binary.whole, left)
        if binary.op != "unless":
            yield f"{binary.op} {which} without its left side", put(expr, binary.whole, right)


def _offsets(expr: str, spans: Spans) -> Mistakes:
    for which, span in enumerate(spans.offsets, 1):
        yield f"offset {which} dropped", put(expr, span, "")


def _ranges(expr: str, spans: Spans) -> Mistakes:
    for which, span in enumerate(spans.ranges, 1):
        for factor, how in _HALF_AND_DOUBLE:
            seconds = int(parse_duration(expr[slice(*span)]) * factor)
            yield f"range {which} {how}", put(expr, span, format_duration(seconds))


def _aggregates(expr: str, spans: Spans) -> Mistakes:
    for which, found in enumerate(spans.aggregates, 1):
        for other in AGGREGATIONS:
            if other != found.op:
                yield f"aggregation {which} ({found.op}) is {other}", put(expr, found.at, other)


def _groupings(expr: str, spans: Spans) -> Mistakes:
    for which, found in enumerate(spans.aggregates, 1):
        if found.labels is None:
            yield f"grouping {which} by {_ADDED}", put(expr, (found.at[1], found.at[1]), f" by ({_ADDED}) ")
        else:
            for what, text in _lists(found.labels):
                yield f"grouping {which} {what}", put(expr, found.labels.at, text)


def _matchings(expr: str, spans: Spans) -> Mistakes:
    """`on` and its kin with a label less; with one more it would be an error or the same."""
    for which, found in enumerate(spans.matchings, 1):
        for what, text in _lists(found):
            if "without" in what:
                yield f"{found.word} {which} {what}", put(expr, found.at, text)


def _lists(found: LabelList) -> Iterator[tuple[str, str]]:
    for at, name in enumerate(found.names):
        yield f"without {name}", f"({', '.join(found.names[:at] + found.names[at + 1 :])})"
    if _ADDED not in found.names:
        yield f"with {_ADDED}", f"({', '.join((*found.names, _ADDED))})"


def _quantiles(expr: str, spans: Spans) -> Mistakes:
    which = count(1)
    for at, token in enumerate(spans.tokens[2:], 2):
        if token.kind != "number" or spans.tokens[at - 2].text not in _QUANTILES or spans.tokens[at - 1].text != "(":
            continue
        other = _OTHER_QUANTILE.get(float(token.text), "0.5")
        yield f"quantile {next(which)} is {other}", put(expr, (token.start, token.end), other)


# What each kind of mistake is called in tables, and what makes it.
OPERATORS: Final[tuple[tuple[str, Operator], ...]] = (
    ("number", _numbers),
    ("comparison flipped", _comparisons),
    ("edge", _edges),
    ("matcher", _matchers),
    ("service", _services),
    ("alternative", _alternatives),
    ("operand", _operands),
    ("offset", _offsets),
    ("range", _ranges),
    ("aggregation", _aggregates),
    ("grouping", _groupings),
    ("matching", _matchings),
    ("quantile", _quantiles),
)
