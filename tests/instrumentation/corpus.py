"""Secrets as apps really log them, and what only looks like secrets: what every store of log lines is searched for.

`PLANTED` and `LOOK_ALIKES` are lists of log calls; `say` makes one. Each planted secret is a text that nothing else
contains, so that finding it anywhere is a leak. Values are made up here, keys in pieces, so that no scanner takes this
file for one.
"""

import hashlib
import json
import random
import urllib.parse
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

ALPHABET: Final = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_random: Final = random.Random(20261121)


@dataclass(frozen=True)
class Call:
    """One log call. `error` is the text of an exception that is logged with it; `secret` is what must be gone."""

    name: str
    message: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    secret: str = ""

    def raw(self) -> str:
        """The line that an app without the library would write."""
        line: dict[str, Any] = {"level": "info", "message": self.message, **self.fields}
        if self.error:
            line["exception"] = f"Traceback (most recent call last):\n  …\nRuntimeError: {self.error}"
        return json.dumps(line, default=lambda value: value.decode() if isinstance(value, bytes) else repr(value))


def say(logger: Any, call: Call) -> None:
    """Make the log call, on a logger of structlog."""
    if not call.error:
        logger.info(call.message, **call.fields)
        return
    try:
        raise RuntimeError(call.error)
    except RuntimeError:
        logger.exception(call.message, **call.fields)


def letters(count: int, alphabet: str = ALPHABET) -> str:
    return "".join(_random.choices(alphabet, k=count))


def digits(count: int) -> str:
    return letters(count, "0123456789")


def password() -> str:
    """As people and generators make them: letters, then something else, then anything."""
    return f"{letters(5)}{digits(2)}{letters(1, '!#$^*')}{letters(4)}"


# --- secrets that a name tells ------------------------------------------------------------------------------

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
    *("--token … --verbose", "mysql --password=… -u app", "x-amz-security-token: …", "private-token: … sent"),
    *("https://x.blob.core.windows.net/a?sv=2024&sig=…&se=1", "AccountName=a;AccountKey=…;EndpointSuffix=core"),
    *(
        "https://s3.amazonaws.com/b/k?X-Amz-Signature=…",
        "callback /cb?code=1&id_token=…#x",
        "AWS_SECRET_ACCESS_KEY = …",
    ),
)


def told_by_their_place() -> Iterator[Call]:
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


# --- secrets that their shape tells -------------------------------------------------------------------------


def _jwt() -> str:
    return f"eyJhbGciOiJIUzI1NiJ9.eyJ{letters(40)}.{letters(43)}"


