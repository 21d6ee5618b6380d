"""Where the log lines of a service are: under which names, and at which address."""

from generator.conventions import DASHBOARD_LOGS, GRAFANA_PATH, STACK_SERVICE
from generator.parts.table import NAMES


def log_names(service: str) -> tuple[str, ...]:
    """What `service_name` is on a service's log lines: the stack's parts write under their own names."""
    return NAMES if service == STACK_SERVICE else (service,)


def logs_path(service: str) -> str:
    """The address inside Grafana of the logs explorer, showing one service."""
    return f"/d/{DASHBOARD_LOGS}?" + "&".join(f"var-service={name}" for name in log_names(service))


def logs_url(base_url: str, service: str) -> str:
    """The address of the logs explorer, showing one service: what an alert's `logs_url` says."""
    return f"{base_url}{GRAFANA_PATH}{logs_path(service)}"
