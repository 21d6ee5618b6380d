"""What promtool says of a proof that does not hold, in words: which phase of the alert, and at which line of the pack.

Owns the reading of promtool's words. It runs nothing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from generator.diagnostics import Diagnostic, Span
from generator.packs import Pack
from generator.packs.load import line_of, tests_of
from generator.prove.proof import Phase, Phases
from generator.units import parse_duration

_ASSERTION: Final = re.compile(r"^    (?P<sort>alertname|expr): .*, time: (?P<time>\w+),\s*$", re.MULTILINE)
_PAIR: Final = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_NOTHING: Final = ("[]", "nil")
# When each phase is.
_WHEN: Final = {
    "quiet": "while the service is healthy",
    "pending": "just before `for` is over",
    "firing": "while the fault lasts",
    "resolved": "after the fault has ended",
    "boundary": "at the limit",
    "silent_when": "in another state",
    "fires_when": "in another state",
    "gone": "after its series are gone",
    "just started": "in the first minute of Prometheus",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """One assertion that failed."""

    phase: Phase
    what: str
    notes: tuple[str, ...]


def failures_of(said: str, phases: Phases) -> list[Failure]:
    """The failed assertions in the order of their times."""
    found = []
    for match, text in _assertions(said):
        sort, seconds = "alert" if match["sort"] == "alertname" else "expr", parse_duration(match["time"])
        expected, _, got = text.partition("got:")
        found.append((seconds, Failure(phases[sort, seconds], *_outcome(match[0], expected, got))))
    return [failure for _, failure in sorted(found, key=lambda entry: entry[0])]


def describe(pack: Pack, alert: str, said: str, phases: Phases) -> Diagnostic:
    """The first failure as a problem at its line, the others as notes; promtool's own words when it says none."""
    failures = failures_of(said, phases)
    if not failures:
        notes = tuple(line.strip() for line in said.splitlines() if line.strip())[:20]
        return Diagnostic("check/proof", f"{alert}: promtool cannot run the proof", pack.lines[alert], notes=notes)
    first, *others = failures
    also = sorted({f"also in phase {each.phase.name}: {each.what}" for each in others if each.phase != first.phase})
    rule = pack.lines[alert]
    notes = (*first.notes, *also, f"the rule is at {rule.file}:{rule.line}")
    when = f"in the state '{first.phase.state}'" if first.phase.state else _WHEN[first.phase.name]
    message = f"{alert}: {first.phase.name}: {first.what} {when}"
    return Diagnostic("check/proof", message, _place(pack, alert, first.phase), notes=notes)


def _assertions(said: str) -> Iterator[tuple[re.Match[str], str]]:
    """Each assertion that promtool names, and what it says below it."""
    found = [*_ASSERTION.finditer(said)]
    ends = [match.start() for match in found[1:]] + [len(said)]
    for match, end in zip(found, ends, strict=True):
        yield match, said[match.end() : end]


def _outcome(asked: str, expected: str, got: str) -> tuple[str, tuple[str, ...]]:
    """What happened, and where both say something, in what they differ."""
    nothing_expected = expected.partition("exp:")[2].strip().rstrip(",").strip() in _NOTHING
    if nothing_expected:
        return "it fires, and must not", ()
    if got.split(maxsplit=1)[:1] and got.split(maxsplit=1)[0] in _NOTHING:
        return "it is not pending" if "pending" in asked else "it does not fire", ()
    before, after = dict(_PAIR.findall(expected)), dict(_PAIR.findall(got))
    differ = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    notes = [f"{name}: expected {before.get(name, 'nothing')!r}, got {after.get(name, 'nothing')!r}" for name in differ]
    return "it shows other labels or texts", tuple(notes)


def _place(pack: Pack, alert: str, phase: Phase) -> Span:
    """The line of tests.yaml that says what the phase is; of rules.yaml where the rule alone decides."""
    if phase.name in ("pending", "just started"):
        return pack.lines[alert]
    path: tuple[int | str, ...] = ("alerts", alert)
    if phase.name == "quiet":
        path = ("baseline",)
    elif phase.state:
        states = getattr(tests_of(pack).alerts[alert], phase.name)
        path += (phase.name, next(number for number, each in enumerate(states) if each.state == phase.state))
    elif phase.name in ("boundary", "gone"):
        path += (phase.name,)
    elif phase.name == "firing":
        path += ("change",)
    else:
        path += ("fault",)
    return pack.span("tests.yaml", line_of(pack.folder.parent / pack.source, "tests.yaml", path))
