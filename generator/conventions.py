"""Every name that two parts of Lookout must agree on: labels, severities, file names, ports, uids.

Owns the words, not the behaviour. It imports nothing of ours, so that anything may import it.
"""

import zlib
from collections.abc import Collection
from typing import Final, Literal

Severity = Literal["critical", "warning", "info"]
Fault = Literal["outage", "symptom", "cause"]

# The ways in which a thing fails, as the coverage matrix has them; the last three are of products, not of things.
FailureMode = Literal[
    "down", "slow", "errors", "saturated", "full", "certificate", "backup", "dependency", "silent",
    "spend", "business", "change",
]  # fmt: skip

SEVERITIES: Final[tuple[Severity, ...]] = ("critical", "warning", "info")
FAULTS: Final[tuple[Fault, ...]] = ("outage", "symptom", "cause")

# While it fires, an outage of the service that it names is hardly over: symptoms are muted.
OUTAGE_RECENT: Final = "OutageRecent"
# What no rule of ours mutes: something that happened once.
EVENT_FAULT: Final = "event"
# In an alert's label `early`, the service that the alert is of; no service has such a name.
ITSELF: Final = "ITSELF"
# And the most severe alert about the same thing outside, whichever service it is of.
ABOUT: Final = "ABOUT"
# Labels that every scraped series of a declared service carries, set at scrape time.
SERIES_LABELS: Final = ("service", "job", "instance", "environment")
# Labels that every alert carries, whatever its expression returns.
ALERT_LABELS: Final = (
    "alertname",
    "service",
    "severity",
    "owner",
    "environment",
    "fault",
    "incident",
)
ALERT_ANNOTATIONS: Final = ("summary", "description", "runbook_url", "dashboard_url", "logs_url")

SPEC_FILE: Final = "services.yaml"
LOCK_FILE: Final = "generated.lock"
# What Caddy serves of secrets/: which channels have theirs. Names alone.
DELIVERY_FILE: Final = "delivery.json"
GENERATED: Final = "Rendered by lookout from services.yaml. Edits here are lost: change services.yaml and render."

# What is made of packs and models by `make docs`: the same for every services.yaml, and no rendered file.
REFERENCE: Final = "docs/reference/"
REFERENCE_NOTE: Final = "Made by `make docs` from packs and models. Edits here are lost: change those."
PRODUCT: Final = (REFERENCE, "instrumentation/lookout_instrumentation/", "instrumentation/browser/")

# The monitoring stack watches itself under this service name; users cannot take it.
STACK_SERVICE: Final = "lookout"
# What stands for a pack where the alerts are those that a service's owner wrote in services.yaml.
OWN_PACK: Final = "own"
# What a message says behind the description of a custom alert with `proof: none`.
UNPROVEN: Final = " No proof holds this alert."
# The owner of services without one: with one person declared, that person; otherwise this word.
DEFAULT_OWNER: Final = "everyone"
# In `notify:`, the word for "the owner of the service".
OWNER_ROUTE: Final = "owner"
# The host that is watched when services.yaml names none.
DEFAULT_HOST: Final = "server"

NETWORK: Final = "lookout"
SECRETS_MOUNT: Final = "/run/secrets"
# The secret with which all apps hash the ids of users: lines of one user are found in all of them.
USER_HASH_KEY: Final = "user_hash_key"
# The other secrets of the stack itself that two parts name; generator/parts/secrets.py has all of them.
GRAFANA_PASSWORD: Final = "grafana_admin_password"
KUMA_PASSWORD: Final = "kuma_admin_password"
KUMA_API_KEY: Final = "kuma_api_key"
WEB_PASSWORD: Final = "web_password"
WEB_HASH: Final = "web_password_hash"
# Below it the log shipper finds the directories of this machine's log files.
HOST_MOUNT: Final = "/host"

# Where a part says which configuration it has: on its container, or in its own metrics.
CONFIG_HASH: Final = "lookout.config"
# The same of the secrets that it read with the configuration: a file in its share says which they are, and what they
# are cannot be guessed from it.
SECRETS_HASH: Final = "lookout.secrets"
SEAL_FILE: Final = "seal"
# What stands before Docker's socket when `stack.containers` says so; on a network with only the collector.
SOCKET_PROXY: Final = "docker-proxy"
SOCKET_PORT: Final = 2375
SOCKET_NETWORK: Final = "socket"
# The labels that a container's metrics carry beside `service` and `environment`; `host` is the machine it runs on.
CONTAINER_JOB: Final = "containers"
CONTAINER_LABELS: Final = ("host", "container", "compose_project", "compose_service")
# The network of the parts alone. There each part has a name that is on no other network: a part that is on several
# listens at that name, and is asked at it.
CORE_NETWORK: Final = "core"
# The network of Prometheus and the exporters that it asks. They reach what they export over the apps' network, where
# they accept no requests.
SCRAPE_NETWORK: Final = "scrape"
LOCAL_PORT: Final = 8080
KUMA_PORT: Final = 3001
OTLP_HTTP_PORT: Final = 4318
# Where apps send spans. Not 4318: there a token is asked for, as lines come in from outside too.
OTLP_TRACES_PORT: Final = 4319

