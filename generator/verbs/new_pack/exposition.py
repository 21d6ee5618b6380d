"""/metrics with types and values: which metric a new pack can begin with. Reads only."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from generator.packs.fixtures import Series

_SAMPLE: Final = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)")
_TYPE: Final = re.compile(r"^# TYPE (\S+) (\w+)")
_HELP: Final = re.compile(r"^# HELP (\S+) (.*)")
_LABEL: Final = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')
# What every program in some languages exports, and says nothing of this one.
_COMMON: Final = ("go_", "process_", "python_", "promhttp_", "erlang_", "telemetry_", "jvm_", "nodejs_", "scrape_")


@dataclass(frozen=True, slots=True)
class Gauge:
    """One printed gauge."""

    series: Series
    value: float
    help: str


def gauges(text: str) -> list[Gauge]:
    """The gauges of a page of metrics that are about this program, in its order."""
    types = {match[1]: match[2] for match in map(_TYPE.match, text.splitlines()) if match}
    helps = {match[1]: match[2] for match in map(_HELP.match, text.splitlines()) if match}
    found = []
    for match in filter(None, map(_SAMPLE.match, text.splitlines())):
        name = match[1]
        if types.get(name, "untyped") in ("gauge", "untyped") and not name.startswith(_COMMON):
            series = Series(name, dict(_LABEL.findall(match[2] or "")))
            found.append(Gauge(series, _number(match[3]), helps.get(name, "")))
    return found


def up_like(found: Iterable[Gauge]) -> Gauge | None:
    """The gauge that says whether the thing answers: 1, and called so."""
    said = [gauge for gauge in found if re.search(r"(^|_)up$", gauge.series.name) and gauge.value == 1]
    return min(said, key=lambda gauge: len(gauge.series.labels), default=None)


def measure(found: Iterable[Gauge]) -> Gauge | None:
    """A gauge to watch: the first that is a plain number."""
    plain = [gauge for gauge in found if gauge.value >= 0 and not gauge.series.name.endswith(("_info", "_timestamp"))]
    return min(plain, key=lambda gauge: len(gauge.series.labels), default=None)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return -1.0
