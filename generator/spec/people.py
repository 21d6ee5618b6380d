"""`people:`, `channels:` and `notify:`: who gets an alert, and where."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from generator.values.typed import Model, Names, Or, Reason, Secret, WebAddress


def _as_telegram(value: Any) -> Any:
    if isinstance(value, str):
        raise PydanticCustomError("spec/wrong-type", "a Telegram chat's id is a number, such as 123456 or -100123456")
    return {"chat": value} if isinstance(value, int) and not isinstance(value, bool) else value


class SlackSpec(Model):
    """A Slack incoming webhook."""

    channel: str = Field(default="", description="The channel's name, for people to read, such as #ops.")
    webhook: Secret | None = Field(
        default=None,
        description="The secret that holds the webhook's address. Default secret:slack_webhook.",
    )


class TelegramSpec(Model):
    """A Telegram chat, reached through a bot of yours."""

    chat: int = Field(description="The chat's id; a group's is negative.")
    token: Secret | None = Field(
        default=None,
        description="The secret that holds the bot's token. Default secret:telegram_token.",
    )
    api: WebAddress | None = Field(default=None, description="Another Bot API server. Default Telegram's own.")
    insecure: Reason | None = Field(default=None, description="Why the token may travel to `api` unencrypted.")


Telegram = Annotated[TelegramSpec, BeforeValidator(_as_telegram), Or({"type": "integer"})]


class ChannelSpec(Model):
    """Where messages go: exactly one of `slack` and `telegram`."""

    slack: SlackSpec | None = Field(default=None, description="A Slack incoming webhook.")
    telegram: Telegram | None = Field(default=None, description="A Telegram chat; its id alone will do.")


class PersonSpec(Model):
    """Somebody who owns services, and how to reach them personally."""

    slack: SlackSpec | None = Field(default=None, description="Their own Slack webhook.")
    telegram: Telegram | None = Field(default=None, description="Their own Telegram chat; its id alone will do.")


class NotifySpec(Model):
    """Which severity goes where: names of channels, and `owner` for whoever owns the service."""

    critical: Names | None = Field(default=None, description="Pages. Default: every channel.")
    warning: Names | None = Field(default=None, description="What can wait until you sit down. Default: every channel.")
    info: Names | None = Field(default=None, description="For the record. Default: nowhere.")
