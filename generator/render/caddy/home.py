"""The pages at / and /silence.html: where everything is, who owns what, how things are now, and the form that silences.

Static files without frameworks, fonts or pictures from elsewhere. What is true only now, the pages ask for themselves.
They work without Grafana and without Alertmanager's own pages.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from generator.artifact import Artifact
from generator.conventions import (
    ALERTMANAGER_PATH,
    GENERATED,
    GRAFANA_PATH,
    PROMETHEUS_PATH,
    RUNBOOKS_PATH,
    SILENCE_PAGE,
    STACK_SERVICE,
    dashboard_path,
)
from generator.parts.logs import logs_path
from generator.parts.table import PARTS, running
from generator.render.urls import is_browsable
from generator.site.model import Service, Site
from generator.templates import TEXTS

if TYPE_CHECKING:
    import jinja2

FOLDER: Final = "caddy/site"
PATH: Final = f"{FOLDER}/index.html"
_ASSETS: Final = ("site.css", "home.js", "silence.js")
# Two circles, in the colour of good news.
_ICON: Final = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Ccircle cx='8' cy='8' r='6' fill='none' stroke='%230b7a55' stroke-width='2.5'/%3E"
    "%3Ccircle cx='8' cy='8' r='2' fill='%230b7a55'/%3E%3C/svg%3E"
)
# For how long one silences, in seconds: until lunch, until the deploy is through, until Monday.
_DURATIONS: Final = (("30 min", 1800), ("2 h", 7200), ("8 h", 28800), ("1 day", 86400), ("3 days", 259200))
_CHOSEN: Final = 7200
# Prometheus' own.
_RESEND: Final = 60


def render_home(site: Site) -> tuple[Artifact, ...]:
    """The home page, the page for silences, and what both load."""
    common = {"generated": GENERATED, "stack": site.stack, "icon": _ICON, "alertmanager": ALERTMANAGER_PATH}
    home = _template("home.html").render(
        **common,
        watched=_watched(site),
        tools=_tools(site),
        groups=_groups(site),
        grafana=GRAFANA_PATH,
        prometheus=PROMETHEUS_PATH,
        runbooks=RUNBOOKS_PATH,
        watchdog=_watchdog_seconds(site),
    )
    durations = [{"title": title, "seconds": each, "chosen": each == _CHOSEN} for title, each in _DURATIONS]
    silence = _template("silence.html").render(**common, durations=durations)
    assets = (Artifact(f"{FOLDER}/{name}", f"/* {GENERATED} */\n{TEXTS[name]}") for name in _ASSETS)
    return (Artifact(PATH, home), Artifact(f"{FOLDER}/{SILENCE_PAGE}", silence), *assets)


def _watchdog_seconds(site: Site) -> int:
    """How old Watchdog may be. Prometheus repeats an alert a minute after it last did, at the evaluation after that."""
    every = max(_RESEND, site.stack.timing.slow_interval)
    return 2 * every + _RESEND // 2


def _watched(site: Site) -> str:
    """`3 services and 1 host`, the stack itself not counted."""
    hosts = sum("host" in service.kinds for service in site.services)
    services = sum(service.name != STACK_SERVICE for service in site.services) - hosts
    words = [f"{services} {'service' if services == 1 else 'services'}"]
    return " and ".join([*words, f"{hosts} {'host' if hosts == 1 else 'hosts'}"] if hosts else words)


@lru_cache(maxsize=2)
def _template(name: str) -> "jinja2.Template":
    import jinja2

    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    return environment.from_string(TEXTS[name])


def _link(title: str, url: str, *, what: str = "") -> dict[str, Any]:
    return {"title": title, "url": url, "what": what, "grafana": url.startswith(GRAFANA_PATH)}


def _tools(site: Site) -> list[dict[str, Any]]:
    runs = running(site.stack.words)
    return [
        _link(link.title, link.path or site.stack.status_url, what=link.what)
        for part in PARTS
        if part in runs
        for link in part.links
    ]


def _groups(site: Site) -> list[dict[str, Any]]:
    """Services, then the hosts they run on, then what watches them; an empty group is left out."""
    stack = [service for service in site.services if service.name == STACK_SERVICE]
    hosts = [service for service in site.services if "host" in service.kinds]
    others = [service for service in site.services if service.name != STACK_SERVICE and "host" not in service.kinds]
    named = (("Services", others), ("Hosts", hosts), ("Monitoring", stack))
    return [
        {"title": title, "services": [_entry(service) for service in services]} for title, services in named if services
    ]


def _entry(service: Service) -> dict[str, Any]:
    return {
        "name": service.name,
        "kinds": ", ".join(service.kinds),
        "owner": service.owner,
        "dashboard": f"{GRAFANA_PATH}{dashboard_path(service.name, service.kinds)}",
        "links": list(_entry_links(service)),
    }


def _entry_links(service: Service) -> Iterator[dict[str, Any]]:
    if service.logs.mode != "none":
        yield _link("logs", f"{GRAFANA_PATH}{logs_path(service.name)}")
    if service.alerts:
        yield _link("runbooks", f"{RUNBOOKS_PATH}/{service.name}")
    if service.jobs:
        yield _link("targets", f"{PROMETHEUS_PATH}/targets?search={service.name}")
    if is_browsable(service.url):
        yield _link("open", service.url)
