"""The difference between what Uptime Kuma should hold and what it holds.

Pure: no server, no file, no clock. Rules that live here and nowhere else:
- Only what carries our mark is ours; everything else is foreign, counted and never touched.
- Only declared fields are compared. Whether a monitor is paused is not declared: an operator's pause
  survives.
- Deletions are guarded, see `_refusal`.
"""

from collections.abc import Iterable, Mapping, Set
from typing import Any, Final, TypeVar

from pydantic import SecretStr

from generator.kuma.changes import FieldChange, KumaChange, KumaPlan
from generator.kuma.errors import KumaError
from generator.kuma.model import Monitor, StatusPage
from generator.kuma.wire import (
    SHOWN_FIELDS,
    Desired,
    LiveChannel,
    LiveMonitor,
    LivePage,
    LiveState,
    monitor_fields,
)

# Up to this many monitors may go without asking; more only while they are neither many nor a large share.
FREE_DELETIONS: Final = 5
MAX_DELETIONS: Final = 10
MAX_DELETED_SHARE: Final = 0.3
_HIDDEN: Final = "(secret)"


def plan_kuma(desired: Desired, live: LiveState, *, needs_setup: bool = False) -> KumaPlan:
    """Compare; raises KumaError when Kuma holds something that makes ownership unclear."""
    monitors, channels = _owned(live.monitors, "monitors"), _owned(live.channels, "notifications")
    found = [
        *_plan_channels(desired, channels),
        *_plan_monitors(desired, monitors, channels),
        *_plan_pages(desired.page, live.pages, monitors),
    ]
    changes = tuple(c for c in found if c.fields or c.action != "update")
    # Deletions go last, so that a failure half-way leaves too much rather than too little.
    ordered = sorted(changes, key=lambda c: c.action == "delete")
    return KumaPlan(
        changes=tuple(ordered),
        unchanged=tuple(f"{c.kind} {c.key}" for c in found if c.action == "update" and not c.fields),
        foreign=tuple(sorted(str(m.fields.get("name", "")) for m in live.monitors if m.key is None)),
        paused=tuple(sorted(key for key, m in monitors.items() if not m.active)),
        pending=tuple(desired.pending[key] for key in sorted(desired.pending)),
        refusal=_refusal(changes, len(monitors), len(desired.monitors)),
        needs_setup=needs_setup,
        monitor_ids={key: m.id for key, m in monitors.items()},
        channels=channels,
    )


_Live = TypeVar("_Live", LiveMonitor, LiveChannel)


def _owned(things: Iterable[_Live], what: str) -> dict[str, _Live]:
    """Ours by key. Two with one key: someone cloned a thing of ours in the browser, and we must not guess
    which it is."""
    owned: dict[str, _Live] = {}
    for thing in things:
        if thing.key is None:
            continue
        if thing.key in owned:
            raise KumaError(
                f"two {what} in Uptime Kuma carry lookout-key={thing.key}: ids {owned[thing.key].id} and {thing.id}",
                "one is a copy made by hand: take lookout-key out of its description, or delete it",
            )
        owned[thing.key] = thing
    return owned


def _refusal(changes: Iterable[KumaChange], owned: int, desired: int) -> str:
    """Why the deletions need force, or an empty string.

    Deleting a monitor deletes its history. Up to 5 go freely (a service was removed), as long as something
    stays: more only when they are at most 10 and at most 30 % of what is ours. An empty file never wipes a
    server.
    """
    gone = sum(c.action == "delete" and c.kind == "monitor" for c in changes)
    if gone and not desired:
        return f"all {gone} monitors and their history would be deleted"
    if gone <= FREE_DELETIONS or (gone <= MAX_DELETIONS and gone <= MAX_DELETED_SHARE * owned):
        return ""
    return f"{gone} of {owned} monitors and their history would be deleted"


def _plan_channels(desired: Desired, live: Mapping[str, LiveChannel]) -> Iterable[KumaChange]:
    wanted = {channel.key: channel for channel in desired.channels}
    for key, channel in wanted.items():
        now = live.get(key)
        if now is None:
            yield KumaChange(kind="notification", action="create", key=key, name=channel.name, desired=channel)
            continue
        changed = ((name, now.config.get(name), new) for name, new in channel.config.items())
        fields = tuple(_channel_change(*c) for c in changed if c[1] != _reveal(c[2]))
        yield KumaChange(
            kind="notification",
            action="update",
            key=key,
            name=channel.name,
            id=now.id,
            fields=fields,
            desired=channel,
        )
    for key in sorted(live.keys() - wanted.keys() - desired.pending.keys()):
        yield KumaChange(kind="notification", action="delete", key=key, name=live[key].name, id=live[key].id)


