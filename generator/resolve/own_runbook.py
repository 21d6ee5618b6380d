"""The runbook of a custom alert: what its author wrote, and elsewhere what is known without an author.

Owns the five sections and their words.
"""

from collections.abc import Callable
from typing import Final

from generator.site.model import Service
from generator.spec.alerts import RunbookSpec
from generator.units import format_duration


def own_runbook(service: Service, alert: str, spec: RunbookSpec, expr: str, hold: int, description: str) -> str:
    """The page as Markdown."""
    parts = [f"# {service.name}: {alert}"]
    for title, default in _SECTIONS:
        written = getattr(spec, title.lower())
        parts.append(f"## {title}\n{(written or default(service, alert, expr, hold, description)).strip()}")
    return "\n\n".join(parts) + "\n"


def _meaning(service: Service, alert: str, expr: str, hold: int, description: str) -> str:
    return f"{description}\n\nThe rule of **{service.name}** in services.yaml was true for {format_duration(hold)}."


def _impact(service: Service, alert: str, expr: str, hold: int, description: str) -> str:
    return f"The impact is not described yet. It is about **{service.name}**, and the services that use it."


def _diagnosis(service: Service, alert: str, expr: str, hold: int, description: str) -> str:
    uses = f"\n4. What it uses: {', '.join(service.uses)}. Do their alerts fire too?" if service.uses else ""
    return (
        f"1. The rule, its limit and its value now: `./lookout explain {alert} --service {service.name}`\n"
        f"2. How often it was so before: `./lookout backtest --alert {alert} --service {service.name}`\n"
        f"3. What **{service.name}** logged: `./lookout logs --service {service.name} --since 1h`{uses}"
    )


def _mitigation(service: Service, alert: str, expr: str, hold: int, description: str) -> str:
    return f"The fix is not described yet. Write it under `runbook:` of {alert} in services.yaml once you know."


def _escalation(service: Service, alert: str, expr: str, hold: int, description: str) -> str:
    return f"The owner is **{service.owner}**."


_SECTIONS: Final[tuple[tuple[str, Callable[[Service, str, str, int, str], str]], ...]] = (
    ("Meaning", _meaning),
    ("Impact", _impact),
    ("Diagnosis", _diagnosis),
    ("Mitigation", _mitigation),
    ("Escalation", _escalation),
)
