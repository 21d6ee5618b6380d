"""What a shell offers at TAB: services, alerts and error codes, as the words of the command line so far ask for them.

Owns the lists, from files alone and without compiling anything, since a person waits for each of them. A file that
cannot be read offers nothing: that is for the verb to say.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click

from generator.conventions import SPEC_FILE
from generator.diagnostics import CODES, Problems
from generator.source.read import load_source

_PACKS: Final = Path(__file__).resolve().parents[2] / "packs"


def complete_service(context: click.Context, _: click.Parameter, typed: str) -> list[str]:
    """The services of the services.yaml that the command names."""
    return [name for name in _services(context) if name.startswith(typed)]


def complete_alert(context: click.Context, _: click.Parameter, typed: str) -> list[str]:
    """The alerts of all packs, and those that services.yaml declares."""
    return [name for name in sorted(_alerts(context)) if name.startswith(typed)]


def complete_topic(context: click.Context, parameter: click.Parameter, typed: str) -> list[str]:
    """What can be explained: alerts, and error codes."""
    return [*complete_alert(context, parameter, typed), *(code for code in CODES if code.startswith(typed))]


def _alerts(context: click.Context) -> set[str]:
    own = {name for settings in _services(context).values() for name in _mapping(settings, "alerts")}
    # Each alert of a pack has a runbook of its name.
    return own | {page.stem for page in _PACKS.glob("*/runbooks/*.md")}


def _services(context: click.Context) -> dict[str, Any]:
    file = context.params.get("file") or Path(SPEC_FILE)
    try:
        data = load_source(file.read_text(encoding="utf-8-sig"), str(file)).data
    except (OSError, ValueError, Problems):
        return {}
    return dict(_words(_mapping(data, "services")))


def _words(entries: dict[Any, Any]) -> Iterator[tuple[str, Any]]:
    """The entries whose keys are words."""
    return ((key, value) for key, value in entries.items() if isinstance(key, str))


def _mapping(data: Any, key: str) -> dict[str, Any]:
    """The mapping at `key`; empty where there is none."""
    found = data.get(key) if isinstance(data, dict) else None
    return dict(_words(found)) if isinstance(found, dict) else {}
