"""The plan as people read it: first what changes for them, in a few sentences. Files come after that, elsewhere.

Owns the order of the sentences and how they are laid out. It sees two trees of rendered files, reads nothing and writes
nothing; the trees may come from two versions of Lookout.
"""

import textwrap
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from generator.changes.alerts import PeopleChange, alert_changes
from generator.changes.picture import Picture, settled
from generator.changes.rules import Files, is_rules
from generator.changes.surroundings import dashboard_changes, is_routing, rest, service_changes, setting_changes

_WIDTH: Final = 116


def people_changes(before: Files, after: Files) -> tuple[PeopleChange, ...]:
    """Everything that changes for people between two trees, the most important first."""
    changed = {path for path in {*before, *after} if before.get(path) != after.get(path)}
    if not changed:
        return ()
    routing = any(settled(before.get(path, "")) != settled(after.get(path, "")) for path in changed if is_routing(path))
    read = {path for path in {*before, *after} if is_rules(path) and (routing or path in changed)}
    pictures = Picture(before, read), Picture(after, read)
    alerts = alert_changes(*pictures)
    services = [*service_changes(*pictures)] if routing else []
    sentences = [
        *dashboard_changes(before, after),
        *setting_changes(before, after),
        *rest(before, after, bool(alerts or services)),
    ]
    return (*map(PeopleChange, services), *alerts, *map(PeopleChange, sentences))


def lines(changes: Iterable[PeopleChange]) -> list[str]:
    """The changes as lines of text."""
    return [line for change in changes for line in _lines(change)]


def _lines(change: PeopleChange) -> list[str]:
    if not change.alerts:
        return _wrapped(change.text, "")
    to = f"{change.severity or 'no severity'}, to {', '.join(change.receivers) or 'no receiver'}"
    if len(change.alerts) == 1:
        ((service, name),) = change.alerts
        return _wrapped(f"{name} of {service}: {change.text} ({to})", "")
    return [*_wrapped(f"{len(change.alerts)} alerts: {change.text} ({to})", ""), *_named(change.alerts)]


def _named(alerts: Iterable[tuple[str, str]]) -> list[str]:
    """The names, once for all services that have the same ones."""
    names: dict[str, list[str]] = defaultdict(list)
    for service, name in alerts:
        names[service].append(name)
    services: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for service, each in names.items():
        services[tuple(each)].append(service)
    return [line for each, of in services.items() for line in _wrapped(f"{', '.join(each)} of {', '.join(of)}", "  ")]


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ", break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
