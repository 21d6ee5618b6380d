"""What never reaches a log: one table of rules for all who read it.

The shipper applies the table as OTTL statements, apps as the library's Python (collector.redaction renders
both); the same text comes out of both, but for the look-alikes that a `check` saves in Python. Patterns are therefore
the common part of RE2 and Python's `re` (ASCII): no look-around, no back-references. Rules run in order: what is secret
by its name first, then what is secret by its shape, from the most to the least distinctive. When in doubt a rule takes
too much: a line that lost a number can be asked for again, a leaked one cannot be called back. Nothing here knows where
a line comes from or goes to.

Python and browsers backtrack, and anybody can send them a text. So a part that can fail after it was read is bounded,
no two parts that stand side by side or within each other can read the same characters in two ways, and what is not
bounded is the last thing that a pattern needs. The collector's engine takes the same time for each character: it reads
the patterns without these bounds (generator.render.collector.redaction).
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class RedactionRule:
    """One thing that is masked. In `mask`, `${1}` is the first group: what stays.

    A regular expression costs more than all else that happens to a line. It is tried only where it can match: where the
    gate of that name is open, and one of `hints` is in the line (in lower case). `check` names what else a match has to
    pass where there is a language to say it in, which OTTL is not.
    """

    name: str
    pattern: str
    mask: str
    hints: tuple[str, ...] = ()
    gate: str = ""
    check: str = ""


# Ends of names, so that `access_token` and `clientSecret` are secrets and `total_tokens` is a count.
NAMES: Final = (
    r"passw(?:or)?d|passphrase|passcode|[_-]pass|pwd|secret|token|api[_-]?key|access[_-]?key|secret[_-]?key"
    r"|private[_-]?key|account[_-]?key|encryption[_-]?key|signing[_-]?key|master[_-]?key|sess(?:ion)?id"
    r"|authorization|cookie|credentials?|signature|[?&]sig|[\"']pass|card[_-]?number|cvv|cvc|otp"
)
PHONE_NAMES: Final = r"phone(?:[_-]?number)?|mobile|msisdn|whatsapp"
# How those names can end, as plain text.
_ENDS: Final = (
    *("password", "passwd", "passphrase", "passcode", "pass", "pwd", "secret", "token", "key", "sessid", "sessionid"),
    *("authorization", "cookie", "credential", "credentials", "signature", "sig", "number", "cvv", "cvc", "otp"),
)
_PHONE_ENDS: Final = ("phone", "number", "mobile", "msisdn", "whatsapp")
# The gates: is one of these words in the line; is there a run of digits as every card and local number has it.
WORDS: Final = (
    *("pass", "pwd", "secret", "token", "key", "sessid", "sessionid", "authorization", "cookie", "credential"),
    *("?sig", "&sig", "signature", "number"),
    *("cvv", "cvc", "otp", "phone", "mobile", "msisdn", "whatsapp"),
)
DIGITS: Final = r"\d{3}(?:[ .+_-]{0,3}|%20)\d{4}|0\d \d\d \d\d"


def _ended(ends: tuple[str, ...], *marks: str) -> tuple[str, ...]:
    return tuple(end + mark for end in ends for mark in marks)


# What may stand before a value that is recognised by its shape. A letter may not, unless it is the end of a JSON
# escape:
# `\n4111…` is a line break and a card number, `0.4111…` is a fraction.
_START: Final = r"(^|[^\w.]|\D\.|\\[nrtbf]|\\u[0-9a-fA-F]{4})"
# The same for a number, which may be a part of a name.
_BEFORE: Final = r"(^|[^A-Za-z0-9.]|\D\.|\\[nrtbf]|\\u[0-9a-fA-F]{4})"
# Of these names a list holds secrets; of `tokens` it may hold words.
_PLURALS: Final = r"passwords|secrets|api[_-]?keys|(?:access|refresh)[_-]?tokens"
_JSON_STRING: Final = r'"(?:[^"\\]|\\.)*"?'
# What may stand in a name around the word that makes it that of a secret.
_PART: Final = r"[\w-]{0,60}"
# The end of a value in quotes, which is missing where a text was cut.
_CUT: Final = r"\\?$"
_NUMBER: Final = r"-?\d[\d.eE+-]*"
# A bare value ends where a query string, a header or a sentence goes on.
_BARE: Final = r"""[^\s&;,"'\\(){}\[\]<>|=][^\s&;,"'\\(){}\[\]<>|]*"""
# A word that no sentence has: letters and then something else, or digits and then letters.
_ODD: Final = r"""(?:[A-Za-z]+[0-9!@#$%^&*][^\s,;"'\\)]*|[0-9]+[A-Za-z!@#$%^&*][^\s,;"'\\)]{3,})"""

_KEYS: Final = (
    r"(?:AKIA|ASIA)[0-9A-Z]{16}"
    r"|gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,}|glpat-[\w-]{20,}"
    r"|(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{16,}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,}"
    r"|sk-[A-Za-z0-9_-]{20,}|gsk_[A-Za-z0-9]{20,}|hf_[A-Za-z0-9]{30,}"
    r"|AIza[\w-]{35}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,}"
    r"|SG\.[\w-]{16,}\.[\w-]{16,}|key-[0-9a-f]{32}"
    r"|npm_[A-Za-z0-9]{36}|pypi-[\w-]{16,}|do[opr]_v1_[0-9a-f]{64}|shp(?:at|ss|ca|pa)_[0-9a-fA-F]{32}"
)
_KEY_STARTS: Final = (
    *("akia", "asia", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "sk_", "rk_", "whsec_"),
    *("xox", "xapp-", "sk-", "hf_", "aiza", "ya29.", "gocspx-", "sg.", "key-", "npm_", "pypi-", "_v1_", "shp"),
)
_GAP: Final = r"(?:[ .+_-]{0,3}|%20)"
_CARD: Final = (
    rf"(?:4\d{{3}}|5[0-8]\d{{2}}|2[2-7]\d{{2}}|35\d{{2}}|6\d{{3}})(?:{_GAP}\d{{4}}){{3}}(?:{_GAP}\d{{3}})?"
    rf"|4\d{{12}}|3[47]\d{{2}}{_GAP}\d{{6}}{_GAP}\d{{5}}|3(?:0[0-5]|[68]\d)\d{_GAP}\d{{6}}{_GAP}\d{{4}}"
)
# As long as mail allows it. A part of a domain that is a digit and a letter is none: `icon@2x.png`.
_MAILBOX: Final = r"(\\[nrtbf])?[\w.%+-]{1,64}"
_DOMAIN: Final = r"(?:(?:[A-Za-z][A-Za-z0-9-]{0,62}|\d{1,2}|\d[A-Za-z0-9-]{2,62})\.){1,8}[A-Za-z]{2,}"
_WEBHOOKS: Final = (
    r"hooks\.slack\.com/(?:services|workflows|triggers)|discord(?:app)?\.com/api/webhooks"
    r"|hooks\.zapier\.com/hooks/catch|webhook\.office\.com/webhookb2"
)

RULES: Final[tuple[RedactionRule, ...]] = (
    RedactionRule(
        "private key block",
        r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----(?:[^-]|-[^-])*(?:-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----)?",
        "[redacted:key]",
        hints=("private key",),
    ),
    RedactionRule(
        "parameters of a statement",
        r"(\[parameters: )(?:[^\]\\]|\\[^n])*\]?",
        "${1}redacted]",
        hints=("[parameters: ",),
    ),
    RedactionRule(
        "secret field of JSON",
        rf'(?i)((?:{NAMES})"\s*:\s*)(?:{_JSON_STRING}|{_NUMBER})',
        '${1}"[redacted:secret]"',
        hints=_ended(_ENDS, '"'),
        gate="named",
    ),
    RedactionRule(
        "secret field of JSON inside a JSON string",
        rf'(?i)((?:{NAMES})\\+"\s*:\s*)(?:(\\+")[^"]*"?|{_NUMBER})',
        "${1}${2}[redacted:secret]${2}",
        hints=_ended(_ENDS, "\\"),
        gate="named",
    ),
    RedactionRule(
        "secret field of encoded JSON",
        rf"(?i)((?:{NAMES})%22(?:%20|\+)*%3A(?:%20|\+)*)(?:%22(?:[^%\s\"'&\\]|%[013-9A-F][0-9A-F]|%2[013-9A-F])*|\d+)",
        "${1}%22[redacted:secret]",
        hints=_ended(_ENDS, "%22"),
        gate="named",
    ),
    RedactionRule(
        "secret pair of JSON",
        rf'(?i)(\["{_PART}(?:{NAMES})",\s*)"(?:[^"\\]|\\.)*(?:"\]|{_CUT})',
        '${1}"[redacted:secret]"]',
        hints=_ended(_ENDS, '",'),
        gate="named",
    ),
    RedactionRule(
        "secret list of JSON",
        rf'(?i)((?:{NAMES}|{_PLURALS})(\\*)"\s*:\s*)\[(?:\s*(?:{_JSON_STRING}|\\+"[^"]*"?)\s*,?)+\s*\]?',
        '${1}${2}"[redacted:secret]${2}"',
        hints=_ended((*_ENDS, "passwords", "secrets", "keys", "tokens"), '"', "\\"),
        gate="named",
    ),
    RedactionRule(
        "secret element of XML",
        rf"(?i)(<(?:\w{{1,60}}:)?{_PART}(?:{NAMES})>)[^<]+",
        "${1}[redacted:secret]",
        hints=_ended(_ENDS, ">"),
        gate="named",
    ),
    RedactionRule(
        "secret part of a form",
        rf"""(?i)(name=\\*"{_PART}(?:{NAMES})\\*"(?:\\+[rn]|\s)+)[^\s"\\]+""",
        "${1}[redacted:secret]",
        hints=_ended(_ENDS, '"', "\\"),
        gate="named",
    ),
    RedactionRule(
        "secret item of a Python dict",
        rf"""(?i)((?:{NAMES})'\s*:\s*)(?:b?'(?:[^'"\\]|\\.)*'?|\\*"[^"]*(?:"|$)|{_NUMBER})""",
        "${1}'[redacted:secret]'",
        hints=_ended(_ENDS, "'"),
        gate="named",
    ),
    RedactionRule(
        "secret pair of a Python tuple",
        rf"""(?i)(\(b?'{_PART}(?:{NAMES})',\s*)b?'(?:[^'"\\]|\\.)*'?""",
        "${1}'[redacted:secret]'",
        hints=_ended(_ENDS, "',"),
        gate="named",
    ),
    RedactionRule(
        "secret header",
        r"""(?i)(authorization\s*:\s*)(?:(?:basic|bearer|digest|token|apikey)\s+[^\r\n"'\\]+|[\w.~+/=-]{16,})""",
        "${1}[redacted:secret]",
        hints=("authorization",),
        gate="named",
    ),
    RedactionRule(
        "cookie",
        r"""(?i)(cookie\s*:\s*)[^\s=;"'\\\[]{1,128}=[^\r\n"'\\]*""",
        "${1}[redacted:secret]",
        hints=("cookie",),
        gate="named",
    ),
    RedactionRule(
        "key header",
        r"""(?i)(x-[a-z-]{0,60}(?:key|token|secret)\s*:\s*)[^\s"'\\,;]+""",
        "${1}[redacted:secret]",
        hints=_ended(("key", "token", "secret"), ":", " :"),
        gate="named",
    ),
    RedactionRule(
        "secret assignment",
        rf"""(?i)((?:{NAMES})(?:\s?=>?\s?|%3D))(?:\\+"[^"]*"?|"[^",}}\s][^"]*"?|b?'[^'",}}\s][^'"]*'?|{_BARE})""",
        "${1}[redacted:secret]",
        hints=_ended(_ENDS, "=", " =", "\t=", "%3d"),
        gate="named",
    ),
    RedactionRule(
        "secret field of a form",
        rf"(?i)((?:{NAMES})(?:\]|\[\]|%5D|%5B%5D)(?:=|%3D)){_BARE}",
        "${1}[redacted:secret]",
        hints=("]=", "]%3d", "%5d=", "%5d%3d"),
        gate="named",
    ),
    RedactionRule(
        "cookies and credentials",
        r"""(?i)((?:cookies?|credentials?)\\*['"]?\s*[=:]\s*\{)[^}]+""",
        "${1}[redacted:secret]",
        hints=("cookie", "credential"),
        gate="named",
    ),
    RedactionRule(
        "login",
        r"""(?i)(\bauth=\(\\*['"][^'"]*['"],\s*)[^\s,)]+""",
        "${1}[redacted:secret]",
        hints=("auth=(",),
    ),
    RedactionRule(
        "login of a command",
        r"""(?i)(\s(?:-u|--user)[ =]\\*['"]?[^\s:,'"\\]+:)[^\s,'"\\)]+""",
        "${1}[redacted:secret]",
        hints=(" -u ", "--user"),
    ),
    RedactionRule(
        "secret option",
        rf"""(?i)(--(?:\w[\w-]{{0,40}})?(?:{NAMES})\s+)[^\s"'\\-][^\s"'\\]*""",
        "${1}[redacted:secret]",
        hints=("--",),
        gate="named",
    ),
    RedactionRule(
        "secret after a colon",
        rf"(?i)((?:passw(?:or)?d|passphrase|pwd|secret|api[ _-]?key|token)\s?:\s*)"
        rf"""(?:{_ODD}|[\w.~+/=-]{{16,}}|'[^'"\\\s][^'"\\]*(?:'|$))""",
        "${1}[redacted:secret]",
        hints=_ended(("password", "passwd", "passphrase", "pwd", "secret", "key", "token"), ":", " :"),
        gate="named",
    ),
    RedactionRule(
        "password of a statement",
        r"(?i)((?:password|identified\s+by)\s+)'[^']+(?:'|$)",
        "${1}'[redacted:secret]'",
        hints=("password ", "identified "),
    ),
    RedactionRule(
        "password in an address",
        r"""(://[^\s:/@"'\\]*:)[^\s/"'\\]+@""",
        "${1}[redacted:secret]@",
        hints=("@",),
    ),
    RedactionRule("key in an address", r"(://)[\w-]{20,}@", "${1}[redacted]@", hints=("@",)),
    RedactionRule(
        "webhook",
        rf"((?:{_WEBHOOKS})/)[\w/@+-]+",
        "${1}[redacted:secret]",
        hints=("hooks.slack.com/", "/api/webhooks/", "/hooks/catch/", "/webhookb2/"),
    ),
    RedactionRule("Telegram bot token", r"\d{6,12}(?::|%3A)AA[\w-]{30,}", "[redacted:key]", hints=(":aa", "%3aaa")),
    RedactionRule("provider key", rf"{_START}(?:{_KEYS})", "${1}[redacted:key]", hints=_KEY_STARTS),
    RedactionRule(
        "JSON web token", r"eyJ[\w-]{8,1000}\.[\w-]*\.[\w-]*(?:\.[\w-]*){0,2}", "[redacted:jwt]", hints=("eyj",)
    ),
    RedactionRule(
        "bearer token", r"(?i)(bearer(?:\s|%20|\+)+)[\w.~+/=-]{16,}", "${1}[redacted:secret]", hints=("bearer",)
    ),
    RedactionRule(
        "basic login",
        r"([Bb]asic(?:\s|%20|\+)+)(?:[A-Za-z0-9+/]{16,}=*|[A-Za-z0-9+/]{6,}==?)",
        "${1}[redacted:secret]",
        hints=("basic",),
    ),
    RedactionRule("e-mail", rf"{_MAILBOX}@{_DOMAIN}", "${1}[redacted:email]", hints=("@",)),
    RedactionRule("e-mail in an address", rf"{_MAILBOX}%40{_DOMAIN}", "${1}[redacted:email]", hints=("%40",)),
    RedactionRule(
        "card number", rf"{_BEFORE}(?:{_CARD})(_|\b)", "${1}[redacted:card]${2}", gate="digits", check="luhn"
    ),
    RedactionRule(
        "phone field of JSON",
        rf'(?i)((?:{PHONE_NAMES})(\\*)"\s*:\s*)(?:\\*"[+\d(][^"\\]*\\*"|{_NUMBER})',
        '${1}${2}"[redacted:phone]${2}"',
        hints=_ended(_PHONE_ENDS, '"', "\\"),
        gate="named",
    ),
    RedactionRule(
        "phone item of a Python dict",
        rf"""(?i)((?:{PHONE_NAMES})'\s*:\s*)(?:'[+\d(][^'"\\]*'|{_NUMBER})""",
        "${1}'[redacted:phone]'",
        hints=_ended(_PHONE_ENDS, "'"),
        gate="named",
    ),
    RedactionRule(
        "phone assignment",
        rf"(?i)((?:{PHONE_NAMES})(?:\s?=\s?|%3D))[+(]?\d[\d().-]{{5,}}",
        "${1}[redacted:phone]",
        hints=_ended(_PHONE_ENDS, "=", " =", "\t=", "%3d"),
        gate="named",
    ),
    RedactionRule(
        "international phone",
        r"(?:\+|%2[Bb])[1-9](?:(?:[ .()-]|%2[089]){0,2}\d){9,14}\b",
        "[redacted:phone]",
        hints=("+", "%2b"),
    ),
    RedactionRule(
        "local phone",
        rf"{_START}(?:\([2-9]\d{{2}}\) ?[2-9]\d{{2}}[ .-]\d{{4}}|[2-9]\d{{2}}[.-][2-9]\d{{2}}[.-]\d{{4}}"
        r"|0[1-9](?: \d\d){4}|0[1-9]\d{1,3} (?:\d{3,4} \d{4}|\d{6,8}))\b",
        "${1}[redacted:phone]",
        gate="digits",
    ),
)
