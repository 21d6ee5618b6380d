"""A backtest for people and for machines. Owns its words; every figure comes from generator.verbs.backtest.episodes."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

from generator.site.model import Alert
from generator.units import format_duration
from generator.verbs.backtest.episodes import Figures, History
from generator.verbs.backtest.history import Period

_HEAD: Final = ("SERVICE", "ALERT", "SEVERITY", "EPISODES", "FIRING", "MEDIAN", "LONGEST", "FLAPS", "NIGHT", "NEARLY")
_LEFT: Final = 3
LEGEND: Final = (
    "FLAPS: began within 30 minutes of the last one's end; NIGHT: began between 22:00 and 7:00 on this machine; "
    "NEARLY: true for less than its `for`"
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One alert over one window."""

    alert: Alert
    history: History
    figures: Figures


@dataclass(frozen=True, slots=True)
class Result:
    """All that was replayed. A line is an alert as it is and as it was proposed; one of the two may be missing."""

    asked: int
    window: Period
    lines: tuple[tuple[Outcome | None, Outcome | None], ...]
    compares: bool


def render_table(result: Result) -> Iterator[str]:
    """The table, and below it what never fired."""
    yield _span(result)
    rows: list[tuple[str, ...]] = []
    quiet: dict[str, list[str]] = {}
    for before, after in result.lines:
        shown = [outcome for outcome in (before, after) if outcome]
        if result.compares:
            rows += _compared(before, after)
        elif shown[0].figures.episodes or shown[0].figures.nearly:
            rows.append(_row(shown[0]))
        if not any(outcome.figures.episodes for outcome in shown):
            quiet.setdefault(shown[0].alert.service, []).append(shown[0].alert.name)
    if rows:
        yield ""
        yield from _columns([_HEAD, *rows])
        yield ""
        yield LEGEND
    if quiet:
        yield ""
        yield f"never fired: {sum(map(len, quiet.values()))} of {len(result.lines)}"
        yield from (f"  {service}: {', '.join(sorted(names))}" for service, names in sorted(quiet.items()))


def as_data(result: Result) -> dict[str, Any]:
    """The same for machines, with each episode."""
    return {
        "from": _moment(result.window.start),
        "to": _moment(result.window.end),
        "asked_seconds": result.asked,
        "history_seconds": result.window.seconds,
        "alerts": [_line_data(before, after) for before, after in result.lines],
    }


def _span(result: Result) -> str:
    shown = f"{format_duration(result.window.seconds)} of history, to {_moment(result.window.end)}"
    if result.window.seconds < result.asked:
        return f"{shown}; that is all there is of the {format_duration(result.asked)} asked for"
    return shown


def _compared(before: Outcome | None, after: Outcome | None) -> Iterator[tuple[str, ...]]:
    for word, outcome in (("as it is", before), ("proposed", after)):
        if outcome is None:
            alert = _either(before, after).alert
            yield alert.service, f"{alert.name} ({word})", alert.severity, "none", *[""] * 6
        else:
            row = _row(outcome)
            yield row[0], f"{row[1]} ({word})", *row[2:]


def _either(before: Outcome | None, after: Outcome | None) -> Outcome:
    """The one that is there."""
    outcome = before or after
    assert outcome is not None
    return outcome


def _row(outcome: Outcome) -> tuple[str, ...]:
    figures, alert = outcome.figures, outcome.alert
    lengths = (figures.firing, figures.median, figures.longest)
    return (
        alert.service,
        alert.name,
        alert.severity,
        str(figures.episodes),
        *(format_duration(seconds) if figures.episodes else "" for seconds in lengths),
        str(figures.flaps),
        f"{figures.night:.0%}" if figures.episodes else "",
        str(figures.nearly),
    )


def _columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    for row in rows:
        cells = [
            cell.ljust(width) if column < _LEFT else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def _line_data(before: Outcome | None, after: Outcome | None) -> dict[str, Any]:
    alert = _either(before, after).alert
    line: dict[str, Any] = {"service": alert.service, "alert": alert.name, "severity": alert.severity}
    for word, outcome in (("now", before), ("proposed", after)):
        if outcome:
            line[word] = {
                "expr": outcome.alert.expr,
                "for_seconds": outcome.alert.for_seconds,
                **asdict(outcome.figures),
                "occurrences": [
                    {"from": _moment(each.start), "to": each.end and _moment(each.end), "labels": dict(each.labels)}
                    for each in outcome.history.episodes
                ],
            }
    return line


def _moment(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
