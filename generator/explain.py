"""`lookout explain`: an error code's page, or an alert in words."""

from pathlib import Path

from generator import units
from generator.diagnostics import CODES, Diagnostic, Problems, did_you_mean
from generator.model import Alert, Site
from generator.packs import load_packs
from generator.pipeline import read_spec_file, resolve_text
from generator.render.events import event_runbooks

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
    events = [page for page in event_runbooks(site) if page.alert == name and service in (None, page.service)]
    if events:
        # No rule makes these: what there is to know of them is in their runbook.
        return "\n\n".join(page.markdown.strip() for page in events)
    if not found:
        names = {alert.name for alert in site.alerts if service in (None, alert.service)}
        where = f" of '{service}'" if service else ""
        message = f"no alert{where} is called '{name}'"
        raise Problems([Diagnostic("spec/unknown-alert", message, hint=did_you_mean(name, names))])
    return "\n\n".join(_words(site, alert) for alert in found)


def _words(site: Site, alert: Alert) -> str:
    params = _params(site, alert)
    held = units.format_duration(alert.for_seconds)
    rows = [
        f"{alert.name} of {alert.service}: {alert.severity}, goes to {alert.owner}",
        f"  says       {alert.annotations['summary']}",
        f"  means      {alert.annotations['description']}",
        f"  when       {alert.expr}",
        f"  for        {held}, looked at every {units.format_duration(alert.evaluation_interval)}",
        f"  fault      {alert.fault}",
        f"  written at {alert.origin.file}:{alert.origin.line}",
        f"  params     {', '.join(f'{name}: {value}' for name, value in params.items()) or 'none'}",
        f"  runbook    {alert.annotations['runbook_url']}",
        f"  dashboard  {alert.annotations['dashboard_url']}",
        f"  proof      {alert.proof}",
    ]
    return "\n".join(rows)


def _params(site: Site, alert: Alert) -> dict[str, str]:
    """The parameters of the alert's pack as they stand for its service, spelt as in services.yaml."""
    service = next(each for each in site.services if each.name == alert.service)
    instance = next(each for each in service.packs if each.pack == alert.pack)
    kinds = load_packs()[alert.pack].params
    return {name: units.format_value(kinds[name].type, value) for name, value in sorted(instance.params.items())}
