"""Every label that Alertmanager's configuration uses exists on alerts: every label of a matcher, a group, an
inhibition, a template.

A label that an alert lacks counts as empty there: two alerts that both lack it are equal, and one silences the other.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from generator.artifact import Artifact
from generator.diagnostics import Diagnostic
from generator.promql.tree import ANY_LABEL, Labels, PromQLError, parse, result_labels
from generator.site.model import Alert, Site
from generator.source.plain import load_plain

_CONFIG: Final = "alertmanager/alertmanager.yml"
_MATCHER: Final = re.compile(r'^\s*(?P<label>\w+)\s*(?P<how>=~|!~|!=|=)\s*"(?P<value>(?:[^"\\]|\\.)*)"\s*$')
_SHOWN: Final = re.compile(r"\.(?:Common|Group)?Labels\.(\w+)")
# A template asks whether there is one before it shows it.
_ASKED: Final = re.compile(r"\{\{-?\s*(?:with|if)\s[^}]*?\.(?:Common|Group)?Labels\.(\w+)")


def check_labels(site: Site, artifacts: Mapping[str, Artifact]) -> list[Diagnostic]:
    """A problem for each label that some alert lacks, with the alerts that do."""
    if _CONFIG not in artifacts:
        return []
    config = load_plain(artifacts[_CONFIG].content)
    everybody = [(alert, _labels_of(alert)) for alert in site.alerts]
    found = [_lacking(_CONFIG, where, label, everybody) for where, label in _of_routes(config["route"])]
    for rule in config.get("inhibit_rules", []):
        for side in ("source_matchers", "target_matchers"):
            concerned = [each for each in everybody if _may_match(*each, rule[side])]
            where = f"the {side.partition('_')[0]} of inhibit rule {rule['name']}"
            found += [_lacking(_CONFIG, where, label, concerned) for label in rule.get("equal", [])]
    for path, artifact in artifacts.items():
        if path.startswith("alertmanager/templates/"):
            shown = set(_SHOWN.findall(artifact.content)) - set(_ASKED.findall(artifact.content))
            found += [_lacking(path, "a message", label, everybody) for label in sorted(shown)]
    return [problem for problem in found if problem is not None]


def _labels_of(alert: Alert) -> Labels:
    try:
        carried = result_labels(parse(alert.expr))
    except PromQLError:  # promtool says so
        carried = ANY_LABEL
    return carried.plus(frozenset({"alertname", *alert.labels}))


def _of_routes(route: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Where a label is asked for in the tree of routes, and which."""
    where = f"the route to {route['receiver']}"
    for label in route.get("group_by", []):
        if label != "...":
            yield where, label
    for matcher in route.get("matchers", []):
        match = _MATCHER.match(matcher)
        if match:
            yield where, match["label"]
    for child in route.get("routes", []):
        yield from _of_routes(child)


def _may_match(alert: Alert, carried: Labels, matchers: list[str]) -> bool:
    """Whether an alert can match: by what is certain of its labels; what its expression returns may be anything, and
    what it never has is empty."""
    known = {"alertname": alert.name} | {name: value for name, value in alert.labels.items() if "{{" not in value}
    for match in filter(None, map(_MATCHER.match, matchers)):
        if match["label"] in known or match["label"] not in carried:
            value = known.get(match["label"], "")
            hit = value == match["value"] if match["how"] in ("=", "!=") else re.fullmatch(match["value"], value)
            if bool(hit) == match["how"].startswith("!"):
                return False
    return True


def _lacking(path: str, where: str, label: str, alerts: Iterable[tuple[Alert, Labels]]) -> Diagnostic | None:
    lacking = sorted({f"{alert.service}/{alert.name}" for alert, carried in alerts if label not in carried})
    if not lacking:
        return None
    message = f"{where} in {path} looks at the label '{label}', which some alerts do not have"
    return Diagnostic("check/failed", message, notes=tuple(lacking[:20]))
