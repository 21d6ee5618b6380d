"""Secrets that their name or their place shows: in fields, JSON, addresses, headers, statements, exceptions.

Keys are put together here so that no scanner takes this file for a leak.
"""

import json
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.instrumentation.calls import Call, digits, letters, password

NAMES: Final = (
    *("password", "db_password", "passwd", "smtp_pass", "passphrase", "secret", "client_secret", "clientSecret"),
    *("token", "access_token", "refreshToken", "api_key", "X-Api-Key", "aws_secret_access_key", "private_key"),
    *("AccountKey", "otp", "session_token", "credentials", "webhook_signature"),
)


@dataclass
class Login:
    """What prints its fields when it is logged."""

    user: str
    password: str


# A log call of a name and its secret: message, fields, text of an exception.
Said = tuple[str, dict[str, Any], str]
# Values as people choose them are in what is quoted; where a value ends by itself, letters.
QUOTED: Final[dict[str, Callable[[str, str], Said]]] = {
    "a field": lambda name, secret: ("login", {name: secret}, ""),
    "a field of a field": lambda name, secret: ("login", {"user": {"id": 7, "auth": {name: secret}}}, ""),
    "a field of an item": lambda name, secret: ("login", {"calls": [{"url": "/x"}, {name: secret}]}, ""),
    "JSON in the message": lambda name, secret: (f"got {json.dumps({'a': 5, name: secret, 'n': 1})}", {}, ""),
    "only JSON": lambda name, secret: (json.dumps({name: secret}, separators=(",", ":")), {}, ""),
    "JSON in JSON": lambda name, secret: ("got", {"body": _json_in_json(name, secret)}, ""),
    "a Python dict": lambda name, secret: (f"payload { ({'user': 'bob', name: secret, 'n': 1}) }", {}, ""),
    "bytes": lambda name, secret: ("posted", {"body": json.dumps({name: secret}).encode()}, ""),
    "an exception": lambda name, secret: ("failed", {}, f"422 for { ({name: secret}) }"),
}
BARE: Final[dict[str, Callable[[str, str], Said]]] = {
    "an assignment": lambda name, secret: (f"retry {name}={secret} n=1", {}, ""),
    "a quoted assignment": lambda name, secret: (f"connect(host='db', {name}='{secret}', n=1)", {}, ""),
    "a query string": lambda name, secret: ("asked", {"url": f"https://x.dev/?a=1&{name}={secret}&b=2"}, ""),
    "encoded JSON": lambda name, secret: ("asked", {"url": f"/cb?state={_quoted({name: secret})}"}, ""),
    "an encoded query": lambda name, secret: ("asked", {"url": f"/in?next=a%3D1%26{name}%3D{secret}"}, ""),
    "pairs": lambda name, secret: ("asked", {"headers": [(b"host", b"x"), (name.encode(), secret.encode())]}, ""),
    "an exception's address": lambda name, secret: ("failed", {}, f"404 for https://x.dev/?{name}={secret}"),
}


def named() -> Iterator[Call]:
    """A named secret in every way in which one gets into a line."""
    for name in NAMES:
        number = "7" + digits(8)
        yield Call(f"{name}: a number", "login", {name: int(number)}, secret=number)
        for kind, say_it in QUOTED.items():
            secret = password()
            yield Call(f"{name}: {kind}", *say_it(name, secret), secret)
        for kind, say_it in BARE.items():
            secret = letters(14)
            yield Call(f"{name}: {kind}", *say_it(name, secret), secret)


def _json_in_json(name: str, secret: str) -> str:
    return json.dumps({"payload": json.dumps({name: secret, "n": 1})})


def _quoted(value: Mapping[str, Any]) -> str:
    return urllib.parse.quote(json.dumps({"n": 1, **value}))


PLACES: Final = (
    *("host=db user=app password=… dbname=x", "Driver=x;Server=db;UID=app;PWD=…;", "Login(user=bob, password=…)"),
    *("curl -H 'Authorization: Bearer …' https://x.dev", 'curl -H "X-Api-Key: …" https://x.dev', "export API_TOKEN=…"),
    *("<login><user>bob</user><password>…</password></login>", "<wsse:Password>…</wsse:Password>"),
    'Content-Disposition: form-data; name="password"\r\n\r\n…\r\n--x--',
    *(
        "user[password]=…&n=1",
        "user%5Bpassword%5D=…&n=1",
        "keys[api_key][]=x&token[]=…",
        "PASSWORD: '…'",
        ":password => '…'",
    ),
    *(
        "cookies={'sid': '…'}",
        "auth=('bob', '…')",
        "curl -u bob:… https://x",
        '{"credentials": {"user": "a", "x": "…"}}',
    ),
    *('{"password": ["…"]}', "{'pass': '…'}", '{"pass": "…"}'),
    *("--token … --verbose", "mysql --password=… -u app", "x-amz-security-token: …", "private-token: … sent"),
    *("https://x.blob.core.windows.net/a?sv=2024&sig=…&se=1", "AccountName=a;AccountKey=…;EndpointSuffix=core"),
    *(
        "https://s3.amazonaws.com/b/k?X-Amz-Signature=…",
        "callback /cb?code=1&id_token=…#x",
        "AWS_SECRET_ACCESS_KEY = …",
    ),
)


