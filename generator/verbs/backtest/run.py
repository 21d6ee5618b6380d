"""The verb as a function: which alerts, over which history, with what outcome."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from generator.clients.http import TooLarge
from generator.clients.prometheus import prometheus_url
from generator.diagnostics import Diagnostic, Problems, did_you_mean
from generator.net.addresses import without_logins
from generator.pipeline import resolve_text
from generator.site.model import Alert, Site
from generator.source.file import read_spec_file
from generator.verbs.backtest.episodes import AlertRule, figures, replay
from generator.verbs.backtest.history import Period, first_sample, times_true
from generator.verbs.backtest.proposal import Pair, committed_site, pairs_of, proposed_site
from generator.verbs.backtest.report import Outcome, Result


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: seconds of history, of which service and alert, and what is proposed instead."""

    since: int
    service: str | None = None
    alert: str | None = None
    params: Mapping[str, str | int | float] | None = None
    changed: bool = False


def backtest(file: Path, wanted: Wanted, say: Callable[[str], None], now: int | None = None) -> Result:
    """Replay what `wanted` names over the history of the stack beside `file`. Raises Problems."""
    pairs = _chosen(file, wanted)
    url = prometheus_url(file.absolute().parent)
    end = int(time.time()) if now is None else now
    asked = Period(end - wanted.since, end)
    start = first_sample(url, asked)
    window = Period(end if start is None else start, end)
    if not window.seconds:
        say(f"Prometheus at {without_logins(url)} has no history yet")
        return Result(wanted.since, window, (), False)
    lines = []
    for number, pair in enumerate(pairs, 1):
        say(f"{number}/{len(pairs)} {pair.alert.service} {pair.alert.name}")
        lines.append((_outcome(url, pair.before, window), _outcome(url, pair.after, window)))
    return Result(wanted.since, window, tuple(lines), bool(wanted.params) or wanted.changed)


def _chosen(file: Path, wanted: Wanted) -> tuple[Pair, ...]:
    site, _ = resolve_text(read_spec_file(file), str(file))
    _check_names(site, wanted)
    if wanted.params:
        pairs = pairs_of(site, proposed_site(file, wanted.service, wanted.params))
    elif wanted.changed:
        pairs = pairs_of(committed_site(file), site)
    else:
        pairs = pairs_of(site, None)
    return tuple(
        pair
        for pair in pairs
        if wanted.service in (None, pair.alert.service) and wanted.alert in (None, pair.alert.name)
    )


def _check_names(site: Site, wanted: Wanted) -> None:
    services = {service.name for service in site.services}
    if wanted.service is not None and wanted.service not in services:
        message, hint = f"no service is called '{wanted.service}'", did_you_mean(wanted.service, services)
        raise Problems([Diagnostic("spec/unknown-service", message, hint=hint)])
    alerts = {alert.name for alert in site.alerts if wanted.service in (None, alert.service)}
    if wanted.alert is not None and wanted.alert not in alerts:
        message, hint = f"no alert is called '{wanted.alert}'", did_you_mean(wanted.alert, alerts)
        raise Problems([Diagnostic("spec/unknown-alert", message, hint=hint)])


def _outcome(url: str, alert: Alert | None, window: Period) -> Outcome | None:
    if alert is None:
        return None
    step = alert.evaluation_interval
    try:
        times = times_true(url, alert.expr, window, step)
    except TooLarge as error:
        message = f"{alert.name} of {alert.service} is too much for Prometheus: {error}"
        raise Problems([Diagnostic("apply/unreachable", message, hint="ask for less with --since")]) from error
    history = replay(times, window, AlertRule(step, alert.for_seconds, alert.keep_firing_seconds))
    return Outcome(alert, history, figures(history, window))
