"""Keep-lists: of what the stack's own parts and exporters print, Prometheus stores what a rule or a panel reads.

Owns which metrics those are, and the scrape rule that keeps them. An app's own metrics are never left out.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import promql_parser as pp

from generator.packs.template import PANEL_WINDOW
from generator.promql.tree import PromQLError, parse, walk
from generator.site.model import PackInstance, ScrapeJob, Site


def metrics_read(site: Site) -> frozenset[str]:
    """The name of each metric that a rule or a panel of a pack reads.

    Dashboards of the whole site read the same. Packs of one shape read the same, so one of each shape is parsed.
    """
    names: set[str] = set()
    seen: set[tuple[str, ...]] = set()
    for service in site.services:
        for pack in service.packs:
            shape = _shape(service.name, pack)
            if shape not in seen:
                seen.add(shape)
                names.update(name for expr in _expressions(pack) for name in _names(expr))
    return frozenset(names)


def keep_rule(site: Site, job: ScrapeJob, read: Iterable[str]) -> dict[str, Any] | None:
    """The scrape rule that drops what begins like the job's own metrics and is not read; None for an app's job."""
    if not job.own_metrics:
        return None
    names = sorted(name for name in read if _may_print(job, name))
    names += site.stack.keep_metrics
    return {"source_labels": ["__name__"], "regex": "|".join([*names, *_others(job)]), "action": "keep"}


def not_stored(site: Site, names: Iterable[str]) -> list[str]:
    """Those of the names that a job prints among its own metrics and no job stores."""
    read = metrics_read(site)
    rules = [(job, keep_rule(site, job, read)) for service in site.services for job in service.jobs]
    kept = [(job.own_metrics, re.compile(rule["regex"])) for job, rule in rules if rule]

    def lost(name: str) -> bool:
        asked = [pattern for own, pattern in kept if name.startswith(own)]
        return bool(asked) and not any(pattern.fullmatch(name) for pattern in asked)

    return [name for name in names if lost(name)]


def _may_print(job: ScrapeJob, name: str) -> bool:
    """Whether the job's own metrics may have this name, or match this pattern of names."""
    if "(" in name:
        return any(prefix.rstrip("_") in name for prefix in job.own_metrics)
    return name.startswith(job.own_metrics)


def _others(job: ScrapeJob) -> Iterator[str]:
    """For a host: what does not begin like its own metrics, as the textfile metrics of its jobs do not."""
    if job.keeps_others:
        (prefix,) = job.own_metrics  # node_
        yield from (f"{prefix[:at]}[^{letter}].*" for at, letter in enumerate(prefix))


def _shape(service: str, pack: PackInstance) -> tuple[str, ...]:
    alerts = tuple(f"{alert.name} {alert.shape}" for alert in pack.alerts)
    return alerts or (service, pack.pack)


def _expressions(pack: PackInstance) -> Iterator[str]:
    yield from (alert.expr for alert in pack.alerts)
    yield from (record.expr for record in pack.records)
    queries = (query for row in pack.rows for panel in row.panels for query in panel.queries)
    yield from (query.expr for query in queries if query.datasource == "prometheus")


def _names(expr: str) -> Iterator[str]:
    try:
        tree = parse(expr.replace(PANEL_WINDOW, "5m"))
    except PromQLError:  # promtool says so, at the rule
        return
    for node in walk(tree):
        if isinstance(node, pp.VectorSelector):
            yield from [node.name] if node.name else _listed(node)


def _listed(selector: Any) -> Iterator[str]:
    """The names, or the pattern of names, of a selector such as {__name__=~"a|b"}."""
    for matcher in selector.matchers.matchers:
        if matcher.name == "__name__":
            yield from [matcher.value] if "(" in matcher.value else matcher.value.split("|")
