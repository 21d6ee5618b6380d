"""Alerts as Alertmanager hands them to a message template, and as Prometheus posts them to Alertmanager."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal

Status = Literal["firing", "resolved"]

EXTERNAL_URL: Final = "http://localhost:8080/alertmanager"
_NEVER: Final = "0001-01-01T00:00:00Z"


def template_alert(
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    started: datetime,
    lasted: timedelta | None = None,
) -> dict[str, Any]:
    """One alert of a message; without `lasted` it still fires."""
    return {
        "status": "firing" if lasted is None else "resolved",
        "labels": dict(labels),
        "annotations": dict(annotations),
        "startsAt": started.isoformat(),
        "endsAt": _NEVER if lasted is None else (started + lasted).isoformat(),
    }


def template_data(alerts: Sequence[Mapping[str, Any]], external_url: str = EXTERNAL_URL) -> dict[str, Any]:
    """What a template is given for one group: firing as long as one alert fires, and what all alerts share."""
    firing = any(alert["status"] == "firing" for alert in alerts)
    labels = _shared([alert["labels"] for alert in alerts])
    return {
        "receiver": "critical",
        "status": "firing" if firing else "resolved",
        "alerts": list(alerts),
        "groupLabels": {key: value for key, value in labels.items() if key == "service"},
        "commonLabels": labels,
        "commonAnnotations": _shared([alert["annotations"] for alert in alerts]),
        "externalURL": external_url,
    }


def _shared(values: Sequence[Mapping[str, str]]) -> dict[str, str]:
    first, *rest = values
    return {key: value for key, value in first.items() if all(other.get(key) == value for other in rest)}
