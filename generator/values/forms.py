"""What a form of secrets is, and the sentences about a value that has another one.

Owns no form: those of messengers are in generator.channels, all others in generator.secrets.forms. No problem that is
put in words here holds any part of a value, not even a host.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from generator.net.addresses import is_local

HOST: Final = r"(?P<host>[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?"

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


@dataclass(frozen=True, slots=True)
class Form:
    """What one kind of secret looks like. `problem` says why a value is none, and is empty when it fits."""

    name: str
    what: str
    example: str
    problem: Callable[[str], str]


def shaped(*patterns: str) -> Callable[[str], str]:
    """A value that one of the patterns is the whole of."""
    return lambda value: "" if any(re.fullmatch(each, value) for each in patterns) else unlike(value)


def unlike(value: str) -> str:
    """What a value that does not fit seems to be."""
    if "\n" in value:
        return "it has several lines"
    for pattern, sentence in _LOOKS_LIKE:
        if re.fullmatch(pattern, value):
            return sentence
    return "white space is in it" if re.search(r"\s", value) else "it does not look like one"


def plain(value: str) -> str:
    """Why an address that is a secret may not be called: over plain http it is read on the way."""
    found = re.match(rf"http://(?:[^/?#@]*@)?{HOST}(?:[/?#]|$)", value)
    if not found or is_local(found["host"]):
        return ""
    return "http:// would let it be read on the way; it begins with https:// unless it is local"