# Paths under which Caddy serves each part.
PUSH_PATH: Final = "/otlp/v1/logs"
PROMETHEUS_PATH: Final = "/prometheus"
ALERTMANAGER_PATH: Final = "/alertmanager"
GRAFANA_PATH: Final = "/grafana"
RUNBOOKS_PATH: Final = "/runbooks"
LOKI_PATH: Final = "/loki"
# The page that makes silences, beside the home page.
SILENCE_PAGE: Final = "silence.html"
BUGSINK_PATH: Final = "/bugsink"

# Bugsink: its account, and the secrets that it is set up with.
BUGSINK_ADMIN: Final = "admin"
BUGSINK_PASSWORD: Final = "bugsink_admin_password"
BUGSINK_KEY: Final = "bugsink_secret_key"
BUGSINK_WEBHOOK: Final = "bugsink_webhook_token"
# Alerts that no rule makes: Bugsink says that there is a new error, or an old one again. Each shows one issue.
EVENT_ALERTS: Final = ("NewError", "RegressedError")
# How long one fires, because it is not known when an error is over.
EVENT_SECONDS: Final = 3600

# Grafana: uids are addresses, so they never change.
DATASOURCE_PROMETHEUS: Final = "lookout-prometheus"
DATASOURCE_LOKI: Final = "lookout-loki"
DATASOURCE_ALERTMANAGER: Final = "lookout-alertmanager"
DATASOURCE_TEMPO: Final = "lookout-tempo"
DASHBOARD_HOME: Final = "lookout-home"
DASHBOARD_HOSTS: Final = "lookout-hosts"
DASHBOARD_LOGS: Final = "lookout-logs"
DASHBOARD_OBJECTIVES: Final = "lookout-slo"
DASHBOARD_STACK: Final = "lookout-stack"
# In a panel's description, before the sentence that says why it may show nothing.
MAY_BE_EMPTY: Final = "May be empty: "
# As many queries a dashboard may ask when it is opened; what is collapsed asks nothing.
OPEN_QUERIES: Final = 60
# A rate in a graph is taken over Grafana's own interval, unless its window is so long that it means something by
# itself; for a count that is sooner. Seconds.
LONG_WINDOW: Final = 1800
COUNT_WINDOW: Final = 300
# Before the slug of a panel that shows the last value of another one's graph.
GLANCE: Final = "glance-"


def core_name(part: str) -> str:
    """The name of a part on `core`. An app's container of the part's plain name is never meant by it."""
    return f"{part}.{CORE_NETWORK}"


def scrape_name(exporter: str) -> str:
    """The name of an exporter on `scrape`."""
    return f"{exporter}.{SCRAPE_NETWORK}"


def part_of(host: str) -> str:
    """The part or exporter of such a name; any other host unchanged."""
    return host.removesuffix(f".{CORE_NETWORK}").removesuffix(f".{SCRAPE_NETWORK}")


def dashboard_uid(service: str) -> str:
    """The uid of a service's own dashboard. Grafana allows 40 characters, so names are limited to 32."""
    return f"service-{service}"


def dashboard_of(service: str, kinds: Collection[str]) -> str:
    """The uid of the dashboard on which a service's panels are drawn: all hosts share one."""
    if service == STACK_SERVICE:
        return DASHBOARD_STACK
    return DASHBOARD_HOSTS if "host" in kinds else dashboard_uid(service)


def panel_id(uid: str, slug: str) -> int:
    """The number of a panel: the same for as long as dashboard and slug keep their names, and never 0."""
    return zlib.crc32(f"{uid}/{slug}".encode()) % 0x7FFF_FFFF + 1


def dashboard_path(service: str, kinds: Collection[str]) -> str:
    """The address of a service's dashboard inside Grafana."""
    uid = dashboard_of(service, kinds)
    return f"/d/{uid}?var-host={service}" if uid == DASHBOARD_HOSTS else f"/d/{uid}"


def panel_url(base_url: str, service: str, kinds: Collection[str], slug: str) -> str:
    """The address of one panel on its own: what an alert's `dashboard_url` says."""
    path, number = dashboard_path(service, kinds), panel_id(dashboard_of(service, kinds), slug)
    return f"{base_url}{GRAFANA_PATH}{path}{'&' if '?' in path else '?'}viewPanel=panel-{number}"


def logs_token(service: str) -> str:
    """The secret with which a service of `logs: push` says who it is."""
    return f"{service.replace('-', '_')}_logs_token"


def sentry_dsn(service: str) -> str:
    """The secret with the address that a service reports its errors to."""
    return f"{service.replace('-', '_')}_sentry_dsn"


def runbook_page(service: str, alert: str) -> str:
    """Where in docs/ an alert's runbook is: a section of its service's page."""
    return f"runbooks/{service}.md#{alert}"


def runbook_url(base_url: str, service: str, alert: str) -> str:
    """The address of an alert's runbook: what an alert's `runbook_url` says."""
    return f"{base_url}{RUNBOOKS_PATH}/{service}#{alert}"


def incident(service: str, alert: str) -> str:
    """The value of an alert's `incident` label: what escalation and acknowledgement hold on to."""
    return f"{service}/{alert}"
