"""Durations, percentages and byte sizes: how people write them and how Prometheus wants them.

Durations are whole seconds, ratios are floats from 0 to 1, sizes are whole bytes. What can be read in one way alone is
taken however it is spelt; all else raises ValueError with a sentence that can be shown to a user, and the spelling
that works in it.
"""

import math
import re
from fractions import Fraction
from functools import lru_cache
from typing import Final

_SECONDS: Final = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
# A year is Prometheus' own: 365 days. Months differ in length, and `M` could be one of them.
_TIMES: Final = {
    **{word: Fraction(1, 1000) for word in ("ms", "millisecond", "milliseconds")},
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), Fraction(1)),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), Fraction(60)),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), Fraction(3600)),
    **dict.fromkeys(("d", "day", "days"), Fraction(86400)),
    **dict.fromkeys(("w", "week", "weeks"), Fraction(604800)),
    **dict.fromkeys(("y", "year", "years"), Fraction(365 * 86400)),
}
_BYTES: Final = {
    "B": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}
# `Gi` is what Kubernetes writes. `G` alone is a GiB to Docker and a GB to Kubernetes.
_SIZES: Final = {
    **{unit.lower(): size for unit, size in _BYTES.items()},
    **{unit[:2].lower(): size for unit, size in _BYTES.items() if unit.endswith("iB")},
}
# With as many digits as any machine needs: a longer number is a slip of the hand.
_NUMBER: Final = r"\d{1,15}(?:\.\d{1,9})?"
DURATION_PATTERN: Final = rf"{_NUMBER}\s*[A-Za-z]+(\s*{_NUMBER}\s*[A-Za-z]+)*"
SIZE_PATTERN: Final = r"\d+(\.\d+)?\s*([KkMmGgTt]i|([KkMmGgTt]i?)?[Bb])"
NUMBER_PATTERN: Final = rf"-?{_NUMBER}([eE][+-]?\d{{1,2}})?"
PERCENT_PATTERN: Final = r"\d+([.,]\d+)?\s*%"


def how_far(done: int, total: int, seconds: float) -> str:
    """`7 of 17, about 6 min left`, when the ones that are done have taken so many seconds."""
    left = seconds / done * (total - done)
    about = f"{round(left / 60)} min" if left >= 90 else f"{max(round(left / 10) * 10, 10)} s"
    return f"{done} of {total}, about {about} left"


def parse_duration(text: str) -> int:
    """Seconds in a duration of whole ones, such as `90d`, `1h 30m` or `1.5h`."""
    seconds = _exact_seconds(text)
    if seconds.denominator != 1:
        raise ValueError(f"'{text}' is not a duration of whole seconds; write for example 1s or 2s")
    return int(seconds)


def parse_seconds(text: str) -> float:
    """Seconds in a duration that may be below one, such as `300ms` or `0.3s`."""
    return float(_exact_seconds(text))


# The same few words stand in thousands of places.
@lru_cache(maxsize=4096)
def _exact_seconds(text: str) -> Fraction:
    stripped = text.strip()
    parts = re.findall(rf"({_NUMBER})\s*([A-Za-z]+)", stripped)
    # `5M` is no minute, whatever else it may be; all other units are the same in capitals.
    units = [unit if unit == "M" else unit.lower() for _, unit in parts]
    if not re.fullmatch(DURATION_PATTERN, stripped) or any(unit not in _TIMES for unit in units):
        raise ValueError(f"'{text}' is not a duration; {_time_hint(stripped)}")
    return sum((Fraction(number) * _TIMES[unit] for (number, _), unit in zip(parts, units, strict=True)), Fraction(0))


def _time_hint(text: str) -> str:
    """The spelling that works."""
    months = re.fullmatch(r"(\d{1,3})\s*(?:M|mo|mon|months?)", text)
    if months:
        minutes = f", or {months[1]}m for minutes" if text.endswith("M") else ""
        return f"a month has no fixed length: write {int(months[1]) * 30}d{minutes}"
    if re.fullmatch(r"\d{1,15}", text):
        return f"write {text}s, {text}m, {text}h or {text}d"
    if re.fullmatch(r"\d{1,15},\d{1,9}\s*[a-z]+", text):
        return f"write {text.replace(',', '.')}"
    clock = re.fullmatch(r"(\d{1,2}):(\d{2})", text)
    if clock:
        return f"write {int(clock[1])}h{int(clock[2])}m, or {int(clock[1])}m{int(clock[2])}s"
    return "write a number and a unit, such as 30s, 5m, 12h or 90d"


@lru_cache(maxsize=4096)
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
    """The ratio in a percentage such as `99.9%` or `99,9 %`, from 0 to 1."""
    if not re.fullmatch(PERCENT_PATTERN, text.strip()):
        number = re.fullmatch(r"\d+(?:[.,]\d+)?", text.strip())
        hint = ratio_hint(float(number[0].replace(",", "."))) if number else "write a number and %, such as 5% or 99.9%"
        raise ValueError(f"'{text}' is not a percentage; {hint}")
    percent = float(text.strip().rstrip("% ").replace(",", "."))
    if percent > 100:
        raise ValueError(f"'{text}' is more than 100%")
    return round(percent / 100, 12)