KEYS: Final[dict[str, Callable[[], str]]] = {
    "JSON web token": _jwt,
    "AWS key": lambda: "AK" + "IA" + letters(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
    "AWS temporary key": lambda: "AS" + "IA" + letters(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
    "GitHub token": lambda: "gh" + "p_" + letters(36),
    "GitHub fine-grained token": lambda: "github" + "_pat_" + letters(22) + "_" + letters(59),
    "GitLab token": lambda: "gl" + "pat-" + letters(20),
    "Stripe key": lambda: "sk" + "_live_" + letters(24),
    "Stripe restricted key": lambda: "rk" + "_test_" + letters(24),
    "Stripe webhook secret": lambda: "wh" + "sec_" + letters(32),
    "Slack bot token": lambda: "xox" + f"b-{digits(12)}-{digits(12)}-" + letters(24),
    "OpenAI key": lambda: "sk" + "-proj-" + letters(48),
    "Anthropic key": lambda: "sk" + "-ant-api03-" + letters(60),
    "Google key": lambda: "AI" + "za" + letters(35),
    "Google OAuth token": lambda: "ya" + "29." + letters(60),
    "SendGrid key": lambda: "SG" + "." + letters(22) + "." + letters(43),
    "Hugging Face token": lambda: "h" + "f_" + letters(34),
    "npm token": lambda: "np" + "m_" + letters(36),
    "Telegram bot token": lambda: digits(1).replace("0", "1") + digits(8) + ":AA" + letters(33),
    "private key": lambda: (
        "-----BEGIN RSA PRIVATE" + f" KEY-----\n{letters(64)}\n{letters(40)}==\n-----END RSA PRIVATE" + " KEY-----"
    ),
}


def shaped() -> Iterator[Call]:
    for kind, make in KEYS.items():
        for place, call in _places(make):
            yield Call(f"{kind} {place}", *call)


def _places(make: Callable[[], str]) -> Iterator[tuple[str, tuple[str, dict[str, Any], str, str]]]:
    key = make()
    yield "in the message", (f"using {key} now", {}, "", _core(key))
    key = make()
    yield "in a field", ("started", {"value": key}, "", _core(key))
    key = make()
    yield "in a list", ("started", {"values": ["a", key]}, "", _core(key))
    key = make()
    yield "in an exception", ("failed", {}, f"401 for ({key})", _core(key))
    key = make()
    yield "in JSON in a string", ("answer", {"body": json.dumps({"a": [key]})}, "", _core(key))
    key = make()
    yield (
        "in an address",
        ("asked", {"url": f"https://api.acme.dev/bot{key}/x" if ":AA" in key else f"/x/{key}"}, "", _core(key)),
    )


def _core(key: str) -> str:
    """The part of a key that is secret: without its beginning, which may be shown, and in one line."""
    return max(key.split("\n"), key=len)[-18:] if "PRIVATE" not in key else key.split("\n")[1]


# --- cards, people ------------------------------------------------------------------------------------------

BRANDS: Final = {
    "Visa": ("4", 16), "Visa of 13": ("4", 13), "Visa of 19": ("4", 19), "Mastercard": ("53", 16),
    "Mastercard 2": ("2221", 16), "American Express": ("37", 15), "Diners": ("36", 14), "Discover": ("6011", 16),
    "JCB": ("3530", 16), "UnionPay": ("62", 16), "Maestro": ("6304", 16), "Mir": ("2200", 16),
}  # fmt: skip


def card(prefix: str, length: int) -> str:
    """A number that passes Luhn's check."""
    body = prefix + digits(length - len(prefix) - 1)
    total = sum(
        sum(divmod(2 * int(each), 10)) if place % 2 == 0 else int(each) for place, each in enumerate(body[::-1])
    )
    return body + str(-total % 10)


def grouped(number: str, gap: str) -> str:
    sizes = {15: (4, 6, 5), 14: (4, 6, 4), 19: (4, 4, 4, 4, 3)}.get(len(number), (4, 4, 4, 4))
    starts = [sum(sizes[:place]) for place in range(len(sizes))]
    return gap.join(number[start : start + size] for start, size in zip(starts, sizes, strict=True))


def cards() -> Iterator[Call]:
    for brand, (prefix, length) in BRANDS.items():
        number = card(prefix, length)
        yield Call(f"{brand} in the message", f"charged {number}, ok", secret=number)
        number = card(prefix, length)
        yield Call(f"{brand} as a number", "charged", {"pan": int(number)}, secret=number)
        number = card(prefix, length)
        yield Call(f"{brand} in a key", "cache", {"key": f"card_{number}_x"}, secret=number)
        number = card(prefix, length)
        yield Call(f"{brand} in an exception", "failed", error=f"declined: {number}", secret=number)
        if length == 13:
            continue
        for gap in (" ", "-", ".", "%20"):
            number = grouped(card(prefix, length), gap)
            yield Call(f"{brand} grouped by {gap!r}", "charged", {"note": f"card {number} of Bob"}, secret=number)
    number = card("4", 16)
    yield Call("a card with its code", f"card {number} 123", secret=number)
    number = card("4", 16)
    yield Call("a card behind a number that is none", f"order 4111111111111112 card {number}", secret=number)
    number = grouped(card("51", 16), " ")
    yield Call("a card behind four digits", f"5123 {number}", secret=number)


PHONES: Final = (
    *("+39 333 {3} {4}", "+44 7700 {6}", "+44 20 79{2} {4}", "+1 415 555 {4}", "+1-415-555-{4}", "+1 (415) 555-{4}"),
    *(
        "+49 151 {8}",
        "+33 6 12 34 {2} {2}",
        "+34 612 {3} {3}",
        "+380 50 {3} {4}",
        "+7 916 {3}-{2}-{2}",
        "+48 601 {3} {3}",
    ),
    *("+55 11 9{4}-{4}", "+91 98{3} {5}", "+86 138 {4} {4}", "+81 90-{4}-{4}", "+61 412 {3} {3}", "+971 50 {3} {4}"),
    *("+39333{7}", "+447700{6}", "+14155{6}", "+4915{9}", "+3361{7}", "+38050{7}", "(415) 555-{4}", "415-555-{4}"),
    *("415.555.{4}", "06 12 {2} {2} 78", "020 79{2} {4}", "07700 {6}", "0151 {8}"),
)


def phone(form: str) -> str:
    for count in range(2, 10):
        while f"{{{count}}}" in form:
            form = form.replace(f"{{{count}}}", digits(count).replace("0", "1"), 1)
    return form


def people() -> Iterator[Call]:
    for form in PHONES:
        number = phone(form)
        yield Call(f"phone {form}", f"texting {number} now", secret=number)
        number = phone(form)
        yield Call(f"phone {form} in a field", "texted", {"to": number}, secret=number)
        if form.startswith("+"):
            number = urllib.parse.quote(phone(form))
            yield Call(f"phone {form} encoded", "asked", {"url": f"/send?to={number}&n=1"}, secret=number)
    for name in ("phone", "phone_number", "mobile", "whatsapp"):
        number = "333" + digits(7)
        yield Call(f"{name} that only its name tells", "texted", {"user": {name: number}}, secret=number)
        number = "333" + digits(7)
        yield Call(f"{name} in JSON", "texted", {"body": json.dumps({name: number})}, secret=number)
    for domain in ("example.com", "mail.example.co.uk", "acme.dev", "123.com", "x-y.io"):
        for place in ("{}", "to <{}>, cc", "mailto:{}?subject=x", "user={} signed in", '{{"to": "{}"}}'):
            mail = f"{letters(6).lower()}.{letters(5).lower()}+x@{domain}"
            yield Call(f"e-mail {place} of {domain}", place.format(mail), secret=mail)
        mail = f"{letters(9).lower()}@{domain}"
        yield Call(f"e-mail in a field of {domain}", "invited", {"members": [{"contact": mail}]}, secret=mail)
        mail = f"{letters(9).lower()}@{domain}"
        yield Call(f"e-mail in an exception of {domain}", "failed", error=f"no user {mail}!", secret=mail)
        mail = urllib.parse.quote(f"{letters(9).lower()}@{domain}")
        yield Call(f"e-mail encoded of {domain}", "asked", {"url": f"/invite?to={mail}&n=1"}, secret=mail)


PLANTED: Final = [*named(), *told_by_their_place(), *shaped(), *cards(), *people()]


# --- what only looks so -------------------------------------------------------------------------------------


def _hex(count: int) -> str:
    return letters(count, "0123456789abcdef")


def look_alikes() -> Iterator[Call]:
    for number in range(12):
        yield Call(f"order id {number}", f"order ORD-20261121-{digits(6)} shipped")
        yield Call(f"trace {number}", "asked", {"trace": _hex(32), "span": _hex(16)})
        yield Call(f"git sha {number}", f"deployed {_hex(40)} as {_hex(7)}")
        yield Call(f"sha256 {number}", f"image acme/api@sha256:{_hex(64)}")
        yield Call(f"md5 {number}", "stored", {"etag": _hex(32), "file": f"/srv/{_hex(2)}/{_hex(30)}.bin"})
        yield Call(f"uuid {number}", f"job {uuid.UUID(int=_random.getrandbits(128), version=4)} done")
        yield Call(f"milliseconds {number}", "seen", {"at_ms": 1763720000000 + _random.randrange(10**9)})
        yield Call(f"nanoseconds {number}", f"at {1763720000000000000 + _random.randrange(10**15)} ns")
        yield Call(f"time {number}", f"until 2026-11-{number + 10}T10:00:0{number % 10}.{digits(6)}+00:00")
        yield Call(
            f"version {number}", f"python 3.{number}.{number + 3}, lodash@4.17.{number}, redis:8.{number}-alpine"
        )
        yield Call(f"price {number}", f"total {digits(3)}.{digits(2)} EUR, {digits(2)},{digits(3)}.50 USD")
        yield Call(f"IPv4 {number}", f"from 10.{number}.3.{number + 100}:{digits(5)} to 192.168.100.{number}")
        yield Call(f"IPv6 {number}", f"from 2001:db8:{_hex(4)}:{_hex(4)}::{number}")
        yield Call(f"phone-like id {number}", "synced", {"account": int("3" + digits(9)), "ref": digits(11)})
        yield Call(f"snowflake {number}", "message", {"id": 1 * 10**18 + _random.randrange(10**17)})
        yield Call(f"coordinates {number}", f"at {_random.uniform(-90, 90):.7f}, {_random.uniform(-180, 180):.7f}")
        yield Call(f"fraction {number}", "scored", {"score": _random.random(), "p": f"0.{digits(16)}"})
        yield Call(f"MAC {number}", ":".join(_hex(2) for _ in range(6)))
        yield Call(f"ISBN {number}", f"book 978-3-16-{digits(6)}-{number % 10}, ean 978316{digits(7)}")
        yield Call(f"pod {number}", f"pod api-{_hex(10)}-{letters(5).lower()} on node-{number}")
        yield Call(f"request id {number}", "asked", {"upstream": f"req_{letters(24)}", "order": f"cs_{digits(10)}"})
        digest = hashlib.sha1(str(number).encode()).hexdigest()
        yield Call(f"ETag {number}", f'W/"{digest}" matched, {number} bytes')
    for number in range(4):
        yield Call(f"order id like a card {number}", f"order 4{digits(15)} packed")
    for count in ("max_tokens", "total_tokens", "prompt_tokens", "completion_tokens", "tokens_used", "token_count"):
        yield Call(f"count {count}", "asked the model", {count: 512})
        yield Call(f"count {count} in text", f"asked with {count}=512, {count}: 64")
    for text in TEXTS:
        yield Call(text[:40], text)
    for number, fields in enumerate(FIELDS):
        yield Call(f"fields {number}", "noted", fields)


TEXTS: Final = (
    *("the secretary passed the passage to the passenger", "password reset was requested", "token expired"),
    *("authorization: denied for user 5", "bearer authentication is on", "basic authentication failed", "no cookies"),
    *("unexpected token: }", "password: must be at least 8 characters", "secret: not found", "api key: missing"),
    *("keyboard layout changed", "monkey-patched asyncio", "a tokenizer with 32000 tokens", "Bearer of bad news"),
    *("GET /static/icon@2x.png", "@app.get('/x')", "user@host", "root@db-1:~#", "npm i @types/node@22.1.0"),
    *("data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAUA", "GET /api/v1/users/12345/orders?page=2&per_page=50"),
    *(
        "retry 3 of 5 in 00:01:30",
        "cron 0 */5 * * *",
        "took 1234567890 ns",
        "took 12.345678901234 s",
        "+10485760 bytes",
    ),
    *(
        "/usr/lib/python3.11/site-packages/requests/sessions.py",
        r"C:\Program Files\Python\key.pem",
        "~/.ssh/id_rsa.pub",
    ),
    *(
        "postgres://db:5432/shop",
        "redis://cache:6379/0",
        "https://acme.dev/a:b@c",
        "amqp://queue",
        "http://[::1]:8000/",
    ),
    *(
        "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ),
    *("disk-usage-percentage-over-time-of-day", "task-runner-configuration-reloaded", "sk-learn is not installed"),
    *("key=value", "primary_key=7", "cache_key=items:7", "sort_key: created_at", "foreign key constraint fails"),
    *("signature of f(a, b) changed", "2026-11-21 10:00:00,123 INFO done", "[21/Nov/2026:10:00:00 +0000] 200 345"),
    *("if password == other", "SELECT password FROM users WHERE id = $1", "password=", "Temperature -12.5 to +38.2"),
    *(
        "chunk 0x7f8b2d4c4ec0",
        "0b1011",
        "1e-10 and 4.111111111111111",
        "10.0.0.0/8 and fd00::/8",
        "UTC+02:00",
        "n=1_000_000",
    ),
    *("pip install structlog==26.1.0", "sha512-abcdefghij", "python-3.11.7-slim", "arn:aws:iam::123456789012:role/app"),
    *("git clone git@github.com:acme/shop.git", "seats 12-14-16", "score 3:2", "zip 94103-1234", "room 415-555"),
    *("size 1024x768", "ratio 16:9", "A4 210x297", "ISO 8601-1:2019", "RFC 9562", "PEP 3333", "ticket ACME-12345"),
)

FIELDS: Final[tuple[dict[str, Any], ...]] = (
    {"password": None, "token": False, "has_secret": True},
    {"token_type": "bearer", "expires_in": 3600, "scope": "read"},
    {"status": 200, "duration_ms": 12.5, "route": "/items/{item_id}", "method": "GET"},
    {"secretary": "Ann", "keyboard": "us", "passenger": "Bob", "monkey": "x", "tokenizer": "bpe"},
    {"session_id": "s-12345", "tenant": "acme", "tier": "pro", "site": "www", "action": "checkout"},
    {"usage": {"input_tokens": 12, "output_tokens": 40, "cached_tokens": 0}},
    {"tokens": {"input": 12, "output": 40}},
    {"ids": list(range(20)), "flags": {"a": True}, "none": None},
    {"phone_verified": True, "email_sent": True, "mobile": False},
    {"cookie_count": 3, "password_age_days": 12, "key_count": 4, "card_brand": "visa"},
)

LOOK_ALIKES: Final = list(look_alikes())
