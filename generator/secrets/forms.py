"""What each kind of secret looks like.

Owns the one table of forms. No problem that it words holds any part of a value, not even a host: what is not a secret
of this kind may be one of another.
"""

import re
from typing import Final

from generator.channels.registry import MESSENGERS
from generator.net.dsn import EXAMPLE, DsnError, parse_dsn
from generator.values.forms import HOST, Form, plain, shaped, unlike

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
