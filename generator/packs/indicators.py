"""What objectives count: the indicators that packs bring, and the pairs of counters that a user names.

Owns how either becomes an Objective. Which targets make sense is the business of generator.resolve.objectives.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import promql_parser as pp

from generator.packs.context import final_params, pack_context
from generator.packs.load import Pack
from generator.packs.schema import IndicatorSpec
from generator.packs.template import render_text
from generator.promql.matchers import takes
from generator.promql.text import scoped
from generator.promql.tree import PromQLError, parse
from generator.site.model import Objective, Service, Stack

# Stays in the expressions of an Objective until a rule says over which window it counts.
WINDOW: Final = "<<window>>"
AVAILABILITY: Final = "availability"
# What serves as availability where nothing counts requests.
_FALLBACKS: Final = {AVAILABILITY: "reachability"}
_ANY: Final = "any"
_RATES: Final = {"good": "<<(1 - bad) * traffic>>", "bad": "<<bad * traffic>>", "total": "<<traffic>>"}


def indicators_of(packs: Iterable[Pack], *, probed: bool) -> dict[str, tuple[Pack, IndicatorSpec]]:
    """The indicators of a service's packs by name; those of probes only where there is one."""
    found: dict[str, tuple[Pack, IndicatorSpec]] = {}
    for pack in packs:
        for name, spec in pack.spec.indicators.items():
            if probed or pack.name != "probe":
                found.setdefault(name, (pack, spec))
    for name, other in _FALLBACKS.items():
        if name not in found and other in found:
            found[name] = found[other]
    return found


def objective_of(
    name: str,
    indicator: tuple[Pack, IndicatorSpec],
    service: Service,
    stack: Stack,
    target: float,
    limit: float = 0.0,
) -> Objective:
    """The objective over a pack's indicator."""
    pack, spec = indicator
    names = {
        **pack_context(pack, service, stack, final_params(pack, {})),
        "window": WINDOW,
        "limit": repr(float(limit)),
    }
    where = pack.span("pack.yaml")
    return Objective(
        name=name,
        target=target,
        events=spec.events,
        bad=render_text(spec.bad, names, where).strip(),
        total=render_text(spec.total, names, where).strip(),
        limit=limit,
        plans=(),
        outages=spec.outages,
        series=tuple(
            {key: text.replace("<<limit>>", names["limit"]) for key, text in each.items()} for each in spec.series
        ),
    )


def known_edges(spec: IndicatorSpec, pack: Pack) -> tuple[float, ...]:
    """The edges of the histogram that an indicator reads, as the pack's fixture has them."""
    return pack.edges.get(spec.histogram or "", ())


def counters_of(name: str, counters: Mapping[str, str], service: str, target: float) -> Objective:
    """The objective over two of the counters good, bad and total. Raises ValueError with a sentence."""
    selectors = {role: _Selector(role, text, service) for role, text in counters.items()}
    counted = {role: f"sum(increase({selector.text}[{WINDOW}]))" for role, selector in selectors.items()}
    none = {role: f"({text} or vector(0))" for role, text in counted.items()}
    if "total" not in selectors:
        bad, total = none["bad"], f"({none['good']} + {none['bad']})"
    else:
        total = counted["total"]
        bad = none["bad"] if "bad" in selectors else f"clamp_min({total} - {none['good']}, 0)"
    return Objective(
        name=name,
        target=target,
        events="events",
        bad=bad,
        total=total,
        limit=0.0,
        plans=(),
        outages=name == AVAILABILITY,
        series=tuple(_series(selectors)),
    )


class _Selector:
    """One counter of a pair: as it is asked for, and a series that it takes."""

    def __init__(self, role: str, text: str, service: str) -> None:
        try:
            node = parse(text)
            self.text = scoped(text.strip(), "service", service)
        except PromQLError as error:
            raise ValueError(f"{role}: {error}") from error
        if not isinstance(node, pp.VectorSelector) or not node.name or node.offset is not None or node.at is not None:
            raise ValueError(
                f"{role}: '{text}' is not one counter; write a metric, with labels in braces if it needs any"
            )
        self.name = str(node.name)
        self.matchers: list[Any] = [m for m in node.matchers.matchers if m.name not in ("__name__", "service")]
        self.labels = {m.name: value for m in self.matchers if (value := _value_for(role, m))}

    def takes(self, name: str, labels: Mapping[str, str]) -> bool:
        """Whether a series is one of those that are asked for."""
        return name == self.name and all(takes(m, labels.get(m.name, "")) for m in self.matchers)


def _series(selectors: Mapping[str, _Selector]) -> Iterable[Mapping[str, str]]:
    """A series for each counter; where one is part of the other, one for the events that only the larger has."""
    part = next(selectors[role] for role in ("good", "bad") if role in selectors)
    role = "good" if part is selectors.get("good") else "bad"
    yield {"series": _shown(part.name, part.labels), "rate": _RATES[role]}
    whole = selectors.get("total")
    if whole is None:
        yield {"series": _shown(selectors["bad"].name, selectors["bad"].labels), "rate": _RATES["bad"]}
    elif not whole.takes(part.name, {**whole.labels, **part.labels}):
        yield {"series": _shown(whole.name, whole.labels), "rate": _RATES["total"]}
    else:
        rest = _outside(part, whole)
        yield {"series": _shown(whole.name, rest), "rate": _RATES["bad" if role == "good" else "good"]}


def _outside(part: _Selector, whole: _Selector) -> dict[str, str]:
    """Labels of an event that the larger counter has and the smaller one has not."""
    for matcher in part.matchers:
        for value in (_ANY, *_words(matcher)):
            labels = {**part.labels, **whole.labels, matcher.name: value}
            if whole.takes(whole.name, labels) and not part.takes(whole.name, labels):
                return labels
    raise ValueError(f"every event that {whole.text} counts is also one of {part.text}")


def _shown(name: str, labels: Mapping[str, str]) -> str:
    inside = ",".join(f'{label}="{value}"' for label, value in sorted(labels.items()))
    return f"{name}{{{inside}}}" if inside else name


def _words(matcher: Any) -> list[str]:
    """What stands in a matcher, whole and by its alternatives."""
    return [str(matcher.value), *str(matcher.value).split("|")]


def _value_for(role: str, matcher: Any) -> str:
    """A value that a matcher takes: the proof of the objective needs one."""
    try:
        return next(each for each in (*_words(matcher), _ANY, "") if takes(matcher, each))
    except (re.error, StopIteration) as error:
        words = f"{role}: no value is known that matches {matcher.name} '{matcher.value}'; write words joined by |"
        raise ValueError(words) from error
