"""How alerts change between two trees: each difference in words, and alerts that change alike together.

Owns the words. Every alert that differs for people is named, with its receivers.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from generator.changes.picture import Picture
from generator.changes.receivers import InhibitionSource, Receiver
from generator.changes.records import Records, changed_records, measured
from generator.changes.rules import AlertState, Key
from generator.changes.values import changed_numbers, changed_values, in_words
from generator.units import format_duration


@dataclass(frozen=True, slots=True)
class PeopleChange:
    """One thing that changes for people. `alerts` are those that it is about, as (service, name)."""

    text: str
    alerts: tuple[tuple[str, str], ...] = ()
    severity: str = ""
    receivers: tuple[str, ...] = ()


def alert_changes(before: Picture, after: Picture) -> list[PeopleChange]:
    """The changes of alerts: values and routes first, then new ones, then those that are gone."""
    renamed = _renamed(before, after)
    records = changed_records(before.records, after.records)
    alike: dict[tuple[int, str, str, tuple[str, ...]], list[tuple[str, str]]] = defaultdict(list)
    for key in sorted({*before.alerts, *after.alerts}):
        if key in renamed.values():
            continue
        rank, text, picture, alert = _judged(before, after, key, renamed.get(key), records)
        if text:
            receivers = tuple(each.name for each in picture.routing.receivers(alert))
            alike[rank, text, alert.severity, receivers].append((alert.service, alert.name))
    ordered = sorted(alike.items(), key=lambda item: (item[0][0], len(item[1])))
    return [PeopleChange(text, tuple(names), severity, receivers) for (_, text, severity, receivers), names in ordered]


def _judged(
    before: Picture, after: Picture, key: Key, renamed: Key | None, records: Records
) -> tuple[int, str, Picture, AlertState]:
    """Rank and words of one alert's change, and the tree in which it is described. Without words nothing changes."""
    new = after.alerts.get(renamed or key)
    if new is None:
        return 2, "removed", before, before.alerts[key]
    if key not in before.alerts:
        return 1, "new", after, new
    words = [f"called {new.name} now"] if renamed else []
    words += _differences(before, after, key, renamed or key)
    words += measured(new, records)
    return 0, "; ".join(words), after, before.alerts[key] if renamed else new


def _renamed(before: Picture, after: Picture) -> dict[Key, Key]:
    """Old keys by new ones: an alert that is gone, where one with the same expression came to the same service."""
    new = {(a.service, a.expr): key for key, a in after.alerts.items() if key not in before.alerts and a.expr}
    gone = {key: (a.service, a.expr) for key, a in before.alerts.items() if key not in after.alerts}
    return {key: new[same] for key, same in gone.items() if same in new}


def _differences(before: Picture, after: Picture, old_key: Key, new_key: Key) -> Iterator[str]:
    old, new = before.alerts[old_key], after.alerts[new_key]
    yield from _limits(old, new)
    pairs = (
        ("", old.severity, new.severity),
        ("confirmed for ", old.confirmed, new.confirmed),
        ("keeps firing for ", old.kept, new.kept),
        ("owner ", old.labels.get("owner", ""), new.labels.get("owner", "")),
        *(_of_label(label, old, new) for label in sorted({*old.labels, *new.labels} - _SAID)),
    )
    yield from (f"{what}{a or 'none'} → {b or 'none'}" for what, a, b in pairs if a != b)
    yield from _reached(before.routing.receivers(old), after.routing.receivers(new))
    times = after.routing.times(new)
    yield from (f"{what} {a} → {times[what]}" for what, a in before.routing.times(old).items() if a != times[what])
    yield from _muted(before, after, old_key, new_key)
    if new.labels.get("fault") == old.labels.get("fault") == "outage":
        sums = before.detection(old), after.detection(new)
        if sums[0] != sums[1]:
            yield f"an outage is notified within {format_duration(sums[0])} → {format_duration(sums[1])}"


# What is said in other words; the last three by what mutes the alert.
_SAID = frozenset(
    {"alertname", "service", "severity", "owner", "incident", "early", "inhibition_group", "outage_of", "about"}
)


def _of_label(label: str, old: AlertState, new: AlertState) -> tuple[str, str, str]:
    return f"label {label} ", old.labels.get(label, ""), new.labels.get(label, "")


def _limits(old: AlertState, new: AlertState) -> Iterator[str]:
    """Thresholds, as the alert's own sentences say them if they do."""
    timing = (old.confirmed, new.confirmed)
    said = changed_values(old.summary, new.summary) or tuple(
        pair for pair in changed_values(old.description, new.description) if pair != timing
    )
    if old.expr != new.expr:
        if said:
            yield in_words(said)
        elif numbers := changed_numbers(old.expr, new.expr):
            yield f"{in_words(numbers)} in its expression"
        else:
            yield "its expression changes"
    elif old.summary != new.summary or (old.description != new.description and timing[0] == timing[1]):
        yield f"its text changes{f' ({in_words(said)})' if said else ''}"


def _reached(old: tuple[Receiver, ...], new: tuple[Receiver, ...]) -> Iterator[str]:
    gone, come = (tuple(each for each in a if each not in b) for a, b in ((old, new), (new, old)))
    same_name = {each.name for each in gone} & {each.name for each in come}
    lost, found = (
        ", ".join(each.whole if each.name in same_name else each.name for each in many) for many in (gone, come)
    )
    if lost and found:
        yield f"notifies {found} instead of {lost}"
    elif found:
        yield f"notifies {found} too" if old else f"notifies {found}, nothing before"
    elif lost:
        yield f"no longer notifies {lost}"


def _muted(before: Picture, after: Picture, old_key: Key, new_key: Key) -> Iterator[str]:
    """Alerts that are gone mute nothing, which needs no words."""
    old = {each for each in before.muting.get(old_key, ()) if each.rule in after.alerts}
    new = set(after.muting.get(new_key, ()))
    if after.alerts[new_key].for_any_service:
        # For a service that is new, or gone, it is the same as for the others.
        new = {each for each in new if each.rule in before.alerts}
    if come := _names(new - old):
        yield f"muted while {come} fires"
    if gone := _names(old - new):
        yield f"no longer muted while {gone} fires"


def _names(sources: Iterable[InhibitionSource]) -> str:
    services: dict[str, list[str]] = defaultdict(list)
    for each in sorted(sources):
        services[each.service].append(each.name)
    return ", ".join(f"{' or '.join(names)} of {service}" for service, names in services.items())
