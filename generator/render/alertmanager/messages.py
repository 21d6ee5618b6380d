"""alertmanager/templates/*.tmpl: what a message says, and how a receiver asks for it.

Owns the texts. They are package data, the same for every site; the receivers are decided in
generator.site.routing to say.
"""

from typing import Any, Final

from generator.artifact import Artifact
from generator.channels.channel import Channel
from generator.channels.registry import MESSENGERS
from generator.conventions import GENERATED
from generator.site.model import Stack
from generator.templates import TEXTS

TEMPLATES: Final = ("common.tmpl", *(messenger.template for messenger in MESSENGERS if messenger.template))


def render_messages() -> tuple[Artifact, ...]:
    """The template files."""
    return tuple(Artifact(f"alertmanager/templates/{name}", _template(name)) for name in TEMPLATES)


def integrations(stack: Stack, channels: tuple[Channel, ...], *, quiet: bool) -> dict[str, Any]:
    """What a receiver holds to reach `channels`. `quiet` messages make no sound where the messenger can do that."""
    found: dict[str, Any] = {}
    for messenger in sorted({channel.configs for channel in channels}):
        mine = (channel for channel in channels if channel.configs == messenger)
        found[messenger] = [channel.receiver(_where(stack), quiet=quiet) for channel in mine]
    return found


def _template(name: str) -> str:
    return f"{{{{- /* {GENERATED} */ -}}}}\n{TEXTS[name]}"


def _where(stack: Stack) -> str:
    """The name of the stack: one chat may get messages of several."""
    return f"{stack.name} · {stack.environment}"
