"""What the running targets do not export although alerts need it: `lookout check --live`.

Asks Prometheus with the rules of MetricsMissing themselves, so that both say the same; this one does not wait. It
changes nothing.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from generator.clients.http import TooLarge
from generator.clients.prometheus import ask, prometheus_url
from generator.diagnostics import Diagnostic, sort_diagnostics
from generator.packs import load_packs
from generator.site.model import Alert, Service, Site
from generator.verbs.stages import compile_file

_ALERT: Final = "MetricsMissing"


def check_live(file: Path, root: Path) -> tuple[Diagnostic, ...]:
    """An error for each thing that is missing; a note for what appears with its first event. Raises Problems when
    Prometheus does not answer."""
    return missing_of(compile_file(file).site, prometheus_url(root))


def missing_of(site: Site, url: str) -> tuple[Diagnostic, ...]:
    """The same of a site."""
    found: list[Diagnostic] = []
    for service in site.services:
        for alert in service.alerts:
            if alert.name == _ALERT:
                found += _of_service(service, alert, url)
    return sort_diagnostics(found)


def _of_service(service: Service, alert: Alert, url: str) -> Iterator[Diagnostic]:
    try:
        if not _asked(url, f'up{{service="{service.name}"}} == 1'):
            yield Diagnostic("check/missing", f"no target of '{service.name}' answers now", service.origin, "note")
            return
        lacks = [each["metric"] for each in _asked(url, alert.expr)]
        optional = _optional(service)
        seen = {each["metric"]["__name__"] for each in _asked(url, _count(service, optional))} if optional else set()
    except TooLarge:
        message = f"Prometheus takes too long to say what '{service.name}' exports"
        yield Diagnostic("check/missing", message, service.origin, "note")
        return
    alerts = {need.missing: need.alerts for need in service.needs}
    for each in lacks:
        of = each.get("instance") or f"'{service.name}'"
        names = ", ".join(alerts.get(each["missing"], ())) or f"all that read metrics of {', '.join(service.kinds)}"
        message = f"{of} exports no {each['missing']}"
        yield Diagnostic("check/missing", message, service.origin, notes=(f"alerts that cannot fire: {names}",))
    if unseen := [name for name in optional if name not in seen]:
        message = f"'{service.name}' has not exported {', '.join(unseen)} yet; its first event may be still to come"
        yield Diagnostic("check/missing", message, service.origin, "note")


def _asked(url: str, query: str) -> list[dict[str, Any]]:
    return list(ask(url, "query", {"query": query})["result"])


def _optional(service: Service) -> list[str]:
    """Metrics that its kinds read and that may be absent."""
    packs = [pack for kind in service.kinds if (pack := load_packs().get(kind)) and "targets" in pack.needs]
    return sorted({name for pack in packs for name in set(pack.required_metrics) - set(pack.each_required)})


def _count(service: Service, metrics: list[str]) -> str:
    return f'count by (__name__) ({{__name__=~"{"|".join(metrics)}",service="{service.name}"}})'
