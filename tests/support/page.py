"""A page of ours as Node runs it: its script over a small DOM, with the answers that a test gives, or of a real server.

What is shown is read from the HTML that the page has made of itself. Node is this machine's, or that of an image.
"""

import atexit
import json
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any, Final

from tests.support import tools

VOID: Final = ("input", "img", "br")
RUNNER: Final = Path(__file__).with_name("page.js")
NOW: Final = datetime(2026, 11, 30, 17, 0, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Shown:
    """A page after its script has run."""

    html: str
    title: str
    requests: Sequence[Mapping[str, Any]]
    kept: Mapping[str, str]
    hash: str

    def part(self, id_: str) -> str:
        """The HTML of the element with an id, its own tag included."""
        (found,) = re.findall(rf'<(\w+)([^>]* id="{id_}"[^>]*)>', self.html)
        start = self.html.index(f"<{found[0]}{found[1]}>")
        if found[0] in VOID:
            return self.html[start : self.html.index(">", start) + 1]
        depth = 0
        for match in re.finditer(rf"<(/?){found[0]}[ >]", self.html[start:]):
            depth += -1 if match[1] else 1
            if depth == 0:
                return self.html[start : start + match.end()]
        raise AssertionError(f"{id_} is never closed")

    def text(self, id_: str) -> str:
        """The words of that element."""
        return text_of(self.part(id_))

    def level(self, id_: str = "state") -> str:
        """good, bad, warn, unknown: how a section is painted."""
        opening = self.part(id_).split(">", 1)[0]
        (name,) = re.findall(r'class="state ?(\w*)"', opening)
        return str(name)


def text_of(html: str) -> str:
    """The words of a piece of HTML, blocks apart."""
    spaced = re.sub(r"</(?:li|p|b|div|button|td|tr)>", " ", html)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", "", spaced))).strip()


def run_page(
    html: str,
    script: str,
    answers: Mapping[str, Any] | None = None,
    *,
    base: str = "",
    hash_: str = "",
    act: str = "",
    kept: Mapping[str, str] | None = None,
    now: datetime = NOW,
) -> Shown:
    """Load a page, let it ask, then do `act` (JavaScript) with it.

    `answers` maps a path, or a method and a path, to {status, body, date}, "refused" or "hangs"; with `base` a real
    server at that address answers instead.
    """
    case = {
        "html": html, "script": script, "answers": answers or {}, "base": base, "hash": hash_, "act": act,
        "kept": kept or {}, "now": round(now.timestamp() * 1000),
    }  # fmt: skip
    node = _node()
    assert node.stdin and node.stdout
    node.stdin.write(json.dumps(case) + "\n")
    node.stdin.flush()
    shown = json.loads(node.stdout.readline())
    assert "error" not in shown, shown["error"]
    return Shown(**shown)


@cache
def _node() -> "subprocess.Popen[str]":
    """One process for all cases of a run: starting it takes longer than a case."""
    command = ["node", str(RUNNER)]
    if not shutil.which("node"):
        inside = ("--interactive", "--rm", "--network=host", f"--volume={RUNNER}:/page.js:ro", "--entrypoint=node")
        command = ["docker", "run", *inside, tools.image("uptime-kuma"), "/page.js"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(process.communicate)
    return process
