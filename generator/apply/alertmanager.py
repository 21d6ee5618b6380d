"""Alertmanager: its configuration and the templates of messages, loaded again at a signal."""

from collections.abc import Mapping
from typing import Final

from generator.apply.readback import OTHER, holds, last_load, same_seal
from generator.apply.reloading import Reloadable, reconciler, signal
from generator.apply.running import Running
from generator.artifact import Artifact
from generator.clients import alertmanager
from generator.conventions import ALERTMANAGER_PATH
from generator.source.plain import load_plain


def compare_alertmanager(artifacts: Mapping[str, Artifact], loaded: str) -> list[str]:
    """Differences of the configuration and the templates. Alertmanager prints its configuration in its own words, with
    secrets blanked; none are in ours."""
    wanted = load_plain(artifacts["alertmanager/alertmanager.yml"].content)
    config = load_plain(loaded) or {}
    if same_seal(config.get("templates"), wanted["templates"]):
        return []
    found = [f"'{key}' is not the rendered one" for key in sorted(set(wanted) - {"templates"})
             if not holds(config.get(key), wanted[key])]  # fmt: skip
    return found or [OTHER]


def _alertmanager_differs(running: Running) -> list[str]:
    return compare_alertmanager(running.artifacts, alertmanager.loaded_config(_url(running)))


def _url(running: Running) -> str:
    return f"{running.local_url}{ALERTMANAGER_PATH}"


ALERTMANAGER: Final = Reloadable(
    "alertmanager",
    _alertmanager_differs,
    lambda running: last_load(alertmanager.own_metrics(_url(running)), "alertmanager"),
    signal("alertmanager"),
    ("alertmanager/alertmanager.yml", "alertmanager/templates"),
)
RECONCILER: Final = reconciler("alertmanager", ALERTMANAGER)
