"""docs/reference/alerts.md: every alert of every pack, what it covers and where it is described.

Owns that one table; an alert's limits and its proof are on the page of its kind.
"""

from generator.artifact import Artifact
from generator.reference.markdown import PACKS, Packs, page, table, with_rules

_INTRO = """\
# Alerts

Every alert that Lookout can render, by name. Which of them a service of yours has: [coverage](../coverage.md). How soon
an outage is noticed: [detection](../detection.md). The page of a kind has the limits of its alerts, and the fault that
each is proven with.

The proof of an alert is a test for promtool: no alert on good data and none at the very limit, an alert with exactly
its labels and its text on bad data, and its end. `make mutants` makes every alert wrong in every way that counts, and
its proof has to fail then.
"""


def alerts_page(packs: Packs) -> Artifact:
    """The page."""
    rows = sorted(
        (
            f"[{alert.name}]({PACKS}/{pack.name}/runbooks/{alert.name}.md)",
            f"[{pack.name}](kinds/{pack.name}.md)",
            alert.severity,
            alert.fault,
            ", ".join(alert.detects),
        )
        for pack in with_rules(packs)
        for alert in pack.rules.alerts
    )
    return page("alerts", [_INTRO, table(("Alert and runbook", "Kind", "Severity", "Fault", "Covers"), rows)])
