"""What a part says it has loaded, against what was rendered: what all comparisons share. Pure: data in, answers out.

The seal decides (generator.render.seal): it covers all that was rendered for a part. Where it differs, each part's own
module says in what.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from generator import units
from generator.render.seal import seal_in

Loaded = Mapping[str, Any]
OTHER: Final = "its configuration is not the rendered one"


@dataclass(frozen=True, slots=True)
class LastLoad:
    """When a part last loaded its configuration (seconds since 1970), and whether it refused one since."""

    at: float
    refused: bool


def last_load(metrics: str, prefix: str) -> LastLoad | None:
    """What a part's own metrics say of its last load; None when they say nothing."""
    name = f"{prefix}_config_last_reload_success"
    at = re.search(rf"^{name}_timestamp_seconds (\S+)", metrics, re.MULTILINE)
    successful = re.search(rf"^{name}ful (\S+)", metrics, re.MULTILINE)
    return LastLoad(float(at[1]), float(successful[1]) == 0) if at and successful else None


def same_seal(loaded: Any, rendered: Any) -> bool:
    """Whether two lists or mappings of names hold the same seal, and only this one."""
    seals = [{seal for name in names or () if (seal := seal_in(str(name)))} for names in (loaded, rendered)]
    return seals[0] == seals[1] != set()


def holds(loaded: Any, wanted: Any) -> bool:
    """Whether everything in `wanted` is in `loaded`; what a server adds by default does not count, and what it leaves
    out when it prints is empty."""
    if loaded is None:
        return not wanted
    if isinstance(wanted, Mapping):
        return isinstance(loaded, Mapping) and all(holds(loaded.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        same_length = isinstance(loaded, list) and len(loaded) == len(wanted)
        return same_length and all(holds(a, b) for a, b in zip(loaded, wanted, strict=True))
    return bool(canonical(loaded) == canonical(wanted))


def canonical(value: Any) -> Any:
    """Durations as seconds, sizes as bytes, other numbers and words as text."""
    if isinstance(value, bool) or value is None:
        return value
    text = str(value)
    for parse in (units.parse_duration, units.parse_bytes):
        try:
            return parse(text)
        except ValueError:
            continue
    return text


def flat(config: Any, prefix: str = "") -> list[tuple[str, Any]]:
    """Leaves of nested mappings by dotted name."""
    if not isinstance(config, Mapping):
        return [(prefix, config)]
    return [leaf for key, value in config.items() for leaf in flat(value, f"{prefix}.{key}" if prefix else str(key))]