def ratio_hint(number: float) -> str:
    """What to write for a number without its sign: 0.05 can be meant as 5% or as 0.05%."""
    shown = format_number(number)
    if not 0 <= number <= 100:
        return "write a number from 0 to 100 and %, such as 5% or 99.9%"
    return f"write {format_ratio(number)}, or {shown}%" if 0 < number <= 1 else f"write {shown}%"


def parse_objective(value: str | int | float) -> float:
    """The target of an objective. A target below half is not useful, which distinguishes 0.999 from 99.9."""
    number = _plain_number(value)
    if number is None:
        return parse_ratio(str(value))
    if 0.5 <= number < 1:
        return round(number, 12)
    if 50 <= number <= 100:
        return round(number / 100, 12)
    raise ValueError(f"{value} is not a percentage; {ratio_hint(number)}")


def _plain_number(value: str | int | float) -> float | None:
    text = str(value).strip()
    return float(text.replace(",", ".")) if re.fullmatch(r"\d{1,15}([.,]\d{1,12})?", text) else None


def format_ratio(ratio: float) -> str:
    """A ratio as a percentage for people: 0.005 -> `0.5%`."""
    return f"{format_number(ratio * 100)}%"


def parse_bytes(text: str) -> int:
    """Bytes in a size such as `4GiB`, `4Gi`, `60GB` or `60 gb`."""
    stripped = text.strip()
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)", stripped)
    if not match or match[2].lower() not in _SIZES:
        raise ValueError(f"'{text}' is not a size; {_size_hint(stripped)}")
    size = float(match[1]) * _SIZES[match[2].lower()]
    if not math.isfinite(size):
        raise ValueError(f"'{text}' is not a size that any machine has")
    return int(size)


def _size_hint(text: str) -> str:
    """The spelling that works."""
    letter = re.fullmatch(r"(\d{1,15}(?:\.\d+)?)\s*([kKmMgGtT])", text)
    if letter:
        unit = letter[2].upper()
        return f"write {letter[1]}{unit}iB, or {letter[1]}{'k' if unit == 'K' else unit}B"
    if re.fullmatch(r"\d{1,15}(?:\.\d+)?", text):
        return f"write {text}MiB or {text}GiB"
    if re.fullmatch(r"\d{1,15},\d+\s*[A-Za-z]+", text):
        return f"write {text.replace(',', '.')}"
    return "write a number and a unit, such as 512MiB or 4GiB"


def parse_whole(value: str | int | float) -> int:
    """A whole number, as 20000, 1e5 or 20_000."""
    text = str(value).strip()
    if re.fullmatch(r"-?\d{1,3}([_' ]\d{3})+|-?\d{1,18}", text):
        return int(re.sub(r"[_' ]", "", text))
    if re.fullmatch(r"-?\d{1,15}(\.\d{1,9})?([eE]\+?\d{1,2})?", text):
        number = Fraction(text)
        if number.denominator == 1 and abs(number) < 10**18:
            return int(number)
    thousands = re.fullmatch(r"(\d{1,9}(?:\.\d{1,3})?)\s*[kK]", text)
    hint = f"; write {int(Fraction(thousands[1]) * 1000)}" if thousands else ""
    raise ValueError(f"'{value}' is not a whole number{hint}")


def parse_number(text: str) -> float | int:
    """A number that was written as text: `3`, `"1e3"`. A factor may have its x: `3x`."""
    match = re.fullmatch(rf"({NUMBER_PATTERN})\s*x?", text.strip())
    if not match:
        comma = re.fullmatch(r"-?\d{1,15},\d{1,9}", text.strip())
        hint = f"; write {text.strip().replace(',', '.')}" if comma else ""
        raise ValueError(f"'{text}' is not a number{hint}")
    number = Fraction(match[1])
    return int(number) if number.denominator == 1 else float(number)


def format_bytes(size: int) -> str:
    """The largest binary unit that is exact, else MiB rounded down: 2147483648 -> `2GiB`."""
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        if size and size % _BYTES[unit] == 0:
            return f"{size // _BYTES[unit]}{unit}"
    return f"{size // _BYTES['MiB']}MiB" if size >= _BYTES["MiB"] else f"{size}B"


def missing_unit(kind: str, number: float) -> str:
    """What is wrong with a bare number, and the spelling that works."""
    shown = f"{number:g}" if isinstance(number, float) else str(number)
    units = {"duration": ("ms", "s", "m"), "bytes": ("MiB", "GiB")}.get(kind)
    hint = f"write {' or '.join(shown + unit for unit in units)}" if units else ratio_hint(number)
    return f"{shown} needs a unit; {hint}"


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
