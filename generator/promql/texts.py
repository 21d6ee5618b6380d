"""Templates in the texts of alerts: what they show of the alert. Reads only; promql.expansion fills them in."""

import re
from typing import Final

_LABEL: Final = re.compile(r"\{\{[^}]*\$labels\.(\w+)")
_VALUE: Final = re.compile(r"\{\{\s*\$value\s*(?:\|\s*(\w+)\s*)?\}\}")


def labels_used(text: str) -> frozenset[str]:
    """The labels that a text shows."""
    return frozenset(_LABEL.findall(text))


def values_used(text: str) -> frozenset[str]:
    """The functions through which a text shows the value; an empty word where there is none."""
    return frozenset(_VALUE.findall(text))
