"""What Prometheus makes of an alert's annotation templates: the few functions that packs use, written again.

Proofs expect exact annotations, and an expectation copied from Prometheus' own output would prove nothing. What is
not known here is an error, so a pack can only use what a proof can foretell.
"""

import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

_PLACEHOLDER: Final = re.compile(r"\{\{\s*(.*?)\s*\}\}")
_LARGE: Final = ("k", "M", "G", "T", "P", "E", "Z", "Y")
_LARGE_BINARY: Final = ("ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi")
_SMALL: Final = ("m", "u", "n", "p", "f", "a", "z", "y")


_CHOICE: Final = re.compile(r"\{\{ if .*?\{\{ end \}\}")
_CASE: Final = re.compile(r'if eq \$labels\.(\w+)((?: "[^"]*")+) \}\}([^{]*)\{\{ else')


def choose(template: str, labels: Mapping[str, str]) -> str:
    """`template` with each choice by a label made, as in `{{ if eq $labels.a "b" "c" }}d{{ else }}e{{ end }}`."""

    def chosen(match: re.Match[str]) -> str:
        for case in _CASE.finditer(match[0]):
            if labels.get(case[1], "") in re.findall(r'"([^"]*)"', case[2]):
                return case[3]
        return match[0].rpartition("{{ else }}")[2].removesuffix("{{ end }}")

    return _CHOICE.sub(chosen, template)


def expand(template: str, labels: Mapping[str, str], value: float | None) -> str:
    """`template` for an alert with these labels and this value. Raises ValueError on anything unknown."""
    template = choose(template, labels)

    def replaced(match: re.Match[str]) -> str:
        words = match[1]
        if words.startswith("$labels."):
            return labels.get(words.removeprefix("$labels."), "")
        name, _, function = (part.strip() for part in words.partition("|"))
        if name != "$value" or function not in FUNCTIONS:
            known = ", ".join(filter(None, FUNCTIONS))
            raise ValueError(f"a proof cannot foretell '{{{{ {words} }}}}'; known: $labels.NAME, $value, {known}")
        if value is None:
            raise ValueError("the text shows $value, so the case in tests.yaml must say which value")
        return FUNCTIONS[function](value)

    if "{{" in _PLACEHOLDER.sub("", template):
        raise ValueError("'{{' opens a placeholder that nothing closes; write {{ $value }} or {{ $labels.NAME }}")
    return _PLACEHOLDER.sub(replaced, template)


def _shrink(value: float, base: float, prefixes: tuple[str, ...]) -> tuple[float, str]:
    shown = ""
    for prefix in prefixes:
        if abs(value) < base:
            break
        shown, value = prefix, value / base
    return value, shown


def _grow(value: float) -> tuple[float, str]:
    shown = ""
    for prefix in _SMALL:
        if abs(value) >= 1:
            break
        shown, value = prefix, value * 1000
    return value, shown


def plain(value: float) -> str:
    """A number as Go prints it, with every digit: 150 -> `150`, 2500000 -> `2.5e+06`."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    digits, _, exponent = f"{Decimal(repr(value)).normalize():E}".partition("E")
    power = int(exponent)
    if value != 0 and not -4 <= power < 6:
        return f"{digits}e{'-' if power < 0 else '+'}{abs(power):02d}"
    return f"{Decimal(repr(value)).normalize():f}"


def humanize(value: float) -> str:
    """A number with a metric prefix: 1234567 -> `1.235M`."""
    if value == 0 or not math.isfinite(value):
        return f"{value:.4g}"
    shown, prefix = _shrink(value, 1000, _LARGE) if abs(value) >= 1 else _grow(value)
    return f"{shown:.4g}{prefix}"


def humanize1024(value: float) -> str:
    """A number with a binary prefix: 2147483648 -> `2Gi`."""
    if abs(value) <= 1 or not math.isfinite(value):
        return f"{value:.4g}"
    shown, prefix = _shrink(value, 1024, _LARGE_BINARY)
    return f"{shown:.4g}{prefix}"


def humanize_percentage(value: float) -> str:
    """A ratio as a percentage: 0.05 -> `5%`."""
    return f"{value * 100:.4g}%"


def humanize_duration(value: float) -> str:
    """Seconds as days to seconds, or with a small unit: 90061 -> `1d 1h 1m 1s`, 0.25 -> `250ms`."""
    if value == 0 or not math.isfinite(value):
        return f"{value:.4g}s" if value == 0 else f"{value:.4g}"
    if abs(value) < 1:
        shown, prefix = _grow(value)
        return f"{shown:.4g}{prefix}s"
    sign, value = ("-", -value) if value < 0 else ("", value)
    minutes, seconds = divmod(int(value), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{sign}{days}d {hours}h {minutes}m {seconds}s"
    if hours:
        return f"{sign}{hours}h {minutes}m {seconds}s"
    return f"{sign}{minutes}m {seconds}s" if minutes else f"{sign}{value:.4g}s"


FUNCTIONS: Final[Mapping[str, Callable[[float], str]]] = {
    "": plain,
    "humanize": humanize,
    "humanize1024": humanize1024,
    "humanizeDuration": humanize_duration,
    "humanizePercentage": humanize_percentage,
}
