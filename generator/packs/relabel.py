"""metric_relabel_configs over printed series: what is left of an exporter's names once a pack has mapped them.

The contract needs it to hold a mapping pack's fixtures against the rules that it borrows. Prometheus does the real
work; this knows the actions that a mapping needs, and refuses others.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from generator.packs.fixtures import Series

_NAME = "__name__"


def relabelled(series: Sequence[Series], rules: Sequence[Mapping[str, Any]]) -> list[Series]:
    """The series as they are stored. Raises ValueError for an action that is not known here."""
    kept = []
    for each in series:
        labels: dict[str, str] | None = {**each.labels, _NAME: each.name}
        for rule in rules:
            labels = _apply(labels, rule) if labels is not None else None
        if labels is not None:
            kept.append(Series(labels.pop(_NAME, ""), labels))
    return kept


def _apply(labels: dict[str, str], rule: Mapping[str, Any]) -> dict[str, str] | None:
    action = rule.get("action", "replace")
    pattern = re.compile(str(rule.get("regex", "(.*)")))
    replacement = re.sub(r"\$\{?(\d+)\}?", r"\\\1", str(rule.get("replacement", "$1")))
    if action == "labeldrop":
        return {name: value for name, value in labels.items() if not pattern.fullmatch(name)}
    if action == "labelkeep":
        return {name: value for name, value in labels.items() if pattern.fullmatch(name)}
    if action == "labelmap":
        mapped = ((pattern.fullmatch(name), value) for name, value in labels.items())
        return labels | {match.expand(replacement): value for match, value in mapped if match}
    separator = str(rule.get("separator", ";"))
    match = pattern.fullmatch(separator.join(labels.get(name, "") for name in rule.get("source_labels", [])))
    if action == "keep":
        return labels if match else None
    if action == "drop":
        return None if match else labels
    if action != "replace":
        raise ValueError(f"the contract does not know the relabel action '{action}'")
    if match is None:
        return labels
    return _without_empty({**labels, str(rule["target_label"]): match.expand(replacement)})


def _without_empty(labels: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in labels.items() if value}
