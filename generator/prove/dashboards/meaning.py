"""Rules about what a reader sees: texts, units, thresholds that are the alerts', links that lead somewhere."""

import math
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from generator.conventions import (
    GLANCE,
    GRAFANA_PATH,
    RUNBOOKS_PATH,
    dashboard_of,
    panel_id,
)
from generator.promql.tree import PromQLError, comparisons
from generator.prove.dashboards.document import Bundle, Document, PanelView
from generator.prove.dashboards.rule import Finding
from generator.prove.dashboards.variables import custom_options
from generator.site.model import Alert, Site

_UNIT_PREFIXES: Final = ("suffix:", "prefix:", "time:", "si:", "count:", "currency:")
_WITHOUT_UNIT: Final = frozenset({"logs", "text"})
_BUILT_IN: Final = frozenset({"__value", "__field", "__data", "__series", "__from", "__to", "__url_time_range"})


def texts(bundle: Bundle) -> Iterator[Finding]:
    """Every panel has a title and a description."""
    for document in bundle.documents:
        for panel in document.panels:
            if not panel.title.strip():
                yield Finding(document.path, f"the panel {panel.id} has no title", panel.id)
            if not panel.description.strip():
                yield Finding(document.path, f"'{panel.title}' has no description", panel.id)


def units(bundle: Bundle) -> Iterator[Finding]:
    """Every number has a unit that Grafana knows."""
    for document in bundle.documents:
        for panel in document.panels:
            unit = panel.defaults.get("unit")
            if panel.type in _WITHOUT_UNIT or unit in _known_units() or str(unit).startswith(_UNIT_PREFIXES):
                continue
            yield Finding(
                document.path, f"'{panel.title}' has the unit {unit!r}, which Grafana does not know", panel.id
            )


def empty_text(bundle: Bundle) -> Iterator[Finding]:
    """Every panel says what it means that it shows nothing, and the reason why it may is a sentence."""
    for document in bundle.documents:
        for panel in document.panels:
            if panel.type != "text" and not panel.defaults.get("noValue"):
                yield Finding(document.path, f"'{panel.title}' has no text for when it is empty", panel.id)
            if panel.empty_reason is not None and len(panel.empty_reason.split()) < 3:
                yield Finding(document.path, f"'{panel.title}' gives no reason why it may be empty", panel.id)


def datasources(bundle: Bundle) -> Iterator[Finding]:
    """Every panel, query, variable and annotation names a provisioned data source of the same type."""
    known = {str(source.get("uid")): source.get("type") for source in bundle.datasources}
    for document in bundle.documents:
        for name, number, used in _datasources(document):
            uid, kind = (used or {}).get("uid"), (used or {}).get("type")
            if uid == "-- Mixed --":
                continue
            if uid not in known:
                yield Finding(document.path, f"'{name}' asks the data source {uid!r}, which is not provisioned", number)
            elif known[uid] != kind:
                yield Finding(document.path, f"'{name}' takes {uid} for {kind}; it is {known[uid]}", number)


def _datasources(document: Document) -> Iterator[tuple[str, Any, Any]]:
    for panel in document.panels:
        if panel.type == "text":
            continue
        yield panel.title, panel.id, panel.data.get("datasource")
        for target in panel.targets:
            yield panel.title, panel.id, target.data.get("datasource")
    for variable in document.variables:
        if variable.get("type") == "query":
            yield f"${variable.get('name')}", None, variable.get("datasource")
    for annotation in document.annotations:
        yield str(annotation.get("name")), None, annotation.get("datasource")


def thresholds(bundle: Bundle) -> Iterator[Finding]:
    """Every line drawn is at a value with which an alert of that panel compares."""
    if bundle.site is None:
        return
    for uid, panels in _alerts_by_panel(bundle.site).items():
        document = bundle.by_uid.get(uid)
        for panel in document.panels if document else ():
            values = [value for alert in panels.get(panel.id, ()) for value in _limits(alert.expr)]
            for drawn in panel.thresholds:
                if not any(math.isclose(drawn, value, rel_tol=1e-9, abs_tol=1e-12) for value in values):
                    what = f"'{panel.title}' draws a line at {drawn:g}, where no alert of it is"
                    yield Finding(document.path if document else "", what, panel.id)


