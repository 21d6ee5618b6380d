"""PromQL as text: changing an expression where its parts stand, without ever printing a syntax tree.

Owns positions in the text of an expression. What it means is the business of generator.promql.tree, and every
change that is made here is held against the syntax trees of before and after.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import promql_parser as pp

from generator.conventions import COUNT_WINDOW, LONG_WINDOW
from generator.promql.tokens import GROUPINGS, MATCHINGS, MIRRORED, Token, tokens
from generator.promql.tree import PromQLError, constant, parse, walk
from generator.units import parse_duration

_LISTS: Final = frozenset({*GROUPINGS, *MATCHINGS})
_KEYWORDS: Final = _LISTS | {"and", "or", "unless", "atan2", "offset", "bool", "inf", "nan"}
_RATES: Final = frozenset({"rate", "irate", "increase", "delta", "idelta", "deriv"})


@dataclass(frozen=True, slots=True)
class Limit:
    """`measured op value`: an expression that compares with one number, the number on the right."""

    measured: str
    op: str
    value: float


def scoped(expr: str, label: str, value: str) -> str:
    """`expr` with `label="value"` in each selector that says nothing of that label. Raises PromQLError."""
    before = parse(expr)
    matcher = f'{label}="{value}"'
    text = expr
    for position, bare, empty in reversed(list(_places(expr, label))):
        added = f"{{{matcher}}}" if bare else matcher if empty else f"{matcher},"
        text = text[:position] + added + text[position:]
    if not _is_scoped(before, parse(text), label, value):
        raise PromQLError(f'write {label}="{value}" into the selectors yourself')
    return text


def limit_of(expr: str) -> Limit | None:
    """The number that `expr` as a whole is compared with; None when it is of another form."""
    tree = parse(expr)
    if not isinstance(tree, pp.BinaryExpr) or str(tree.op) not in MIRRORED or _says_bool(tree):
        return None
    found = [token for token in tokens(expr) if token.depth == 0 and token.text in MIRRORED]
    right, left = constant(tree.rhs), constant(tree.lhs)
    if len(found) != 1 or (right is None) == (left is None):
        return None
    op = found[0].text
    before, after = expr[: found[0].start].strip(), expr[found[0].end :].strip()
    if right is not None:
        return Limit(before, op, right)
    assert left is not None
    return Limit(after, MIRRORED[op], left)


def measured(expr: str) -> str:
    """What `expr` compares, of its first condition: the part whose value a message shows. `expr` itself if it compares
    nothing."""
    text = _unwrapped(expr)
    for cut in ({"or"}, {"and", "unless"}, set(MIRRORED)):
        place = next((token.start for token in tokens(text) if token.depth == 0 and token.text.lower() in cut), None)
        if place is not None:
            side = text[:place]
            if cut == set(MIRRORED) and constant(parse(side)) is not None:
                return expr
            text = _unwrapped(side)
    return text


def with_window(expr: str, window: str) -> str:
    """`expr` with its rates over `window`, those apart whose own window is long enough to mean something."""
    found = tokens(expr)
    text = expr
    for at in reversed(range(len(found) - 1)):
        if found[at].text not in _RATES or found[at + 1].text != "(":
            continue
        depth = found[at].depth + 1
        opening = next((n for n in range(at + 2, len(found)) if found[n].text == "[" and found[n].depth == depth), None)
        if opening is None:
            continue
        closing = _closing(found, opening)
        inside = text[found[opening].end : found[closing].start].strip()
        if re.fullmatch(r"(\d+[wdhms])+", inside) and parse_duration(inside) < _least_window(found[at].text):
            text = text[: found[opening].end] + window + text[found[closing].start :]
    return text


def without_variables(expr: str) -> str:
    """`expr` with its strings written so that Grafana finds no variable in them: `$a` and `[[a]]` would be two."""
    text = expr
    for token in reversed(tokens(expr)):
        if token.text[0] in "\"'`" and re.search(r"\$[\w{]|\[\[", token.text):
            inside = token.text[1:-1]
            if token.text[0] == "`":
                inside = inside.replace("\\", "\\\\").replace('"', '\\"')
            quote = '"' if token.text[0] == "`" else token.text[0]
            inside = inside.replace("$", "\\x24").replace("[[", "\\x5b\\x5b")
            text = f"{text[: token.start]}{quote}{inside}{quote}{text[token.end :]}"
    return text


def _least_window(function: str) -> int:
    return COUNT_WINDOW if function == "increase" else LONG_WINDOW


def _unwrapped(expr: str) -> str:
    """`expr` without the brackets around all of it."""
    text = expr.strip()
    while text.startswith("("):
        closing = next((token for token in tokens(text)[1:] if token.depth == 0 and token.text == ")"), None)
        if closing is None or text[closing.end :].strip():
            break
        text = text[1 : closing.start].strip()
    return text


def _places(expr: str, label: str) -> Iterator[tuple[int, bool, bool]]:
    """Where a matcher can be added: position, whether there are no braces yet, whether those that are hold nothing."""
    found = tokens(expr)
    index = 0
    while index < len(found):
        token = found[index]
        following = found[index + 1] if index + 1 < len(found) else None
        if token.text == "{":
            closing = _closing(found, index)
            inside = found[index + 1 : closing]
            if not any(word.text == label and inside[at + 1].text in ("=", "!=", "=~", "!~")
                       for at, word in enumerate(inside[:-1])):  # fmt: skip
                yield token.end, False, not inside
            index = closing
        elif token.text == "[" or (token.text.lower() in _LISTS and following and following.text == "("):
            index = _closing(found, index if token.text == "[" else index + 1)
        elif token.kind == "word" and _is_metric(token, following):
            yield token.end, True, True
        index += 1


def _is_metric(word: Token, following: Token | None) -> bool:
    """Whether a word outside of braces is a metric without any."""
    if word.text.lower() in _KEYWORDS:
        return False
    return following is None or not (following.text in ("(", "{") or following.text.lower() in GROUPINGS)


def _closing(found: list[Token], opening: int) -> int:
    """The index of the bracket that closes the one at `opening`."""
    depth = found[opening].depth
    return next((at for at in range(opening + 1, len(found)) if found[at].depth == depth), len(found) - 1)


def _is_scoped(before: Any, after: Any, label: str, value: str) -> bool:
    """Whether the selectors are the same but for the label, and each has one."""
    pairs = list(zip(_selectors(before), _selectors(after), strict=False))
    if len(list(_selectors(before))) != len(list(_selectors(after))):
        return False
    wanted = (label, str(pp.MatchOp.Equal), value)
    for (name, old), (same, new) in pairs:
        expected = old if any(each[0] == label for each in old) else old | {wanted}
        if name != same or new != expected:
            return False
    return True


def _selectors(tree: Any) -> Iterator[tuple[str, frozenset[tuple[str, str, str]]]]:
    for node in walk(tree):
        if isinstance(node, pp.VectorSelector):
            yield str(node.name), frozenset((m.name, str(m.op), m.value) for m in node.matchers.matchers)


def _says_bool(tree: Any) -> bool:
    return tree.modifier is not None and bool(tree.modifier.return_bool)
