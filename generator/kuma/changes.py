"""A plan for Uptime Kuma as values that can be printed, counted and applied.

Owns the shape of a plan. How one comes about is planner's business, what becomes of it applier's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from generator.kuma.model import Monitor, StatusPage
from generator.kuma.wire import KumaChannel, LiveChannel

Action = Literal["create", "update", "delete"]


@dataclass(frozen=True)
class FieldChange:
    """One field, old and new. Safe to print: a secret is shown as `(secret)` on both sides."""

    field: str
    old: object
    new: object


@dataclass(frozen=True, kw_only=True)
class KumaChange:
    """One thing to create, update or delete. `id` is Kuma's, absent for what is to be created."""

    kind: Literal["notification", "monitor", "status page"]
    action: Action
    key: str
    name: str
    id: int | None = None
    fields: tuple[FieldChange, ...] = ()
    desired: Monitor | KumaChannel | StatusPage | None = field(default=None, repr=False)


@dataclass(frozen=True)
class KumaPlan:
    """What apply would do, in the order in which it would do it.

    `foreign` are the names of monitors that a person made, `paused` the keys of ours that a person stopped, `pending`
    sentences about notifications that wait for a secret. `refusal` is why apply needs force.
    """

    changes: tuple[KumaChange, ...]
    unchanged: tuple[str, ...]
    foreign: tuple[str, ...]
    paused: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    refusal: str = ""
    needs_setup: bool = False
    monitor_ids: Mapping[str, int] = field(default_factory=dict, repr=False)
    channels: Mapping[str, LiveChannel] = field(default_factory=dict, repr=False)

    @property
    def empty(self) -> bool:
        """Nothing to do."""
        return not self.changes and not self.needs_setup

    def count(self, action: Action) -> int:
        """How many things would be created, updated or deleted."""
        return sum(change.action == action for change in self.changes)
