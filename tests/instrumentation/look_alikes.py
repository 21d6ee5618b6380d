"""What only looks like secrets: ids, hashes, times, prices, versions, counts, words."""

import hashlib
import uuid
from collections.abc import Iterator
from typing import Any, Final

from tests.instrumentation.calls import RANDOM, Call, digits, letters


def _hex(count: int) -> str:
    return letters(count, "0123456789abcdef")


def look_alikes() -> Iterator[Call]:
    for number in range(12):
        yield Call(f"order id {number}", f"order ORD-20261121-{digits(6)} shipped")
        yield Call(f"trace {number}", "asked", {"trace": _hex(32), "span": _hex(16)})
        yield Call(f"git sha {number}", f"deployed {_hex(40)} as {_hex(7)}")
        yield Call(f"sha256 {number}", f"image acme/api@sha256:{_hex(64)}")
        yield Call(f"md5 {number}", "stored", {"etag": _hex(32), "file": f"/srv/{_hex(2)}/{_hex(30)}.bin"})
        yield Call(f"uuid {number}", f"job {uuid.UUID(int=RANDOM.getrandbits(128), version=4)} done")
        yield Call(f"milliseconds {number}", "seen", {"at_ms": 1763720000000 + RANDOM.randrange(10**9)})
        yield Call(f"nanoseconds {number}", f"at {1763720000000000000 + RANDOM.randrange(10**15)} ns")
        yield Call(f"time {number}", f"until 2026-11-{number + 10}T10:00:0{number % 10}.{digits(6)}+00:00")
        yield Call(
            f"version {number}", f"python 3.{number}.{number + 3}, lodash@4.17.{number}, redis:8.{number}-alpine"
        )
        yield Call(f"price {number}", f"total {digits(3)}.{digits(2)} EUR, {digits(2)},{digits(3)}.50 USD")
        yield Call(f"IPv4 {number}", f"from 10.{number}.3.{number + 100}:{digits(5)} to 192.168.100.{number}")
        yield Call(f"IPv6 {number}", f"from 2001:db8:{_hex(4)}:{_hex(4)}::{number}")
        yield Call(f"phone-like id {number}", "synced", {"account": int("3" + digits(9)), "ref": digits(11)})
        yield Call(f"snowflake {number}", "message", {"id": 1 * 10**18 + RANDOM.randrange(10**17)})
        yield Call(f"coordinates {number}", f"at {RANDOM.uniform(-90, 90):.7f}, {RANDOM.uniform(-180, 180):.7f}")
        yield Call(f"fraction {number}", "scored", {"score": RANDOM.random(), "p": f"0.{digits(16)}"})
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
