"""Slack, and what takes the same messages: an incoming webhook."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from pydantic import Field

from generator.channels.channel import Channel, ChannelModel, Messenger
from generator.net.addresses import is_local
from generator.values.forms import HOST, Form, plain, unlike
from generator.values.secret import SecretRef
from generator.values.typed import Secret

_SECRET: Final = SecretRef("slack_webhook")


@dataclass(frozen=True, slots=True)
class SlackChannel(Channel):
    """A Slack incoming webhook; its address is a secret file."""

    title: ClassVar[str] = "Slack"
    configs: ClassVar[str] = "slack_configs"

    channel: str
    webhook: SecretRef

    @property
    def place(self) -> tuple[str, ...]:
        """The webhook, and the channel that a webhook of old may be sent to."""
        return ("slack", self.webhook.name, self.channel)

    @property
    def secret(self) -> SecretRef:
        """The webhook's address."""
        return self.webhook

    @property
    def purpose(self) -> str:
        """What the secret is."""
        return f"the Slack incoming webhook of {self.name}"

    @property
    def form(self) -> str:
        """The form of the webhook's address."""
        return WEBHOOK.name

    @property
    def shown(self) -> str:
        """Slack and the channel's name, if it has one."""
        return f"{self.title} {self.channel}".strip()

    def receiver(self, stack: str, *, quiet: bool) -> dict[str, Any]:
        """The webhook's message; Slack leaves the sound to each reader."""
        config = {
            "send_resolved": True,
            "api_url_file": self.secret_path,
            "channel": self.channel,
            "color": '{{ template "lookout.slack.colour" . }}',
            "fallback": '{{ template "lookout.slack.fallback" . }}',
            "title": '{{ template "lookout.headline" . }}',
            "title_link": '{{ template "lookout.home" . }}',
            "text": f'{{{{ template "lookout.slack.text" . }}}}{stack}',
        }
        return {key: value for key, value in config.items() if value != ""}

    def notification(self) -> tuple[str, Mapping[str, str | SecretRef]]:
        """The same webhook in Uptime Kuma."""
        return "slack", {"slackwebhookURL": self.webhook, "slackchannel": self.channel}


class SlackSpec(ChannelModel):
    """A Slack incoming webhook."""

    channel: str = Field(default="", description="The channel's name, for people to read, such as #ops.")
    webhook: Secret | None = Field(
        default=None,
        description="The secret that holds the webhook's address. Default secret:slack_webhook.",
    )

    def to_channel(self, name: str) -> Channel:
        """The channel of this name."""
        return SlackChannel(name, self.channel, self.webhook or _SECRET)


def _webhook(value: str) -> str:
    """Slack's own, one of what speaks its language (Mattermost, Rocket.Chat, Discord's /slack), or a local stand-in."""
    known = (
        r"https://hooks\.slack(?:-gov)?\.com/services/\w+/\w+/\w+/?",
        r"https://(?:\w+\.)?discord(?:app)?\.com/api(?:/v\d+)?/webhooks/\d+/[\w-]+/slack",
        rf"https://{HOST}(?:/[\w.-]+)*/hooks/[a-z0-9]{{26}}",
        rf"https://{HOST}(?:/[\w.-]+)*/hooks/\w{{17,24}}/\w{{40,}}",
    )
    if any(re.fullmatch(each, value) for each in known):
        return ""
    local = re.fullmatch(rf"https?://{HOST}/\S+", value)
    return "" if local and is_local(local["host"]) else plain(value) or unlike(value)


WEBHOOK: Final = Form(
    "slack-webhook", "address of a Slack incoming webhook", "https://hooks.slack.com/services/T…/B…/…", _webhook
)
SLACK: Final = Messenger(
    key="slack",
    model=SlackSpec,
    field=SlackSpec,
    channel_help="A Slack incoming webhook.",
    person_help="Their own Slack webhook.",
    template="slack.tmpl",
    forms=(WEBHOOK,),
)
