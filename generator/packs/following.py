"""Proofs follow the parameters that are label matchers: series that a rule takes by default are such that it takes them
still, whatever services.yaml says instead.

Owns the labels of a case's series. What the series do is the business of generator.packs.cases.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import promql_parser as pp

from generator.packs.cases import Case, Other, State
from generator.packs.load import Pack
from generator.packs.series import labels_of, metric_of, named
from generator.promql.matchers import by_label, examples, takes
from generator.promql.tree import parse, walk
from generator.site.model import ParamValue

# What a label's value becomes, by label and value.
Values = Mapping[tuple[str, str], str]
Shape = TypeVar("Shape")


def follow(case: Case, pack: Pack, params: Mapping[str, ParamValue], rules: Iterable[str], service: str) -> Case:
    """`case` with series that the matchers among `params` take wherever they took them by default."""
    for name, param in pack.params.items():
        if param.holds == "matchers" and params[name] != param.default:
            case = _follow(case, str(param.default), str(params[name]), list(rules), service)
    return case


def _follow(case: Case, default: str, given: str, rules: list[str], service: str) -> Case:
    """The case for one parameter: labels that it names have values that it takes; what it takes now and was an example
    of what is left out, is no example any more."""
    usual, wanted = (parse(f"x{{{text}}}").matchers.matchers for text in (default, given))
    asked = _metrics(rules, given)
    series = list(dict.fromkeys(each for state in _states(case) for each in state))
    concerned = [each for each in series if metric_of(each) in asked]
    taken = frozenset(each for each in concerned if _takes(usual, each))
    names = _names(wanted, [each for each in concerned if each in taken], series, service)
    left_out = {each for each in concerned if each not in taken and _takes(wanted, names.of(each))}

    def renamed(state: Mapping[str, Shape]) -> dict[str, Shape]:
        return {names.of(each): shape for each, shape in state.items() if each not in left_out}

    return _changed(case, renamed, names)


@dataclass(frozen=True, slots=True)
class _Names:
    """What becomes of the values of labels. Only what is `taken` gets a label that it did not have, and another name
    than its own service's, which all of its series have."""

    values: Values
    taken: frozenset[str]
    service: str

    def of(self, series: str) -> str:
        """The name of a series."""
        labels = labels_of(series)
        added = {label: new for (label, old), new in self.values.items() if not old and label not in labels}
        shown = self.labels(labels)
        if series in self.taken:
            shown = added | {name: self.values.get((name, value), value) for name, value in labels.items()}
        return named(metric_of(series), shown)

    def labels(self, labels: Mapping[str, str]) -> dict[str, str]:
        """Labels with their values."""
        own = ("service", self.service)
        return {
            name: value if (name, value) == own else self.values.get((name, value), value)
            for name, value in labels.items()
        }


def _names(wanted: Iterable[Any], taken: list[str], series: list[str], service: str) -> _Names:
    """A value for each that is not taken as it is. Two values never become one: where none is left, the old one stays,
    and what has it is no longer seen."""
    names = _Names({}, frozenset(taken), service)
    for label, matchers in by_label(wanted).items():
        used: set[str] = set()
        for value in dict.fromkeys(labels_of(each).get(label, "") for each in taken):
            for example in examples(matchers, value):
                tried = replace(names, values={**names.values, (label, value): example})
                if example not in used and len(set(map(tried.of, series))) == len(series):
                    used.add(example)
                    names = tried
                    break
    return names


def _metrics(rules: Iterable[str], given: str) -> set[str]:
    """The metrics that rules choose by the given matchers."""
    inside = {_key(matcher) for matcher in parse(f"x{{{given}}}").matchers.matchers}
    selectors = (node for rule in rules for node in walk(parse(rule)) if isinstance(node, pp.VectorSelector))
    return {str(node.name) for node in selectors if inside <= {_key(each) for each in node.matchers.matchers}}


def _key(matcher: Any) -> tuple[str, str, str]:
    return (str(matcher.name), str(matcher.op), str(matcher.value))


def _takes(matchers: Iterable[Any], series: str) -> bool:
    labels = labels_of(series)
    return all(takes(matcher, labels.get(matcher.name, "")) for matcher in matchers if matcher.name != "__name__")


def _states(case: Case) -> list[State]:
    return [*case.states, case.silence, case.vanished]


def _changed(case: Case, renamed: Callable[[State], State], names: _Names) -> Case:
    """The case with all its states and all its labels under their new names."""

    def other(each: Other) -> Other:
        return replace(each, state=renamed(each.state), before=renamed(each.before))

    return replace(
        case,
        baseline=renamed(case.baseline),
        fault=renamed(case.fault),
        silence=renamed(case.silence),
        vanished=renamed(case.vanished),
        boundary=None if case.boundary is None else renamed(case.boundary),
        silent=tuple(map(other, case.silent)),
        firing=tuple(map(other, case.firing)),
        labels=names.labels(case.labels),
        also=tuple((names.labels(labels), value) for labels, value in case.also),
    )
