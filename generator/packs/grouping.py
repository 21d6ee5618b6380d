"""Alerts of a pack about the same thing with several limits: the label by which Alertmanager knows them.

Owns the label `inhibition_group`. Which of them mutes which is for generator.render.alertmanager.inhibition to say.
"""

from collections.abc import Callable, Sequence

from generator.conventions import SEVERITIES, Severity
from generator.packs.schema import AlertSpec
from generator.promql.tree import labels_of


def groups(
    kept: Sequence[AlertSpec], seconds: Callable[[AlertSpec], int], severity: Callable[[AlertSpec], Severity]
) -> dict[str, str]:
    """The most severe alert of each group, by the names of those in it: most alerts are in none.

    `kept` are the pack's alerts that are not switched off; `seconds` is how long one has to be true before it fires;
    `severity` is what it has for the service, which may be another than the pack says.
    """
    named = {spec.name: spec for spec in kept}
    # The alert that inhibits one. An alert that fires later would end what was notified without a message.
    above = {
        spec.name: spec.inhibited_by
        for spec in kept
        if spec.inhibited_by in named and seconds(named[spec.inhibited_by]) <= seconds(spec)
        # So would one that was the lesser of the two.
        if SEVERITIES.index(severity(named[spec.inhibited_by])) < SEVERITIES.index(severity(spec))
    }
    found = {}
    for name in above.keys() | above.values():
        top = name
        while top in above:
            top = above[top]
        found[name] = top
    return found


def inhibition_group(top: str, expr: str) -> str:
    """Which thing an alert is about: the name of its group's most severe alert, and what the expression returns."""
    labels = sorted(labels_of(expr).names - {"service"})
    return "/".join([top, *(f"{{{{ $labels.{label} }}}}" for label in labels)])
