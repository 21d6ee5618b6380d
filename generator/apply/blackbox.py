"""The blackbox exporter: its modules, loaded again at a signal."""

from collections.abc import Mapping
from typing import Final

from generator.apply.readback import OTHER, Loaded, holds, last_load, same_seal
from generator.apply.reloading import Reloadable, reconciler, signal
from generator.apply.running import Running
from generator.artifact import Artifact
from generator.parts.table import PORTS
from generator.render.seal import seal_in
from generator.source.plain import load_plain

_BLACKBOX: Final = f"http://blackbox-exporter:{PORTS['blackbox-exporter']}"


def compare_blackbox(artifacts: Mapping[str, Artifact], loaded: Loaded) -> list[str]:
    """Differences of the modules, one of which is the seal."""
    wanted = load_plain(artifacts["prometheus/blackbox.yml"].content)["modules"]
    modules = loaded.get("modules") or {}
    if same_seal(modules, wanted):
        return []
    rest = {name for name in modules if not seal_in(name)} - set(wanted)
    found = [f"module {name} is not the rendered one" for name in sorted(wanted)
             if not seal_in(name) and not holds(modules.get(name), wanted[name])]  # fmt: skip
    return [*found, *(f"module {name} should be gone" for name in sorted(rest))] or [OTHER]


def _blackbox_differs(running: Running) -> list[str]:
    return compare_blackbox(running.artifacts, load_plain(running.inside(f"{_BLACKBOX}/config")) or {})


BLACKBOX: Final = Reloadable(
    "blackbox-exporter",
    _blackbox_differs,
    lambda running: last_load(running.inside(f"{_BLACKBOX}/metrics"), "blackbox_exporter"),
    signal("blackbox-exporter"),
    ("prometheus/blackbox.yml",),
)
RECONCILER: Final = reconciler("blackbox", BLACKBOX)
