"""An alert made wrong in one way: what a proof has to notice.

Owns which mistakes are made and what they are called; generator.prove.mutants has the proofs judge them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from typing import Final

from generator import units
from generator.conventions import SERIES_LABELS
from generator.promql.spans import Spans, read_spans
from generator.promql.tokens import COMPARISONS
from generator.promql.tree import PromQLError, parse
from generator.site.model import Alert

_FLIPPED: Final = {">": "<", "<": ">", ">=": "<=", "<=": ">=", "==": "!=", "!=": "=="}
_ARITHMETIC: Final = ("+", "-", "*", "/", "^", "%")
_OWN: Final = SERIES_LABELS[0]


@dataclass(frozen=True, slots=True)
class Mutant:
    """An alert with one mistake, and the mistake's name: what, which one in the order of the text, how."""

    name: str
    alert: Alert


def mutants_of(alert: Alert) -> list[Mutant]:
    """Every mistake that this alert is tried with; those that would be no PromQL are left out."""
    made = [Mutant(name, replace(alert, expr=expr)) for name, expr in _expressions(alert.expr) if expr != alert.expr]
    if alert.for_seconds:
        made.append(Mutant("for dropped", replace(alert, for_seconds=0)))
    if alert.keep_firing_seconds:
        made.append(Mutant("keep_firing_for dropped", replace(alert, keep_firing_seconds=0)))
    return made


def _expressions(expr: str) -> Iterator[tuple[str, str]]:
    spans = read_spans(expr)
    for name, changed in (
        *_numbers(expr, spans),
        *_comparisons(expr, spans),
        *_matchers(expr, spans),
        *_operands(expr, spans),
        *_ranges(expr, spans),
    ):
        if _is_promql(changed):
            yield name, changed


def _is_promql(expr: str) -> bool:
    try:
        parse(expr)
    except PromQLError:
        return False
    return True


def _put(expr: str, span: tuple[int, int], text: str) -> str:
    return expr[: span[0]] + text + expr[span[1] :]


def _numbers(expr: str, spans: Spans) -> Iterator[tuple[str, str]]:
    """Numbers beside an operator: thresholds, and factors of them. Quantiles and the like are arguments."""
    around = ("", *(token.text for token in spans.tokens), "")
    number = count(1)
    for at, token in enumerate(spans.tokens):
        if token.kind != "number" or not float(token.text):
            continue
        if not {around[at], around[at + 2]} & {*COMPARISONS, *_ARITHMETIC, "bool"}:
            continue
        which = next(number)
        for factor, how in ((0.5, "halved"), (2.0, "doubled")):
            text = units.format_number(float(token.text) * factor)
            yield f"number {which} {how}", _put(expr, (token.start, token.end), text)


def _comparisons(expr: str, spans: Spans) -> Iterator[tuple[str, str]]:
    found = [binary for binary in spans.binaries if binary.op in _FLIPPED]
    for which, binary in enumerate(found, 1):
        yield f"comparison {which} flipped", _put(expr, binary.at, _FLIPPED[binary.op])


def _matchers(expr: str, spans: Spans) -> Iterator[tuple[str, str]]:
    """What narrows a selection, but for the service's own label, on which everything hangs."""
    for which, (label, span) in enumerate((each for each in spans.matchers if each[0] != _OWN), 1):
        yield f"matcher {which} ({label}) dropped", _put(expr, span, "")


def _operands(expr: str, spans: Spans) -> Iterator[tuple[str, str]]:
    numbers = {op: count(1) for op in ("and", "or", "unless", "/")}
    for binary in spans.binaries:
        if binary.op not in numbers:
            continue
        which, left, right = next(numbers[binary.op]), expr[slice(*binary.left)], expr[slice(*binary.right)]
        if binary.op == "/":
            middle = expr[binary.left[1] : binary.right[0]]
            yield f"ratio {which} swapped", _put(expr, binary.whole, f"{right}{middle}{left}")
            continue
        yield f"{binary.op} {which} without its right side", _put(expr, binary.whole, left)
        if binary.op != "unless":
            yield f"{binary.op} {which} without its left side", _put(expr, binary.whole, right)


def _ranges(expr: str, spans: Spans) -> Iterator[tuple[str, str]]:
    for which, span in enumerate(spans.offsets, 1):
        yield f"offset {which} dropped", _put(expr, span, "")