def reported_by_their_place() -> Iterator[Call]:
    """A name in a sentence, an option, a statement, a header, an address."""
    word = password()
    yield Call("a password after a colon", f"user bob, password: {word}", secret=word)
    word = password()
    yield Call("an option", f"run psql --db-password {word} -c x", secret=word)
    for statement in ("ALTER USER app WITH PASSWORD '{}'", "CREATE USER app IDENTIFIED BY '{}'", "SET password = '{}'"):
        word = password()
        yield Call(f"SQL: {statement[:12]}", statement.format(word), secret=word)
        word = password()
        yield Call(f"SQL failed: {statement[:12]}", "failed", error=statement.format(word), secret=word)
    for parameters in ("('bob', '{}')", "{{'name': 'bob', 'hash': '{}'}}", "[('a', '{}'), ('b', 'c')]"):
        word = letters(20)
        text = (
            f"UNIQUE constraint failed\n[SQL: INSERT INTO users VALUES (?, ?)]\n[parameters: {parameters.format(word)}]"
        )
        yield Call(f"parameters {parameters[:4]}", "failed", error=text, secret=word)
    for scheme in ("postgresql", "postgresql+psycopg", "redis", "amqp", "mongodb+srv", "mysql", "https", "smtp", "ftp"):
        plain = letters(16)
        url = f"{scheme}://app:{plain}@db.acme.internal:5432/shop"
        yield Call(f"an address of {scheme}", f"cannot connect to {url}", secret=plain)
        plain = letters(16)
        url = f"{scheme}://app:{plain}@db:5432/shop"
        yield Call(f"an address of {scheme} in an error", "failed", {"url": url}, f"no route to {url}", plain)
    plain = letters(16)
    yield Call("a password without a user", f"redis://:{plain}@cache:6379/0", secret=plain)
    plain = letters(9) + "@" + letters(7)
    yield Call(
        "a password with an @", "connecting", {"dsn_text": f"see postgres://app:{plain}@db/x"}, secret=plain[10:]
    )
    for host in ("o1.ingest.sentry.io", "bugsink:8000"):
        key = letters(32, "0123456789abcdef")
        yield Call(f"a DSN at {host}", "reporting", {"to": f"https://{key}@{host}/4"}, secret=key)
    for header in ("Authorization", "authorization", "Proxy-Authorization"):
        for value in (
            f"Basic {letters(22)}==",
            f"Bearer {letters(30)}",
            f"Token {letters(24)}",
            f"Digest u={letters(20)}",
        ):
            secret = value.split(" ", 1)[1]
            yield Call(f"{header}: {value[:6]}", f"> {header}: {value}", secret=secret)
            field = letters(24)
            headers = {header: f"{value.split()[0]} {field}"}
            yield Call(f"{header} field: {value[:6]}", "asked", {"headers": headers}, secret=field)
    for header in ("Cookie", "Set-Cookie", "cookie"):
        plain = letters(26)
        yield Call(f"{header} in text", f"< {header}: lang=en; sid={plain}; Path=/", secret=plain)
        plain = letters(26)
        yield Call(f"{header} in a field", "asked", {"headers": {header: f"sid={plain}"}}, secret=plain)
    for form in PLACES:
        plain = letters(15)
        yield Call(f"in {form[:30]!r}", form.replace("…", plain), secret=plain)
    plain = letters(26)
    yield Call("a session's id of Django", f"cookies { ({'sessionid': plain}) }", secret=plain)
    plain = letters(20)
    yield Call("several of a name", "rotated", {"api_keys": [plain, "x"]}, secret=plain)
    plain = letters(20)
    yield Call("an object that prints itself", "login", {"form": Login("bob", plain)}, secret=plain)
    for host in ("hooks.slack.com/services", "discord.com/api/webhooks", "acme.webhook.office.com/webhookb2"):
        path = f"{letters(9)}/{letters(11)}/{letters(24)}"
        yield Call(f"a webhook of {host}", f"POST https://{host}/{path} failed", secret=path)
