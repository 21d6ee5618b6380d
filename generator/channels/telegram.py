"""Telegram: a chat that a bot of the user's writes to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final

from pydantic import BeforeValidator, Field

from generator.channels.channel import Channel, ChannelModel, Messenger, NamedServer
from generator.values.forms import Form, shaped
from generator.values.secret import SecretRef
from generator.values.typed import CHAT_SCHEMA, Chat, Or, Reason, Secret, WebAddress, Whole

_SECRET: Final = SecretRef("telegram_token")
_API: Final = "https://api.telegram.org"


@dataclass(frozen=True, slots=True)
class TelegramChannel(Channel):
    """A Telegram chat reached through a bot; `api` is the Bot API's base URL, `thread` a topic, 0 without one."""

    title: ClassVar[str] = "Telegram"
    configs: ClassVar[str] = "telegram_configs"

    chat: int
    token: SecretRef
    api: str
    thread: int = 0

    @property
    def place(self) -> tuple[str, ...]:
        """The chat, as this bot on this server sees it."""
        return ("telegram", self.token.name, str(self.chat), self.api, str(self.thread))

    @property
    def secret(self) -> SecretRef:
        """The bot's token."""
        return self.token

    @property
    def purpose(self) -> str:
        """What the secret is."""
        return f"the Telegram bot's token of {self.name}"

    @property
    def form(self) -> str:
        """The form of a bot's token."""
        return TOKEN.name

    def receiver(self, stack: str, *, quiet: bool) -> dict[str, Any]:
        """The bot's message."""
        config = {
            "send_resolved": True,
            "api_url": self.api,
            "bot_token_file": self.secret_path,
            "chat_id": self.chat,
            "parse_mode": "HTML",
            "message": f'{{{{ template "lookout.telegram" . }}}}<i>{stack}</i>',
        }
        if self.thread:
            config["message_thread_id"] = self.thread
        return {**config, "disable_notifications": True} if quiet else config

    def notification(self) -> tuple[str, Mapping[str, str | SecretRef]]:
        """The same bot in Uptime Kuma, which heeds the server from 2.0 on."""
        return "telegram", {
            "telegramBotToken": self.token,
            "telegramChatID": str(self.chat),
            "telegramMessageThreadID": str(self.thread) if self.thread else "",
            "telegramServerUrl": self.api,
        }


class TelegramSpec(ChannelModel):
    """A Telegram chat, reached through a bot of yours."""

    chat: Chat = Field(description="The chat's id; a group's is negative.")
    thread: Whole | None = Field(
        default=None, gt=0, description="The topic of a group that has topics: the number in the link to it."
    )
    token: Secret | None = Field(
        default=None,
        description="The secret that holds the bot's token. Default secret:telegram_token.",
    )
    api: WebAddress | None = Field(default=None, description="Another Bot API server. Default Telegram's own.")
    insecure: Reason | None = Field(default=None, description="Why the token may travel to `api` unencrypted.")

    def to_channel(self, name: str) -> Channel:
        """The channel of this name."""
        return TelegramChannel(name, self.chat, self.token or _SECRET, self.api or _API, self.thread or 0)

    def server(self) -> NamedServer | None:
        """Where the token goes."""
        return NamedServer("api", self.api, "the bot's token", self.insecure or "") if self.api else None


def _as_telegram(value: Any) -> Any:
    return {"chat": value} if isinstance(value, str | int) and not isinstance(value, bool) else value


TOKEN: Final = Form(
    "telegram-token",
    "token of a Telegram bot",
    "123456789:AA… (35 characters after the colon)",
    shaped(r"\d{6,}:[\w-]{30,}"),
)
TELEGRAM: Final = Messenger(
    key="telegram",
    model=TelegramSpec,
    field=Annotated[TelegramSpec, BeforeValidator(_as_telegram), Or(CHAT_SCHEMA)],
    channel_help="A Telegram chat; its id alone will do.",
    person_help="Their own Telegram chat; its id alone will do.",
    template="telegram.tmpl",
    forms=(TOKEN,),
)
