"""A small Site with everything that dashboards are made of, and its rendered files."""

from dataclasses import replace
from functools import cache
from typing import Any

from generator.conventions import (
    panel_url,
    runbook_url,
)
from generator.parts.logs import logs_url
from generator.render.grafana.dashboards import render_dashboards
from generator.render.grafana.provisioning import render_provisioning
from generator.site.model import Alert, Logs, PackInstance, Panel, Query, Row, Service, Site, Threshold
from tests.unit.sites import STACK, make_alert, make_job, make_service, make_site


def make_panel(slug: str, expr: str, legend: str = "", **overrides: Any) -> Panel:
    """A graph of one query, eight columns wide."""
    values: dict[str, Any] = {
        "slug": slug,
        "title": slug.capitalize(),
        "description": f"What {slug} is, and what is normal.",
        "type": "timeseries",
        "unit": "short",
        "queries": (Query(expr, legend),),
    }
    return Panel(**{**values, **overrides})


def make_watched(name: str, kind: str = "fastapi", **overrides: Any) -> Service:
    """A service with a failing-requests graph, two limits on it, a free-space gauge and a table."""
    mine = f'service="{name}"'
    failed = f'sum(rate(http_requests_total{{{mine},status=~"5.."}}[$__rate_interval]))'
    by_status = f"sum by (status) (rate(http_requests_total{{{mine}}}[$__rate_interval]))"
    p95 = f"histogram_quantile(0.95, sum by (le, handler) (rate(http_seconds_bucket{{{mine}}}[5m])))"
    limits = (Threshold(0.05, "red", "FailingBadly"), Threshold(0.01, "orange", "Failing"))
    first = (
        make_panel("failures", failed, unit="reqps", thresholds=limits, alerts=("Failing", "FailingBadly"), minimum=0),
        make_panel(
            "traffic", by_status, "{{status}}", unit="reqps", stacked=True, empty_reason="there is no traffic yet"
        ),
        make_panel(
            "free", f"min(free_ratio{{{mine}}})", unit="percentunit", thresholds=(Threshold(0.1, "red", "Full"),)
        ),
    )
    slow = make_panel("slow", p95, "p95", type="table", unit="s", empty_reason="nothing was asked for yet")
    alerts = (
        _alert("Failing", name, kind, f"{failed.replace('$__rate_interval', '5m')} > 0.01", "failures"),
        _alert("FailingBadly", name, kind, f"{failed.replace('$__rate_interval', '5m')} > 0.05", "failures"),
        _alert("Full", name, kind, f"min(free_ratio{{{mine}}}) < 0.1", "free"),
    )
    rows = (Row("In detail", (slow,), collapsed=True), Row("Is it OK?", first))
    pack = PackInstance("http", {}, alerts, (), rows, ())
    return make_service(name, kinds=(kind,), packs=(pack,), **overrides)


def _alert(name: str, service: str, kind: str, expr: str, panel: str) -> Alert:
    alert = make_alert(name, service, expr=expr, panel=panel)
    addresses = {
        "runbook_url": runbook_url(STACK.base_url, service, name),
        "dashboard_url": panel_url(STACK.base_url, service, (kind,), panel),
        "logs_url": logs_url(STACK.base_url, service),
    }
    return replace(alert, annotations={**alert.annotations, **addresses})


def dashboard_site(*more: Service) -> Site:
    """api uses cache, two hosts, and the stack itself."""
    return make_site(
        make_watched("api", uses=("cache",), host="vps1", url="https://api.acme.dev"),
        make_watched("cache", jobs=(make_job("cache", interval=30),)),
        make_watched("vps1", "host", logs=Logs("none")),
        make_watched("vps2", "host", logs=Logs("none")),
        make_watched("lookout", "stack", logs=Logs("none")),
        *more,
    )


@cache
def dashboard_files() -> dict[str, str]:
    """Path -> text of everything that is rendered for Grafana."""
    site = dashboard_site()
    return {each.path: each.content for each in (*render_dashboards(site), *render_provisioning(site))}