def _reveal(value: str | SecretStr) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _channel_change(name: str, old: object, new: str | SecretStr) -> FieldChange:
    return FieldChange(name, old, _reveal(new)) if name in SHOWN_FIELDS else FieldChange(name, _HIDDEN, _HIDDEN)


def _plan_monitors(
    desired: Desired, live: Mapping[str, LiveMonitor], channels: Mapping[str, LiveChannel]
) -> Iterable[KumaChange]:
    wanted = {monitor.key: monitor for monitor in desired.monitors}
    unbindable = desired.pending.keys() - channels.keys()
    keys = {m.id: key for key, m in live.items()}
    channel_keys = {c.id: key for key, c in channels.items()}
    for key in sorted(wanted, key=lambda k: (_depth(k, wanted), k)):
        monitor, now = wanted[key], live.get(key)
        if now is None:
            yield KumaChange(kind="monitor", action="create", key=key, name=monitor.name, desired=monitor)
            continue
        fields = tuple(_monitor_changes(monitor, now, keys, channel_keys, unbindable))
        yield KumaChange(
            kind="monitor",
            action="update",
            key=key,
            name=monitor.name,
            id=now.id,
            fields=fields,
            desired=monitor,
        )
    gone = [live[key] for key in live.keys() - wanted.keys()]
    for m in sorted(gone, key=lambda m: (m.fields.get("type") == "group", m.key)):
        yield KumaChange(kind="monitor", action="delete", key=str(m.key), name=str(m.fields.get("name")), id=m.id)


def _depth(key: str, wanted: Mapping[str, Monitor]) -> int:
    """How many groups are above: parents are made before their children."""
    parent = wanted[key].parent
    return 0 if parent is None else 1 + _depth(parent, wanted)


def _monitor_changes(
    monitor: Monitor,
    now: LiveMonitor,
    keys: Mapping[int, str],
    channel_keys: Mapping[int, str],
    unbindable: Set[str],
) -> Iterable[FieldChange]:
    for name, new in monitor_fields(monitor).items():
        if (old := now.fields.get(name)) != new:
            yield FieldChange(name, old, new)
    parent = None if now.parent is None else keys.get(now.parent, f"#{now.parent}")
    if parent != monitor.parent:
        yield FieldChange("parent", parent, monitor.parent)
    # Bindings to notifications that a person made are theirs.
    bound = sorted(channel_keys[id_] for id_ in now.bound if id_ in channel_keys)
    if bound != (wanted := sorted(set(monitor.notify) - unbindable)):
        yield FieldChange("notify", bound, wanted)


def _plan_pages(
    desired: StatusPage | None, live: Iterable[LivePage], monitors: Mapping[str, LiveMonitor]
) -> Iterable[KumaChange]:
    """A page that a person filled is never taken over; an empty one of our name is what a broken run
    leaves."""
    pages = {page.slug: page for page in live}
    now = pages.get(desired.slug) if desired else None
    if desired and now is None:
        yield KumaChange(kind="status page", action="create", key=desired.slug, name=desired.title, desired=desired)
    elif desired and now:
        if now.key is None and (now.groups or now.config.get("title") != desired.title):
            raise KumaError(
                f"Uptime Kuma has a status page '{desired.slug}' that was made by hand",
                "give it another slug in Uptime Kuma, or delete it",
            )
        fields = tuple(_page_changes(desired, now, {m.id: key for key, m in monitors.items()}))
        yield KumaChange(
            kind="status page",
            action="update",
            key=desired.slug,
            name=desired.title,
            fields=fields,
            desired=desired,
        )
    for slug in sorted(pages):
        if pages[slug].key is not None and (desired is None or slug != desired.slug):
            yield KumaChange(kind="status page", action="delete", key=slug, name=str(pages[slug].config.get("title")))


def _page_changes(desired: StatusPage, now: LivePage, keys: Mapping[int, str]) -> Iterable[FieldChange]:
    if now.config.get("title") != desired.title:
        yield FieldChange("title", now.config.get("title"), desired.title)
    old: list[Any] = [[name, [keys.get(id_, f"#{id_}") for id_ in ids]] for name, ids in now.groups]
    new: list[Any] = [[group.name, list(group.monitors)] for group in desired.groups]
    if old != new:
        yield FieldChange("groups", old, new)
    if now.key is None:
        yield FieldChange("lookout-key", None, desired.slug)
