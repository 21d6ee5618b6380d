"""`lookout explain`: an error code's page, or an alert in words."""

from pathlib import Path

from generator import units
from generator.diagnostics import CODES, Diagnostic, Problems, did_you_mean
from generator.model import Alert, PackInstance, Site
from generator.pipeline import read_spec_file, resolve_text

_PAGES = Path(__file__).resolve().parent.parent / "docs" / "errors"


def explain_code(code: str) -> str:
    """The page of an error code. Raises Problems when there is no such code."""
    if code not in CODES:
        message = f"no error has the code '{code}'"
        raise Problems([Diagnostic("spec/bad-value", message, hint=did_you_mean(code, CODES))])
    return (_PAGES / f"{code}.md").read_text(encoding="utf-8")


def explain_alert(file: Path, name: str, service: str | None) -> str:
    """What the alert means for each service that has it (or for `service`). Raises Problems."""
    site, _ = resolve_text(read_spec_file(file), str(file))
    found = [alert for alert in site.alerts if alert.name == name and service in (None, alert.service)]
    if not found:
        names = {alert.name for alert in site.alerts if service in (None, alert.service)}
        where = f" of '{service}'" if service else ""
        message = f"no alert{where} is called '{name}'"
        raise Problems([Diagnostic("spec/unknown-alert", message, hint=did_you_mean(name, names))])
    return "\n\n".join(_words(site, alert) for alert in found)


def _words(site: Site, alert: Alert) -> str:
    instance = _instance(site, alert)
    used = dict(instance.params) if instance else {}
    held = units.format_duration(alert.for_seconds)
    rows = [
        f"{alert.name} of {alert.service}: {alert.severity}, goes to {alert.owner}",
        f"  says       {alert.annotations['summary']}",
        f"  means      {alert.annotations['description']}",
        f"  when       {alert.expr}",
        f"  for        {held}, looked at every {units.format_duration(alert.evaluation_interval)}",
        f"  fault      {alert.fault}",
        f"  written at {alert.origin.file}:{alert.origin.line}",
        f"  params     {', '.join(f'{key}={value}' for key, value in sorted(used.items())) or 'none'}",
        f"  runbook    {alert.annotations['runbook_url']}",
        f"  dashboard  {alert.annotations['dashboard_url']}",
        f"  proof      {alert.proof}",
    ]
    return "\n".join(rows)


def _instance(site: Site, alert: Alert) -> PackInstance | None:
    service = next(each for each in site.services if each.name == alert.service)
    return next((pack for pack in service.packs if pack.pack == alert.pack), None)
