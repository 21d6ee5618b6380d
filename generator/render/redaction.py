"""What never reaches the log store: one table of rules, and its two readings.

The shipper applies the table as OTTL statements, `redact` applies it in Python; the same text comes out of both.
Patterns are therefore the common part of RE2 and Python's `re` (ASCII): no look-around, no back-references. Rules
run in order: what is secret by its name first, then what is secret by its shape, from the most to the least
distinctive. When in doubt a rule takes too much (a card number is not checked by Luhn): a line that lost a number
can be asked for again, a leaked one cannot be called back. Nothing here knows where a line comes from or goes to.
"""

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that is masked. In `mask`, `${1}` is the first group: what stays.

    A regular expression costs more than all else that happens to a line. It is tried only where it can match: where the
    gate of that name is open, and one of `hints` is in the line (in lower case).
    """

    name: str
    pattern: str
    mask: str
    hints: tuple[str, ...] = ()
    gate: str = ""


# Ends of names, so that `access_token` and `clientSecret` are secrets and `total_tokens` is a count.
_NAMES: Final = (
    r"passw(?:or)?d|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|secret[_-]?key|private[_-]?key"
    r"|authorization|cookie|credentials?|signature|card[_-]?number|cvv|cvc|otp"
)
_PHONE_NAMES: Final = r"phone(?:[_-]?number)?|mobile|msisdn|whatsapp"
# How those names can end, as plain text.
_ENDS: Final = (
    *("password", "passwd", "passphrase", "pwd", "secret", "token", "key", "authorization", "cookie", "credential"),
    *("credentials", "signature", "number", "cvv", "cvc", "otp"),
)
_PHONE_ENDS: Final = ("phone", "number", "mobile", "msisdn", "whatsapp")
# The gates: is one of these words in the line; is there a run of digits as every card and local number has it.
WORDS: Final = tuple(dict.fromkeys(end for end in (*_ENDS, *_PHONE_ENDS) if end != "credentials"))
DIGITS: Final = r"\d{3}[ -]?\d{4}"


def _ended(ends: tuple[str, ...], *marks: str) -> tuple[str, ...]:
    return tuple(end + mark for end in ends for mark in marks)


# What may stand before a value that is told by its shape. A letter may not, unless it is the end of a JSON escape:
# `\n4111…` is a line break and a card number, `0.4111…` is a fraction.
_START: Final = r"(^|[^\w.]|\D\.|\\[nrtbf]|\\u[0-9a-fA-F]{4})"
_JSON_STRING: Final = r'"(?:[^"\\]|\\.)*"?'
_NUMBER: Final = r"-?\d[\d.eE+-]*"
# A bare value ends where a query string, a header or a sentence goes on.
_BARE: Final = r"""[^\s&;,"'\\(){}\[\]<>|=][^\s&;,"'\\(){}\[\]<>|]*"""

_KEYS: Final = (
    r"(?:AKIA|ASIA)[0-9A-Z]{16}"
    r"|gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,}|glpat-[\w-]{20,}"
    r"|(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{16,}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,}"
    r"|sk-[A-Za-z0-9_-]{20,}|AIza[\w-]{35}|SG\.[\w-]{16,}\.[\w-]{16,}"
)
_KEY_STARTS: Final = (
    *("akia", "asia", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "sk_", "rk_", "whsec_"),
    *("xox", "xapp-", "sk-", "aiza", "sg."),
)
_CARD: Final = (
    r"(?:4\d{3}|5[1-5]\d{2}|2[2-7]\d{2}|35\d{2}|6\d{3})(?:[ -]?\d{4}){3}(?:\d{3})?"
    r"|4\d{12}|3[47]\d{2}[ -]?\d{6}[ -]?\d{5}|3(?:0[0-5]|[68]\d)\d[ -]?\d{6}[ -]?\d{4}"
)

RULES: Final[tuple[Rule, ...]] = (
    Rule(
        "private key block",
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?",
        "[redacted:key]",
        hints=("private key-----",),
    ),
    Rule(
        "secret field of JSON",
        rf'(?i)((?:{_NAMES})"\s*:\s*)(?:{_JSON_STRING}|{_NUMBER})',
        '${1}"[redacted:secret]"',
        hints=_ended(_ENDS, '"'),
        gate="named",
    ),
    Rule(
        "secret field of JSON inside a JSON string",
        rf'(?i)((?:{_NAMES})\\+"\s*:\s*)(?:(\\+")[^"]*"?|{_NUMBER})',
        "${1}${2}[redacted:secret]${2}",
        hints=_ended(_ENDS, "\\"),
        gate="named",
    ),
    Rule(
        "secret item of a Python dict",
        rf"""(?i)((?:{_NAMES})'\s*:\s*)(?:b?'(?:[^'"\\]|\\.)*'?|\\*"[^"]*"|{_NUMBER})""",
        "${1}'[redacted:secret]'",
        hints=_ended(_ENDS, "'"),
        gate="named",
    ),
    Rule(
        "secret header",
        r"""(?i)(authorization\s*:\s*)(?:(?:basic|bearer|digest|token|apikey)\s+[^\r\n"'\\]+|[\w.~+/=-]{16,})""",
        "${1}[redacted:secret]",
        hints=("authorization",),
        gate="named",
    ),
    Rule(
        "cookie",
        r"""(?i)(cookie\s*:\s*)[^\s=;"'\\\[]+=[^\r\n"'\\]*""",
        "${1}[redacted:secret]",
        hints=("cookie",),
        gate="named",
    ),
    Rule(
        "key header",
        r"""(?i)(x-[a-z-]*(?:key|token|secret)\s*:\s*)[^\s"'\\,;]+""",
        "${1}[redacted:secret]",
        hints=_ended(("key", "token", "secret"), ":", " :"),
        gate="named",
    ),
    Rule(
        "secret assignment",
        rf"""(?i)((?:{_NAMES})\s?=\s?)(?:\\+"[^"]*"?|"[^",}}\s][^"]*"?|'[^'",}}\s][^'"]*'?|{_BARE})""",
        "${1}[redacted:secret]",
        hints=_ended(_ENDS, "=", " =", "\t="),
        gate="named",
    ),
    Rule(
        "password in an address",
        r"""(://[^\s:/@"'\\]*:)[^\s/@"'\\]+@""",
        "${1}[redacted:secret]@",
        hints=("@",),
    ),
    Rule(
        "chat webhook",
        r"((?:hooks\.slack\.com/(?:services|workflows|triggers)|discord(?:app)?\.com/api/webhooks)/)[\w/+-]+",
        "${1}[redacted:secret]",
        hints=("hooks.slack.com/", "/api/webhooks/"),
    ),
    Rule("Telegram bot token", r"\d{6,12}:AA[\w-]{30,}", "[redacted:key]", hints=(":aa",)),
    Rule("provider key", rf"{_START}(?:{_KEYS})", "${1}[redacted:key]", hints=_KEY_STARTS),
    Rule("JSON web token", r"eyJ[\w-]{8,}(?:\.[\w-]*){2,4}", "[redacted:jwt]", hints=("eyj",)),
    Rule("bearer token", r"(?i)(bearer\s+)[\w.~+/=-]{16,}", "${1}[redacted:secret]", hints=("bearer",)),
    Rule(
        "e-mail",
        r"(\\[nrtbf])?[\w.%+-]+@(?:(?:[A-Za-z][A-Za-z0-9-]*|\d+|\d[A-Za-z0-9-]{2,})\.)+[A-Za-z]{2,}",
        "${1}[redacted:email]",
        hints=("@",),
    ),
    Rule("card number", rf"{_START}(?:{_CARD})\b", "${1}[redacted:card]", gate="digits"),
    Rule(
        "phone field of JSON",
        rf'(?i)((?:{_PHONE_NAMES})"\s*:\s*)(?:"[+\d][^"\\]*"|{_NUMBER})',
        '${1}"[redacted:phone]"',
        hints=_ended(_PHONE_ENDS, '"'),
        gate="named",
    ),
    Rule(
        "international phone",
        r"(?:\+|%2[Bb])[1-9](?:[ .()-]{0,2}\d){9,14}\b",
        "[redacted:phone]",
        hints=("+", "%2b"),
    ),
    Rule(
        "local phone",
        rf"{_START}(?:\([2-9]\d{{2}}\) ?[2-9]\d{{2}}-\d{{4}}|[2-9]\d{{2}}-[2-9]\d{{2}}-\d{{4}})\b",
        "${1}[redacted:phone]",
        gate="digits",
    ),
)


_COMPILED: Final = tuple(
    (rule, re.compile(rule.pattern, re.ASCII), re.sub(r"\$\{(\d)\}", r"\\g<\1>", rule.mask)) for rule in RULES
)


def redact(text: str, without: str = "") -> str:
    """`text` with everything masked that the table names; a text that was redacted before stays as it is.

    `without` leaves out the rule of that name, to see what it is there for.
    """
    lower = text.lower()
    is_open = {
        "": True,
        "named": any(word in lower for word in WORDS),
        "digits": bool(re.search(DIGITS, lower, re.ASCII)),
    }
    for rule, pattern, mask in _COMPILED:
        if rule.name == without or not is_open[rule.gate]:
            continue
        if not rule.hints or any(hint in lower for hint in rule.hints):
            text = pattern.sub(mask, text)
    return text


def ottl_statements() -> list[str]:
    """The table as statements of the collector's transform processor: each rule on the body and on the attributes."""
    text, named, digits = 'log.cache["text"]', 'log.cache["named"]', 'log.cache["digits"]'
    gates = {"named": f"{named} == true", "digits": f"{digits} == true"}
    statements = [
        f'set({text}, ToLowerCase(Concat([log.body, String(log.attributes)], " ")))',
        f"set({named}, true) where {_any_of(text, WORDS)}",
        f"set({digits}, true) where IsMatch({text}, {ottl_string(DIGITS)})",
    ]
    for number, rule in enumerate(RULES):
        tests = [gates[rule.gate]] if rule.gate else []
        tests += [f"({_any_of(text, rule.hints)})"] if rule.hints else []
        arguments = f"{ottl_string(rule.pattern)}, {ottl_string(rule.mask)}"
        tried = f'log.cache["{number}"]'
        statements += [
            f"set({tried}, true) where {' and '.join(tests)}",
            f"replace_pattern(log.body, {arguments}) where {tried} == true",
            f'replace_all_patterns(log.attributes, "value", {arguments}) where {tried} == true',
        ]
    return statements


def ottl_secret_names() -> str:
    """A pattern of names whose whole value is a secret."""
    return ottl_string(rf"(?i)(?:{_NAMES}|{_PHONE_NAMES})$")


def ottl_string(text: str) -> str:
    """`text` as a string literal of OTTL."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    return f'"{escaped}"'


def _any_of(text: str, hints: tuple[str, ...]) -> str:
    return " or ".join(f"Index({text}, {ottl_string(hint)}) >= 0" for hint in hints)
