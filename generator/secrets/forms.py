"""What each kind of secret looks like, and a secret file's text as it is meant.

Owns the one table of forms. No problem that it words holds any part of a value, not even a host: what is not a secret
of this kind may be one of another.
"""

import re
from pathlib import Path
from typing import Final

from generator.channels.registry import MESSENGERS
from generator.net.dsn import EXAMPLE, DsnError, parse_dsn
from generator.values.forms import HOST, Form, plain, shaped, unlike

# What editors, spreadsheets and web pages leave around a value, white space aside.
_INVISIBLE: Final = "\ufeff\u200b\u200c\u200d\u2060\u00ad"
_QUOTES: Final = ('""', "''", "``", "“”", "\u2018\u2019", "„“", "«»")
_LARGEST: Final = 64 * 2**10
# bcrypt reads no further.
BCRYPT_BYTES: Final = 72

# Hosts of messengers, which no ping belongs to.
_MESSENGERS: Final = re.compile(
    r"https?://(?:[\w.-]+\.)?(?:slack\.com|slack-gov\.com|discord\.com|discordapp\.com|office\.com|office365\.com|"
    r"azure\.com|googleapis\.com|telegram\.org|pagerduty\.com)(?::\d+)?(?:/\S*)?",
    re.IGNORECASE,
)


def _ping(value: str) -> str:
    if not re.fullmatch(rf"https?://{HOST}/[!-~]+", value) or _MESSENGERS.fullmatch(value):
        return unlike(value)
    return plain(value)


def _sentry_dsn(value: str) -> str:
    if not re.fullmatch(rf"https?://[A-Za-z0-9]{{8,}}(?::[A-Za-z0-9]+)?@{HOST}(?:/[\w.~-]+)*/\d+(?:\?\S*)?", value):
        return unlike(value)
    return plain(value)


def _postgres_dsn(value: str) -> str:
    if "\n" in value:
        return unlike(value)
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
    *(form for messenger in MESSENGERS for form in messenger.forms),
    Form("ping", "address of a dead man's switch", "https://hc-ping.com/UUID", _ping),
    Form("postgres-dsn", "DSN of a Postgres database", EXAMPLE, _postgres_dsn),
    Form("sentry-dsn", "DSN of an error tracker", "https://KEY@HOST/PROJECT", _sentry_dsn),
    Form("token", "token", "letters, digits and signs, no spaces, such as xK3-…", shaped(r"[!-~]+")),
    Form("key", "key", "one line of at least 16 characters, no spaces", shaped(r"[!-~]{16,}")),
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
