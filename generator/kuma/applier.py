"""Carry out a plan: notifications, groups, children, changes, the status page; what is no longer declared
goes last.

Owns the order of writes and the way from our keys to Kuma's ids. It compares nothing: the plan says what to
do.
"""

from typing import Any

from generator.kuma.changes import KumaChange, KumaPlan
from generator.kuma.client import KumaClient
from generator.kuma.errors import KumaError
from generator.kuma.model import Monitor, StatusPage
from generator.kuma.wire import KumaChannel, changed_monitor, new_monitor, page_css


def apply_kuma(client: KumaClient, plan: KumaPlan, *, force: bool = False) -> None:
    """Make the server hold what the plan wants. A refused plan changes nothing unless forced."""
    if plan.refusal and not force:
        raise KumaError(plan.refusal, "if that is what you want, apply again with --force")
    _Run(client, plan).all()


class _Run:
    """One application of one plan: the ids of what it has made so far."""

    def __init__(self, client: KumaClient, plan: KumaPlan) -> None:
        self._client, self._plan = client, plan
        self._monitors, self._channels = (
            dict(plan.monitor_ids),
            {key: c.id for key, c in plan.channels.items()},
        )

    def all(self) -> None:
        for change in self._plan.changes:
            if change.action == "delete":
                self._delete(change)
            elif isinstance(change.desired, KumaChannel):
                self._save_channel(change, change.desired)
            elif isinstance(change.desired, StatusPage):
                self._save_page(change, change.desired)
            elif change.desired is not None:
                self._save_monitor(change, change.desired)

    def _save_channel(self, change: KumaChange, channel: KumaChannel) -> None:
        now = self._plan.channels.get(change.key)
        config = {**(now.config if now else {}), **channel.config}
        self._channels[change.key] = self._client.save_notification(config, change.id)

    def _save_monitor(self, change: KumaChange, monitor: Monitor) -> None:
        parent = self._monitors[monitor.parent] if monitor.parent is not None else None
        # One that waits for its secret has no id yet.
        bound = {self._channels[key] for key in monitor.notify if key in self._channels}
        if change.id is None:
            payload = new_monitor(monitor, parent, bound, since_2_0=self._client.since_2_0)
            self._monitors[change.key] = self._client.add_monitor(payload)
            return
        now = self._client.get_monitor(change.id)
        foreign = {int(id_) for id_, on in now["notificationIDList"].items() if on} - set(self._channels.values())
        self._client.edit_monitor(changed_monitor(now, monitor, parent, bound | foreign))
        if not now["active"] and not now.get("forceInactive"):
            # 2.0.0-dev.0 starts a paused monitor when it is edited; elsewhere this changes nothing.
            self._client.pause_monitor(change.id)

    def _save_page(self, change: KumaChange, page: StatusPage) -> None:
        if change.action == "create":
            self._client.add_status_page(page.title, page.slug)
        config = self._client.page_config(page.slug)
        config |= {"title": page.title, "customCSS": page_css(config.get("customCSS"), page.slug)}
        groups: list[dict[str, Any]] = [
            {"name": group.name, "monitorList": [{"id": self._monitors[key]} for key in group.monitors]}
            for group in page.groups
        ]
        self._client.save_status_page(config, groups)

    def _delete(self, change: KumaChange) -> None:
        if change.kind == "status page":
            self._client.delete_status_page(change.key)
        elif change.id is not None and change.kind == "monitor":
            self._client.delete_monitor(change.id)
        elif change.id is not None:
            self._client.delete_notification(change.id)
