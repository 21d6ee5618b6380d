"""/metrics as real exporters printed it: which series there are, and whether a selector could ever match one.

Owns the reading of the exposition format as far as names and labels go; values do not matter here.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import promql_parser as pp

from generator.conventions import ALERT_LABELS, CONTAINER_LABELS, SERIES_LABELS
from generator.promql.tree import walk

_LINE: Final = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?\s+\S")
_LABEL: Final = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')
# Labels that scraping adds, and those that our own alerts carry: no exporter prints them.
_ADDED: Final = frozenset(SERIES_LABELS)
_OWN: Final = {"ALERTS": frozenset(ALERT_LABELS), "ALERTS_FOR_STATE": frozenset(ALERT_LABELS)}
_EQUAL: Final = (pp.MatchOp.Equal, pp.MatchOp.Re)


@dataclass(frozen=True, slots=True)
class Series:
    """One printed series."""

    name: str
    labels: Mapping[str, str]


def read_fixtures(paths: Iterable[Path]) -> list[Series]:
    """Every series of the files."""
    return [series for path in paths for series in read_exposition(path.read_text(encoding="utf-8"))]


def read_exposition(text: str) -> list[Series]:
    """Every series of one page of metrics."""
    found = (_LINE.match(line) for line in text.splitlines() if not line.startswith("#"))
    return [Series(match[1], dict(_LABEL.findall(match[2] or ""))) for match in found if match]


def unmatched_selectors(tree: Any, known: Iterable[Series]) -> list[str]:
    """What each selector of a parsed expression asks for that no series has, in words."""
    series = list(known)
    return [
        problem
        for node in walk(tree)
        if isinstance(node, pp.VectorSelector)
        for problem in [_unmatched(node, series)]
        if problem
    ]


def _unmatched(selector: Any, known: list[Series]) -> str:
    candidates = [series for series in known if _named(selector, series)]
    if not candidates:
        return f"no fixture has a metric {_shown(selector)}"
    added = _ADDED | _OWN.get(selector.name or "", frozenset())
    added |= frozenset(CONTAINER_LABELS if (selector.name or "").startswith("container_") else ())
    for matcher in selector.matchers.matchers:
        if matcher.name in added or matcher.name == "__name__" or matcher.value == "":
            continue
        if matcher.op == pp.MatchOp.Equal:
            candidates = [each for each in candidates if each.labels.get(matcher.name) == matcher.value]
        else:
            candidates = [each for each in candidates if matcher.name in each.labels]
        if not candidates:
            wanted = f'{matcher.name}="{matcher.value}"' if matcher.op == pp.MatchOp.Equal else matcher.name
            return f"no series {_shown(selector)} in a fixture has {wanted}"
    return ""


def _named(selector: Any, series: Series) -> bool:
    if selector.name:
        return bool(selector.name == series.name)
    patterns = [m.value for m in selector.matchers.matchers if m.name == "__name__" and m.op in _EQUAL]
    return not patterns or any(re.fullmatch(pattern, series.name) for pattern in patterns)


def _shown(selector: Any) -> str:
    names = [matcher.value for matcher in selector.matchers.matchers if matcher.name == "__name__"]
    return str(selector.name or " or ".join(names))
