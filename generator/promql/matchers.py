"""Label matchers of PromQL: which values they take, and values that they take.

Owns the meaning of one matcher. Where matchers stand in an expression is the business of generator.promql.tree.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from re import _parser  # type: ignore[attr-defined]
from typing import Any, Final

import promql_parser as pp

# What a value is called that no matcher asks for by its name.
ANY_VALUE: Final = "some"
# Alternatives of a pattern that are tried.
_TRIED: Final = 8
_CHARACTERS: Final = "x1-_A./ "


def takes(matcher: Any, value: str) -> bool:
    """Whether a matcher takes a label's value; a label that is not there has the value "". Raises re.error."""
    wanted = str(matcher.value)
    if matcher.op in (pp.MatchOp.Equal, pp.MatchOp.NotEqual):
        return bool((value == wanted) == (matcher.op == pp.MatchOp.Equal))
    return bool((re.fullmatch(wanted, value) is not None) == (matcher.op == pp.MatchOp.Re))


def examples(matchers: Sequence[Any], seed: str = "") -> Iterator[str]:
    """Values that all of `matchers`, which are of one label, take: `seed` itself, one with `seed` in it, or another."""
    seen: set[str] = set()
    for value in (seed, *_candidates(matchers, seed), ANY_VALUE, f"{seed}-x", ""):
        if value not in seen and all(takes(matcher, value) for matcher in matchers):
            seen.add(value)
            yield value


def by_label(matchers: Iterable[Any]) -> dict[str, list[Any]]:
    """The matchers of each label, without those of a metric's name."""
    found: dict[str, list[Any]] = {}
    for matcher in matchers:
        if matcher.name != "__name__":
            found.setdefault(matcher.name, []).append(matcher)
    return found


def _candidates(matchers: Iterable[Any], seed: str) -> Iterator[str]:
    for matcher in matchers:
        if matcher.op == pp.MatchOp.Equal:
            yield str(matcher.value)
        elif matcher.op == pp.MatchOp.Re:
            parsed = _parser.parse(str(matcher.value))
            for filling in dict.fromkeys((seed, ANY_VALUE)):
                yield from (_written(parsed, filling, branch) for branch in range(_TRIED))


def _written(items: Any, filling: str, branch: int) -> str:
    """A text of the form of a parsed pattern, with `filling` where anything may stand."""
    return "".join(_part(str(op), value, filling, branch) for op, value in items)


def _part(op: str, value: Any, filling: str, branch: int) -> str:
    if op == "LITERAL":
        return chr(value)
    if op in ("ANY", "IN", "NOT_LITERAL"):
        return _character(op, value)
    if op == "SUBPATTERN":
        return _written(value[-1], filling, branch)
    if op == "BRANCH":
        return _written(value[1][branch % len(value[1])], filling, branch)
    if op in ("MAX_REPEAT", "MIN_REPEAT"):
        least, most, repeated = value
        [(inner, inside), *more] = list(repeated) or [("", None)]
        fits = not more and filling != "" and all(_fits(str(inner), inside, each) for each in filling)
        if fits and least <= len(filling) <= int(most):
            return filling
        return _written(repeated, filling, branch) * int(least)
    return ""


def _character(op: str, value: Any) -> str:
    known = [chr(item[1] if str(item[0]) == "LITERAL" else item[1][0]) for item in value
             if str(item[0]) in ("LITERAL", "RANGE")] if op == "IN" else []  # fmt: skip
    return next((each for each in (*known, *_CHARACTERS) if _fits(op, value, each)), "")


def _fits(op: str, value: Any, character: str) -> bool:
    """Whether a part of a pattern that stands for one character takes this one."""
    if op == "ANY":
        return character != "\n"
    if op in ("LITERAL", "NOT_LITERAL"):
        return bool((ord(character) == value) == (op == "LITERAL"))
    if op != "IN":
        return False
    negated = any(str(kind) == "NEGATE" for kind, _ in value)
    return any(_is_of(str(kind), each, character) for kind, each in value) != negated


def _is_of(kind: str, value: Any, character: str) -> bool:
    if kind == "LITERAL":
        return bool(ord(character) == value)
    if kind == "RANGE":
        return bool(value[0] <= ord(character) <= value[1])
    if kind != "CATEGORY":
        return False
    word = str(value).removeprefix("CATEGORY_")
    letter = {"DIGIT": r"\d", "WORD": r"\w", "SPACE": r"\s"}.get(word.removeprefix("NOT_"), r"\d")
    return (re.match(letter, character) is not None) != word.startswith("NOT_")
