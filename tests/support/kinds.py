"""The smallest services.yaml lines that make a service of each kind that a user can name."""

from collections.abc import Mapping
from typing import Final

from generator.packs import load_packs

# Kinds that are not typed: the compiler adds them, or `hosts:` and `slo:` do.
_ADDED: Final = frozenset({"bugsink", "containers", "host", "slo", "stack", "target"})
_NEEDS: Final[Mapping[str, str]] = {
    "flower": "targets: ['{name}:5555'], address: '{name}:6379'",
    "postgres": "address: '{name}:5432', dsn: secret:{name}_dsn",
    "probe": "targets: ['https://{name}.acme.dev']",
    "redis": "address: '{name}:6379'",
}
KINDS: Final = tuple(sorted(set(load_packs()) - _ADDED))


def service_line(name: str, kind: str) -> str:
    """One line below `services:`, for a service of this kind alone. `name` has letters alone."""
    needs = _NEEDS.get(kind, "targets: ['{name}:8000']").format(name=name)
    return f"  {name}: {{kind: {kind}, {needs}}}\n"
