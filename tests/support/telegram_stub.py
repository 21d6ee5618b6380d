"""Telegram's Bot API, as far as a bot that sends messages needs it, as strict as the real one.

Owns what Telegram accepts and what people would see of it. It listens to nothing; receivers does.
"""

import itertools
import json
import re
import time
from typing import Any, Final

from tests.support.answer import Answer, json_answer
from tests.support.telegram_html import EntityError, parse

PATH: Final = re.compile(r"/bot(?P<token>[^/]+)/(?P<method>\w+)")
_TOKEN: Final = re.compile(r"\d+:[\w-]{8,}")
MAX_TEXT: Final = 4096
_numbers = itertools.count(1)


def answer(path: str, body: bytes) -> Answer:
    """Telegram's answer to a POST of `body` to `path`."""
    asked = PATH.fullmatch(path)
    if asked is None or not _TOKEN.fullmatch(asked["token"]):
        return _error(404, "Not Found")
    if asked["method"] != "sendMessage":
        return _error(404, "Not Found: method not found")
    try:
        payload = json.loads(body)
    except ValueError:
        return _error(400, "Bad Request: can't parse JSON object")
    if not isinstance(payload, dict):
        return _error(400, "Bad Request: expected an object")
    return _send(payload)


def refusal(status: int) -> Answer:
    """Telegram's answer when it is asked too often, or ill."""
    if status == 429:
        more = {"parameters": {"retry_after": 1}}
        return json_answer(429, {"ok": False, "error_code": 429,
                                 "description": "Too Many Requests: retry after 1", **more})  # fmt: skip
    words = {403: "Forbidden: bot was kicked from the group chat", 500: "Internal Server Error"}
    return _error(status, words.get(status, "Bad Gateway"))


def utf16_length(text: str) -> int:
    """How long Telegram thinks a text is: an emoji counts twice."""
    return len(text.encode("utf-16-le")) // 2


def _send(payload: dict[str, Any]) -> Answer:
    chat = str(payload.get("chat_id", ""))
    if not chat:
        return _error(400, "Bad Request: chat_id is empty")
    if not re.fullmatch(r"-?\d+|@\w+", chat):
        return _error(400, "Bad Request: chat not found")
    text = str(payload.get("text", ""))
    mode = str(payload.get("parse_mode", ""))
    if mode not in ("", "HTML"):
        return _error(400, "Bad Request: unsupported parse_mode")
    try:
        shown = (parse(text) if mode == "HTML" else text).strip()
    except EntityError as error:
        return _error(400, f"Bad Request: can't parse entities: {error}")
    if not shown:
        return _error(400, "Bad Request: message text is empty")
    if utf16_length(shown) > MAX_TEXT:
        return _error(400, "Bad Request: message is too long")
    kind = {"id": int(chat), "type": "supergroup" if chat.startswith("-") else "private"} if chat[0] != "@" else {}
    message = {"message_id": next(_numbers), "date": int(time.time()), "chat": kind, "text": shown}
    return json_answer(200, {"ok": True, "result": message}, shown)


def _error(status: int, description: str) -> Answer:
    return json_answer(status, {"ok": False, "error_code": status, "description": description})
