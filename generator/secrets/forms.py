"""What each kind of secret looks like, and a secret file's text as it is meant.

Owns the one table of forms. No problem that it words holds any part of a value, not even a host: what is not a secret
of this kind may be one of another.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from generator.net.addresses import is_local
from generator.net.dsn import EXAMPLE, DsnError, parse_dsn

# What editors, spreadsheets and web pages leave around a value, white space aside.
_INVISIBLE: Final = "\ufeff\u200b\u200c\u200d\u2060\u00ad"
_QUOTES: Final = ('""', "''", "``", "“”", "\u2018\u2019", "„“", "«»")
_LARGEST: Final = 64 * 2**10
# bcrypt reads no further.
BCRYPT_BYTES: Final = 72
_HOST: Final = r"(?P<host>[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?"

# What is recognised in the place of something else, to say so: the first that fits.
_LOOKS_LIKE: Final = (
    (r"-?\d{5,15}", "it looks like a chat's id, which belongs into services.yaml"),
    (r"\d{6,}:[\w-]{30,}", "it looks like a Telegram bot's token"),
    (r"xox[a-z]-\S+|xapp-\S+", "it looks like a token of a Slack app"),
    (r"https://hooks\.slack\.com/(?:workflows|triggers)/\S+", "it starts a Slack workflow, which takes no messages"),
    (r"https://hooks\.slack(?:-gov)?\.com/\S+", "it looks like the address of a Slack webhook"),
    (r"https://[\w.-]*discord(?:app)?\.com/\S+", "it looks like the address of a Discord webhook"),
    (r"https://[\w.-]*(?:webhook\.office|office365|logic\.azure|powerplatform)\.com\S*",
     "it looks like the address of a Teams webhook"),
    (r"https://chat\.googleapis\.com/\S+", "it looks like the address of a Google Chat webhook"),
    (r"https://api\.telegram\.org/\S+", "it looks like an address of Telegram; the token alone is wanted"),
    (r"https://events\.(?:eu\.)?pagerduty\.com/\S*", "it looks like an address of PagerDuty"),
    (r"https://(?:hc-ping\.com|healthchecks\.io)/\S*", "it looks like a ping address of Healthchecks"),
    (r"postgres(?:ql)?(?:\+\w+)?://\S+", "it looks like the address of a Postgres database"),
    (r"rediss?://\S+", "it looks like the address of a Redis; the password alone is wanted"),
    (r"https?://\w+@\S+/\d+", "it looks like a DSN of an error tracker"),
    (r"[A-Za-z_]\w*\s*=\s*\S[\s\S]*", "it looks like a line NAME=value; the value alone is wanted"),
    (r"(?i:bearer|basic)\s+\S+", "it looks like a whole header; the part after the first word is wanted"),
    (r"-----BEGIN [\s\S]*", "it looks like a key or a certificate"),
    (r"\{[\s\S]*\}", "it looks like JSON"),
)  # fmt: skip
# Hosts of messengers, which no ping belongs to.
_MESSENGERS: Final = re.compile(
    r"https?://(?:[\w.-]+\.)?(?:slack\.com|slack-gov\.com|discord\.com|discordapp\.com|office\.com|office365\.com|"
    r"azure\.com|googleapis\.com|telegram\.org|pagerduty\.com)(?::\d+)?(?:/\S*)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Form:
    """What one kind of secret looks like. `problem` says why a value is none, and is empty when it fits."""

    name: str
    what: str
    example: str
    problem: Callable[[str], str]


def _shaped(*patterns: str) -> Callable[[str], str]:
    """A value that one of the patterns is the whole of."""
    return lambda value: "" if any(re.fullmatch(each, value) for each in patterns) else _unlike(value)


def _unlike(value: str) -> str:
    """What a value that does not fit seems to be."""
    if "\n" in value:
        return "it has several lines"
    for pattern, sentence in _LOOKS_LIKE:
        if re.fullmatch(pattern, value):
            return sentence
    return "white space is in it" if re.search(r"\s", value) else "it does not look like one"


def _plain(value: str) -> str:
    """Why an address that is a secret may not be called: over plain http it is read on the way."""
    found = re.match(rf"http://(?:[^/?#@]*@)?{_HOST}(?:[/?#]|$)", value)
    if not found or is_local(found["host"]):
        return ""
    return "http:// would let it be read on the way; it begins with https:// unless it is local"


def _slack_webhook(value: str) -> str:
    """Slack's own, one of what speaks its language (Mattermost, Rocket.Chat, Discord's /slack), or a local stand-in."""
    known = (
        r"https://hooks\.slack(?:-gov)?\.com/services/\w+/\w+/\w+/?",
        r"https://(?:\w+\.)?discord(?:app)?\.com/api(?:/v\d+)?/webhooks/\d+/[\w-]+/slack",
        rf"https://{_HOST}(?:/[\w.-]+)*/hooks/[a-z0-9]{{26}}",
        rf"https://{_HOST}(?:/[\w.-]+)*/hooks/\w{{17,24}}/\w{{40,}}",
    )
    if any(re.fullmatch(each, value) for each in known):
        return ""
    local = re.fullmatch(rf"https?://{_HOST}/\S+", value)
    return "" if local and is_local(local["host"]) else _plain(value) or _unlike(value)


def _ping(value: str) -> str:
    if not re.fullmatch(rf"https?://{_HOST}/[!-~]+", value) or _MESSENGERS.fullmatch(value):
        return _unlike(value)
    return _plain(value)


def _sentry_dsn(value: str) -> str:
    if not re.fullmatch(rf"https?://[A-Za-z0-9]{{8,}}(?::[A-Za-z0-9]+)?@{_HOST}(?:/[\w.~-]+)*/\d+(?:\?\S*)?", value):
        return _unlike(value)
    return _plain(value)


def _postgres_dsn(value: str) -> str:
    if "\n" in value:
        return _unlike(value)
    try:
        parse_dsn(value)
    except DsnError as error:
        return str(error)
    return ""


def _password(value: str) -> str:
    if "\n" in value:
        return "it has several lines"
    return "a control character is in it" if re.search(r"[\x00-\x1f\x7f]", value) else ""


def _web_password(value: str) -> str:
    if len(value.encode()) > BCRYPT_BYTES:
        return f"it is longer than {BCRYPT_BYTES} bytes, which no bcrypt hash covers"
    return _password(value)


def _certificate(value: str) -> str:
    if "PRIVATE KEY" in value:
        return "a private key is in it; the certificate of the authority alone is wanted"
    whole = re.search(r"-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----", value)
    return "" if whole else "no certificate in PEM is in it"


FORMS: Final = (
    Form("slack-webhook", "address of a Slack incoming webhook", "https://hooks.slack.com/services/T…/B…/…",
         _slack_webhook),
    Form("telegram-token", "token of a Telegram bot", "123456789:AA… (35 characters after the colon)",
         _shaped(r"\d{6,}:[\w-]{30,}")),
    Form("ping", "address of a dead man's switch", "https://hc-ping.com/UUID", _ping),
    Form("postgres-dsn", "DSN of a Postgres database", EXAMPLE, _postgres_dsn),
    Form("sentry-dsn", "DSN of an error tracker", "https://KEY@HOST/PROJECT", _sentry_dsn),
    Form("token", "token", "letters, digits and signs, no spaces, such as xK3-…", _shaped(r"[!-~]+")),
    Form("key", "key", "one line of at least 16 characters, no spaces", _shaped(r"[!-~]{16,}")),
    Form("password", "password", "one line of any characters", _password),
    Form("web-password", "password", f"one line of at most {BCRYPT_BYTES} bytes", _web_password),
    Form("certificate", "certificate of an authority in PEM", "-----BEGIN CERTIFICATE-----", _certificate),
    Form("text", "text", "any text", lambda value: "a zero byte is in it" if "\0" in value else ""),
)  # fmt: skip
BY_NAME: Final = {form.name: form for form in FORMS}


class UnreadableSecret(ValueError):
    """Why a secret's file is no text that could be used, in words without its content."""


def cleaned(text: str) -> str:
    """A value as it is meant: without what editors leave around it, Windows' line ends, and one pair of quotes."""
    edges = "".join(map(chr, range(33))) + "\x85\xa0\u2028\u2029\u3000" + _INVISIBLE
    value = re.sub(r"\r\n?", "\n", text).strip(edges)
    if len(value) > 1 and value[0] + value[-1] in _QUOTES:
        value = value[1:-1].strip(edges)
    return value


def decoded(content: bytes) -> str:
    """The text of a secret's file, cleaned; Windows' tools write UTF-16 with a mark before it. Raises
    UnreadableSecret."""
    if len(content) > _LARGEST:
        raise UnreadableSecret(f"is larger than {_LARGEST // 2**10} KiB")
    wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    try:
        return cleaned(content.decode("utf-16" if wide else "utf-8-sig"))
    except UnicodeDecodeError:
        raise UnreadableSecret("is not UTF-8 text") from None


def read_value(path: Path) -> str:
    """The value in a secret's file, cleaned; empty when there is no file. Raises UnreadableSecret and OSError."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return ""
    return decoded(content)
