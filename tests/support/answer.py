"""What a stub of a messenger answers to one request, and what it would have shown to people."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer. `text` is the message as a person reads it; empty when nothing was delivered."""

    status: int
    body: str
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str = ""


def json_answer(status: int, value: Any, text: str = "", headers: Mapping[str, str] | None = None) -> Answer:
    """An answer whose body is JSON."""
    return Answer(status, json.dumps(value), "application/json; charset=utf-8", headers or {}, text)
