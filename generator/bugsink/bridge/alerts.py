"""One report of Bugsink's, as an alert. Pure: what is known of the projects and a payload in, an alert out.

A message must show no person's data, so of the issue it takes the error's type, where it happened and the number; what
the error said stays in Bugsink, behind its login.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

# UNMUTED: it was muted until it comes more often than that, and it does.
NAMES: Final[Mapping[str, str]] = {"NEW": "NewError", "REGRESSED": "RegressedError", "UNMUTED": "RegressedError"}
_SENTENCES: Final[Mapping[str, str]] = {
    "NEW": "Nothing like it was reported before.",
    "REGRESSED": "It was resolved, and came back.",
    "UNMUTED": "It was muted, and occurs more often than the mute allowed.",
}
_VERBS: Final[Mapping[str, str]] = {"NEW": "New error:", "REGRESSED": "Back again:", "UNMUTED": "Loud again:"}
_TYPE_LENGTH: Final = 80
_PLACE_LENGTH: Final = 100
# Parts of a path that may identify a person: addresses, numbers, long ids.
_PERSONAL: Final = re.compile(r"[^\s/]*(?:@|%40)[^\s/]*|\+?\d{3,}|\b(?=[\w-]*\d)[\w-]{16,}")
_ISSUE: Final = re.compile(r"[\w.-]{1,64}")
_LINK: Final = re.compile(r"https?://[\w.:/?=&%~-]{1,400}")


class Unknown(Exception):
    """The payload is about a project that no service stands for, or is no report at all."""


def alert_of(payload: Any, projects: Mapping[str, Any]) -> dict[str, Any]:
    """The alert for a payload, without its times. Raises Unknown."""
    if not isinstance(payload, Mapping):
        raise Unknown
    reason, project = str(payload.get("alert_reason")), projects.get(str(payload.get("project")))
    if project is None or reason not in NAMES:
        raise Unknown
    known = project[NAMES[reason]]
    issue = str(payload.get("friendly_id") or "")
    issue = issue if _ISSUE.fullmatch(issue) else "unknown"
    kind = _plain(payload.get("calculated_type"), _TYPE_LENGTH) or "of no type"
    place = _plain(str(payload.get("transaction") or "").split("?")[0], _PLACE_LENGTH)
    alert: dict[str, Any] = {
        # Two issues of a service are two alerts: they differ in this label.
        "labels": {**known["labels"], "issue": issue},
        "annotations": {
            **known["annotations"],
            "summary": f"{_VERBS[reason]} {kind}" + (f" in {place}" if place else "") + f" ({issue})",
            "description": f"{_SENTENCES[reason]} Message, place and user: {issue} in Bugsink.",
        },
    }
    link = str(payload.get("url") or "")
    if _LINK.fullmatch(link):
        alert["annotations"]["issue_url"] = link
        alert["generatorURL"] = link
    return alert


def _plain(value: Any, length: int) -> str:
    """One line of text without personal data, cut at `length`."""
    text = _PERSONAL.sub("…", " ".join(str(value or "").split()))
    return text if len(text) <= length else text[: length - 1] + "…"