def _alerts_by_panel(site: Site) -> Mapping[str, Mapping[int, list[Alert]]]:
    """By dashboard and panel: the alerts that lead to it or that a threshold of it names."""
    found: dict[str, dict[int, list[Alert]]] = {}
    for service in site.services:
        uid = dashboard_of(service.name, service.kinds)
        panels = found.setdefault(uid, {})
        by_name = {alert.name: alert for alert in service.alerts}
        for alert in service.alerts:
            for slug in (alert.panel, f"{GLANCE}{alert.panel}"):
                panels.setdefault(panel_id(uid, slug), []).append(alert)
        for panel in (p for pack in service.packs for row in pack.rows for p in row.panels):
            named = {*panel.alerts, *(each.alert for each in panel.thresholds)}
            alerts = [by_name[name] for name in sorted(named) if name in by_name]
            for slug in (panel.slug, f"{GLANCE}{panel.slug}"):
                panels.setdefault(panel_id(uid, slug), []).extend(alerts)
    return found


@cache
def _limits(expr: str) -> tuple[float, ...]:
    try:
        return tuple(each.value for each in comparisons(expr))
    except PromQLError:
        return ()


def alert_panels(bundle: Bundle) -> Iterator[Finding]:
    """Every alert's dashboard and logs address leads to a dashboard, and a panel, that exist."""
    if bundle.site is None:
        return
    base = bundle.site.stack.base_url
    for alert in bundle.site.alerts:
        for name in ("dashboard_url", "logs_url"):
            url = alert.annotations.get(name, "")
            if not url.startswith(f"{base}{GRAFANA_PATH}/d/"):
                yield Finding("", f"{alert.service}/{alert.name}: {name} {url!r} does not lead to Grafana")
            elif problem := _dead(bundle, url.removeprefix(f"{base}{GRAFANA_PATH}")):
                yield Finding("", f"{alert.service}/{alert.name}: {name}: {problem}")
        if "viewPanel=" not in alert.annotations.get("dashboard_url", ""):
            yield Finding("", f"{alert.service}/{alert.name}: dashboard_url names no panel")


def links(bundle: Bundle) -> Iterator[Finding]:
    """Every link leads to a dashboard, panel, variable or runbook that exists, or to an address outside."""
    for document in bundle.documents:
        own: list[tuple[PanelView | None, Mapping[str, Any]]] = [
            (None, link) for link in document.data.get("links") or ()
        ]
        own += [(panel, link) for panel in document.panels for link in panel.links]
        for panel, link in own:
            title, url = str(link.get("title") or ""), str(link.get("url") or "")
            problem = _dead(bundle, url) if url.startswith("/") else _dead_outside(bundle, url)
            problem = problem or _unknown_in_link(document, url) or ("" if title else "it has no title")
            if problem:
                yield Finding(document.path, f"the link '{title}': {problem}", panel.id if panel else None)


def _dead(bundle: Bundle, url: str) -> str:
    """Why an address inside Grafana leads nowhere; empty when it leads somewhere."""
    parts = urlsplit(url)
    uid = parts.path.removeprefix("/d/").strip("/")
    if not parts.path.startswith("/d/"):
        return f"{url} is no dashboard's address"
    if "$" in uid:
        return ""
    target = bundle.by_uid.get(uid)
    if target is None:
        return f"there is no dashboard '{uid}'"
    query = parse_qs(parts.query)
    if panel := query.get("viewPanel"):
        number = panel[0].removeprefix("panel-")
        if number not in {str(each.id) for each in target.panels}:
            return f"'{uid}' has no panel {number}"
    return next(filter(None, (_dead_variable(target, key, values[0]) for key, values in query.items())), "")


def _dead_variable(target: Document, key: str, value: str) -> str:
    if not key.startswith("var-"):
        return ""
    variable = next((v for v in target.variables if f"var-{v.get('name')}" == key), None)
    if variable is None:
        return f"'{target.uid}' has no variable '{key.removeprefix('var-')}'"
    if variable.get("type") == "custom" and "$" not in value and value not in custom_options(variable):
        return f"'{value}' is not a choice of '{variable.get('name')}'"
    return ""


def _dead_outside(bundle: Bundle, url: str) -> str:
    if not re.match(r"https?://[^/]", url):
        return f"{url!r} is neither a path inside Grafana nor an address"
    if bundle.site is None:
        return ""
    base = bundle.site.stack.base_url
    page = url.removeprefix(f"{base}{RUNBOOKS_PATH}/")
    if page == url or "$" in page or page in bundle.runbook_pages:
        return ""
    return f"there is no runbook {page}"


def _unknown_in_link(document: Document, url: str) -> str:
    declared = {str(variable.get("name")) for variable in document.variables}
    for name in re.findall(r"\$\{?(\w+)", url):
        if name not in declared and name not in _BUILT_IN:
            return f"'${name}' is no variable of this dashboard"
    return ""


@cache
def _known_units() -> frozenset[str]:
    from generator.render.grafana.sdk import units as table

    return frozenset(value for name, value in vars(table).items() if isinstance(value, str) and name[0] != "_")
