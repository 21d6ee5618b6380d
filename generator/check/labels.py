"""Every label that Alertmanager's configuration uses exists on alerts: every label of a matcher, a group, an
inhibition, a template.

A label that an alert lacks counts as empty there: two alerts that both lack it are equal, and one silences the other.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from generator.artifact import Artifact
from generator.diagnostics import Diagnostic
from generator.promql.tree import ANY_LABEL, Labels, PromQLError, parse, result_labels
from generator.prove.alertmanager import CONFIG, Configuration, LoadedRoute, Matcher, all_match
from generator.site.model import Alert, Site

_SHOWN: Final = re.compile(r"\.(?:Common|Group)?Labels\.(\w+)")
# A template asks whether there is one before it shows it.
_ASKED: Final = re.compile(r"\{\{-?\s*(?:with|if)\s[^}]*?\.(?:Common|Group)?Labels\.(\w+)")


def check_labels(site: Site, artifacts: Mapping[str, Artifact]) -> list[Diagnostic]:
    """A problem for each label that some alert lacks, with the alerts that do."""
    if CONFIG not in artifacts:
        return []
    try:
        config = Configuration.read(artifacts[CONFIG].content)
    except ValueError as error:
        return [Diagnostic("check/failed", f"{CONFIG}: {error}")]
    everybody = [(alert, _labels_of(alert)) for alert in site.alerts]
    found = [_lacking(CONFIG, where, label, everybody) for where, label in _of_routes(config.route)]
    for rule in config.inhibit_rules:
        for side, matchers in (("source", rule.source), ("target", rule.target)):
            concerned = [each for each in everybody if _may_match(*each, matchers)]
            where = f"the {side} of inhibit rule {rule.name}"
            found += [_lacking(CONFIG, where, label, concerned) for label in rule.equal]
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


def _of_routes(route: LoadedRoute, above: Sequence[str] = ()) -> Iterator[tuple[str, str]]:
    """Where a label is asked for in the tree of routes, and which; `above` is how the route around it groups."""
    where = f"the route to {route.receiver}"
    grouped = route.settings.get("group_by", ())
    if grouped != above:
        yield from ((where, label) for label in grouped if label != "...")
    yield from ((where, matcher.label) for matcher in route.matchers)
    for child in route.routes:
        yield from _of_routes(child, grouped)


def _may_match(alert: Alert, carried: Labels, matchers: Iterable[Matcher]) -> bool:
    """Whether an alert can match: by what is certain of its labels; what its expression returns may be anything, and
    what it never has is empty."""
    known = {"alertname": alert.name} | {name: value for name, value in alert.labels.items() if "{{" not in value}
    certain = (each for each in matchers if each.label in known or each.label not in carried)
    return all_match(certain, known)


def _lacking(path: str, where: str, label: str, alerts: Iterable[tuple[Alert, Labels]]) -> Diagnostic | None:
    lacking = sorted({f"{alert.service}/{alert.name}" for alert, carried in alerts if label not in carried})
    if not lacking:
        return None
    message = f"{where} in {path} looks at the label '{label}', which some alerts do not have"
    return Diagnostic("check/failed", message, notes=tuple(lacking[:20]))
