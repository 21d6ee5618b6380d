"""Alerts of a pack about the same thing with several limits: the label by which Alertmanager knows them.

Owns the label `inhibition_group`. Which of them mutes which is for generator.render.alertmanager.inhibition to say.
"""

from collections.abc import Callable, Sequence

from generator.packs.schema import AlertSpec
from generator.promql.tree import parse, result_labels


def inhibition_group(
    spec: AlertSpec, kept: Sequence[AlertSpec], expr: str, seconds: Callable[[AlertSpec], int]
) -> dict[str, str]:
    """Which thing it is: the name of the most severe alert, and what the expression returns. Nothing for most alerts.

    `kept` are the pack's alerts that are not switched off; `seconds` is how long one has to be true before it fires.
    """
    top = spec
    while (above := _more_severe(top, kept, seconds)) is not None:
        top = above
    if top is spec and not any(_more_severe(each, kept, seconds) is spec for each in kept):
        return {}
    labels = sorted(result_labels(parse(expr)).names - {"service"})
    return {"inhibition_group": "/".join([top.name, *(f"{{{{ $labels.{label} }}}}" for label in labels)])}


def _more_severe(spec: AlertSpec, kept: Sequence[AlertSpec], seconds: Callable[[AlertSpec], int]) -> AlertSpec | None:
    """The alert that inhibits it; one that fires later would end what was notified without a message."""
    found = next((each for each in kept if each.name == spec.inhibited_by), None)
    return found if found is not None and seconds(found) <= seconds(spec) else None
