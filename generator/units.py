"""Durations, percentages and byte sizes: how people write them and how Prometheus wants them.

Durations are whole seconds, ratios are floats from 0 to 1, sizes are whole bytes. Parsing raises ValueError
with a sentence that can be shown to a user.
"""

import math
import re
from typing import Final

_SECONDS: Final = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
_BYTES: Final = {
    "B": 1,
    "kB": 10**3,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}


def parse_duration(text: str) -> int:
    """Seconds in a Prometheus duration such as `90d` or `1h30m`."""
    if not re.fullmatch(r"(\d+[wdhms])+", text):
        raise ValueError(f"'{text}' is not a duration; write a number and a unit, such as 30s, 5m, 12h or 90d")
    return sum(int(number) * _SECONDS[unit] for number, unit in re.findall(r"(\d+)([wdhms])", text))


def parse_seconds(text: str) -> float:
    """Seconds in a duration that may be below one, such as `300ms` or `2s`."""
    return int(text[:-2]) / 1000 if re.fullmatch(r"\d+ms", text) else parse_duration(text)


def format_duration(seconds: int) -> str:
    """The canonical Prometheus spelling, largest units first: 5400 -> `1h30m`, 0 -> `0s`.

    Weeks are left out and whole days are used, as Prometheus prints its own configuration.
    """
    if seconds == 0:
        return "0s"
    parts = []
    for unit in "dhms":
        amount, seconds = divmod(seconds, _SECONDS[unit])
        if amount:
            parts.append(f"{amount}{unit}")
    return "".join(parts)


def parse_ratio(text: str) -> float:
    """The ratio in a percentage such as `99.9%`, from 0 to 1."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", text)
    if not match:
        raise ValueError(f"'{text}' is not a percentage; write a number and %, such as 5% or 99.9%")
    percent = float(match[1])
    if percent > 100:
        raise ValueError(f"'{text}' is more than 100%")
    return round(percent / 100, 12)


def format_ratio(ratio: float) -> str:
    """A ratio as a percentage for people: 0.005 -> `0.5%`."""
    return f"{format_number(ratio * 100)}%"


def parse_bytes(text: str) -> int:
    """Bytes in a size such as `4GiB` or `60GB`."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kKMGT]i?B|B)", text)
    if not match or match[2] not in _BYTES:
        raise ValueError(f"'{text}' is not a size; write a number and a unit, such as 512MiB or 4GiB")
    size = float(match[1]) * _BYTES[match[2]]
    if not math.isfinite(size):
        raise ValueError(f"'{text}' is not a size that any machine has")
    return int(size)


def format_bytes(size: int) -> str:
    """The largest binary unit that is exact, else MiB rounded down: 2147483648 -> `2GiB`."""
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        if size and size % _BYTES[unit] == 0:
            return f"{size // _BYTES[unit]}{unit}"
    return f"{size // _BYTES['MiB']}MiB" if size >= _BYTES["MiB"] else f"{size}B"


def format_number(value: float) -> str:
    """A number without float noise, the same on every machine: 5.000000000000001 -> `5`."""
    return f"{round(value, 9):.9f}".rstrip("0").rstrip(".")


def format_value(kind: str, value: float | int | str) -> str:
    """A parameter of a pack as a user would write it: ratio 0.05 -> `5%`, duration 0.3 -> `300ms`."""
    if isinstance(value, str):
        return value
    if kind == "ratio":
        return format_ratio(value)
    if kind == "bytes":
        return format_bytes(int(value))
    if kind == "duration":
        whole = value >= 1 and float(value).is_integer()
        return format_duration(int(value)) if whole or value == 0 else f"{format_number(value * 1000)}ms"
    return format_number(value)
