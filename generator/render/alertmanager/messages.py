"""alertmanager/templates/*.tmpl: what a message says, and how a receiver asks for it.

Owns the texts. They are package data, the same for every site; whom they reach is for
generator.site.routing to say.
"""

from typing import Any, Final

from generator.artifact import Artifact
from generator.conventions import GENERATED
from generator.render.prometheus.config import secret_path
from generator.site.model import Channel, SlackChannel, Stack, TelegramChannel
from generator.templates import TEXTS

TEMPLATES: Final = ("common", "slack", "telegram")


def render_messages() -> tuple[Artifact, ...]:
    """The template files."""
    return tuple(Artifact(f"alertmanager/templates/{name}.tmpl", _template(name)) for name in TEMPLATES)


def integrations(stack: Stack, channels: tuple[Channel, ...], *, quiet: bool) -> dict[str, Any]:
    """What a receiver holds to reach `channels`. `quiet` messages make no sound where the messenger can do that."""
    slack = [_slack(stack, each) for each in channels if isinstance(each, SlackChannel)]
    telegram = [_telegram(stack, each, quiet) for each in channels if isinstance(each, TelegramChannel)]
    found: dict[str, Any] = {"slack_configs": slack, "telegram_configs": telegram}
    return {kind: configs for kind, configs in found.items() if configs}


def _template(name: str) -> str:
    return f"{{{{- /* {GENERATED} */ -}}}}\n{TEXTS[f'{name}.tmpl']}"


def _slack(stack: Stack, channel: SlackChannel) -> dict[str, Any]:
    config = {
        "send_resolved": True,
        "api_url_file": secret_path(channel.webhook),
        "channel": channel.channel,
        "color": '{{ template "lookout.slack.colour" . }}',
        "fallback": '{{ template "lookout.slack.fallback" . }}',
        "title": '{{ template "lookout.headline" . }}',
        "title_link": '{{ template "lookout.home" . }}',
        "text": f'{{{{ template "lookout.slack.text" . }}}}{_where(stack)}',
    }
    return {key: value for key, value in config.items() if value != ""}


def _telegram(stack: Stack, channel: TelegramChannel, quiet: bool) -> dict[str, Any]:
    config = {
        "send_resolved": True,
        "api_url": channel.api,
        "bot_token_file": secret_path(channel.token),
        "chat_id": channel.chat,
        "parse_mode": "HTML",
        "message": f'{{{{ template "lookout.telegram" . }}}}<i>{_where(stack)}</i>',
    }
    return {**config, "disable_notifications": True} if quiet else config


def _where(stack: Stack) -> str:
    """Which stack speaks: one chat may hear several."""
    return f"{stack.name} · {stack.environment}"
