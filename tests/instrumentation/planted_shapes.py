"""Secrets that their shape shows: keys of providers, cards of all brands, phone numbers and e-mail addresses.

Keys are put together here so that no scanner takes this file for a leak.
"""

import json
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Any, Final

from tests.instrumentation.calls import Call, digits, letters


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
        yield Call(f"{name} that only its name shows", "texted", {"user": {name: number}}, secret=number)
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
