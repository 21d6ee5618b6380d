"""Slack's incoming webhooks, as strict as the real ones and with their error bodies.

Owns what Slack accepts and what people would see of it. It listens to nothing; receivers does.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from tests.support.answer import Answer

PATH: Final = re.compile(r"/services/T\w+/B\w+/\w+")
MAX_ATTACHMENTS: Final = 100
# Slack cuts a text off after 40,000 characters; a message that long is a defect of ours.
MAX_TEXT: Final = 40_000
_LINK: Final = re.compile(r"<(?P<url>[^<>|]+)(?:\|(?P<label>[^<>|]*))?>")
_SPECIAL: Final = re.compile(r"<[!@#]")


def answer(path: str, body: bytes) -> Answer:
    """Slack's answer to a POST of `body` to `path`."""
    if not PATH.fullmatch(path):
        return Answer(404, "no_service")
    try:
        payload = json.loads(body)
    except ValueError:
        return Answer(400, "invalid_payload")
    if not isinstance(payload, dict):
        return Answer(400, "invalid_payload")
    attachments = payload.get("attachments") or []
    if not isinstance(attachments, list) or not all(isinstance(each, dict) for each in attachments):
        return Answer(400, "invalid_attachments")
    if len(attachments) > MAX_ATTACHMENTS:
        return Answer(400, "too_many_attachments")
    texts = _texts(payload, attachments)
    if not any(texts):
        return Answer(400, "no_text")
    if sum(map(len, texts)) > MAX_TEXT:
        return Answer(400, "msg_too_long")
    return Answer(200, "ok", "text/html", text="\n".join(readable(text) for text in texts if text))


def refusal(status: int) -> Answer:
    """Slack's answer when it is asked too often, or ill."""
    if status == 429:
        return Answer(429, "rate_limited", headers={"Retry-After": "1"})
    return Answer(status, "rollup_error" if status >= 500 else "action_prohibited")


def readable(text: str) -> str:
    """The text as people see it: links by their label, entities as characters."""
    plain = _LINK.sub(lambda link: link["label"] or link["url"], text)
    return plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def unsafe(text: str) -> str:
    """What Slack would take for markup although it was meant as text; empty when there is nothing."""
    if called := _SPECIAL.search(text):
        return f"addresses a person or a channel: {text[called.start() :][:40]}"
    rest = _LINK.sub("", text)
    stray = re.search(r"[<>]|&(?!amp;|lt;|gt;)", rest)
    return f"is not escaped: {rest[stray.start() :][:40]}" if stray else ""


def _texts(payload: Mapping[str, Any], attachments: list[Mapping[str, Any]]) -> list[str]:
    """Everything that is shown. `fallback` alone shows nothing in a channel, but counts as a text."""
    shown = [str(payload.get("text") or "")]
    for each in attachments:
        parts = [str(each.get(key) or "") for key in ("pretext", "title", "text", "footer")]
        shown += parts if any(parts) else [str(each.get("fallback") or "")]
    return shown
