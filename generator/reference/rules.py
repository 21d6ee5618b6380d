"""docs/reference/rules.md: what holds for the rules of all kinds, and the series that they record.

Owns the words for labels, annotations, faults and ways of failing; a rule's own limits are on the page of its kind.
"""

from collections.abc import Mapping
from typing import Final

from generator import units
from generator.artifact import Artifact
from generator.conventions import ALERT_ANNOTATIONS, ALERT_LABELS, FAULTS, SEVERITIES, Fault, Severity
from generator.packs.coverage import MODES
from generator.packs.schema import RecordSpec
from generator.reference.markdown import Packs, page, table, with_rules

_INTRO: Final = """\
# Rules

What is the same in the rules of every [kind](kinds.md). The rules of a service are in `prometheus/rules/SERVICE/`, a
file for each kind. An alert of your own is written in [services.yaml](../alerts-of-your-own.md), so that it is proven
as well.

Every limit is a parameter: `params` of a service sets it within its bounds, its dashboards show it and its proofs
follow it. A ratio of events comes with a least number of events, so that one failure on a quiet night is no alert.
"""
LABELS: Final[Mapping[str, str]] = {
    "alertname": "Which alert it is.",
    "service": "The service's name in services.yaml.",
    "severity": "What it is worth: see below. It decides who is notified.",
    "owner": "Who owns the service: a name from `people`.",
    "environment": "Where the service runs.",
    "fault": "What kind of fault it is: see below. Inhibition goes by it.",
    "incident": "The same for all alerts of one fault; alerts are grouped by it.",
}
ANNOTATIONS: Final[Mapping[str, str]] = {
    "summary": "One sentence, with the value, its unit and the limit.",
    "description": "What was measured, over which time, and what it means.",
    "runbook_url": "What to do.",
    "dashboard_url": "The panel that shows it, at that time.",
    "logs_url": "The log lines of the service at that time.",
}
SEVERITY: Final[Mapping[Severity, str]] = {
    "critical": "Users are affected, or will be within the hour: act now.",
    "warning": "Something is wrong and can wait until working hours.",
    "info": "Good to know; nothing has to be done.",
}
FAULT: Final[Mapping[Fault, str]] = {
    "outage": "The thing is gone. Its time to detection is bounded (`detect_within`).",
    "symptom": "Users see it: failures, latency, missing work.",
    "cause": "A reason for such symptoms, before or while users see them.",
}


def rules_page(packs: Packs) -> Artifact:
    """The page."""
    labels = [(f"`{name}`", LABELS[name]) for name in ALERT_LABELS]
    annotations = [(f"`{name}`", ANNOTATIONS[name]) for name in ALERT_ANNOTATIONS]
    records = sorted(
        (f"`{record.name}`", f"[{pack.name}](kinds/{pack.name}.md)", _pace(record))
        for pack in with_rules(packs)
        for record in pack.rules.records
    )
    return page(
        "rules",
        [
            _INTRO,
            "## Labels and annotations",
            table(("Label of every alert", "What it says"), labels),
            table(("Annotation of every alert", "What it says"), annotations),
            "## Severities and faults",
            table(("Severity", "When"), [(f"`{name}`", SEVERITY[name]) for name in SEVERITIES]),
            table(("Fault", "What it is"), [(f"`{name}`", FAULT[name]) for name in FAULTS]),
            "## Ways of failing",
            "What an alert covers, in its kind's `detects`; [coverage](../coverage.md) has them for your services.",
            table(("Word", "The service fails so that"), [(f"`{mode}`", words) for mode, words in MODES.items()]),
            "## Recorded series",
            table(("Series", "Kind", "Recorded"), dict.fromkeys(records)),
        ],
    )


def _pace(record: RecordSpec) -> str:
    seconds = units.parse_duration(record.every) if record.every != "0s" else 0
    return f"every {units.format_duration(seconds)}" if seconds else "as often as alerts are evaluated"
