"""Shows what is being done: one line a step with the seconds it took, and the whole output in a log file."""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from images import CACHE, Failed

LOGS: Final = CACHE / "logs"
_HEARTBEAT_SECONDS: Final = 15.0
_TAIL_LINES: Final = 15
# Who logs in to a proxy or to a package index, and how, is nothing for a log.
_LOGIN: Final = re.compile(r"://[^/@\s]+@")


def show(text: str, end: str = "\n") -> None:
    """Print to the person who waits, at once."""
    print(text, end=end, flush=True)


@contextmanager
def step(title: str, doing: str) -> Iterator[list[str]]:
    """One line: what is done to what, a dot every 15 s so that a long step is seen to live, and how long it took.

    A step that ends without an exception and yet not well says how by appending the words to what it is given.
    """
    show(f"  {title:<28} {doing} ", end="")
    started = time.monotonic()
    done = threading.Event()

    def beat() -> None:
        while not done.wait(_HEARTBEAT_SECONDS):
            show(".", end="")

    heart = threading.Thread(target=beat, daemon=True)
    heart.start()
    ending = ["failed after"]
    said: list[str] = []
    try:
        yield said
        ending = said
    finally:
        done.set()
        heart.join()
        show(" ".join([*ending, f"{time.monotonic() - started:.0f} s"]))


def log_of(name: str) -> Path:
    """The log file of one image or tool."""
    LOGS.mkdir(parents=True, exist_ok=True)
    return LOGS / f"{name}.log"


def without_login(text: str) -> str:
    """The text, without a name and password in an address."""
    return _LOGIN.sub("://***@", text)


def run_logged(name: str, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
    """Run `command`, everything it prints appended to the log of `name`. Raises Failed with the end of that log."""
    path = log_of(name)
    with path.open("a", encoding="utf-8") as log:
        print(f"$ {without_login(' '.join(command))}", file=log, flush=True)
        try:
            code = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, check=False
            ).returncode
        except OSError as error:
            raise Failed(f"{name}: {command[0]}: {error.strerror}") from error
    if code != 0:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL_LINES:]
        quoted = "\n".join(f"    | {line}" for line in lines)
        raise Failed(f"{name}: {command[0]} ended with {code}\n{quoted}\n    full log: {path}")


def warn(text: str) -> None:
    """A line that must not be overlooked."""
    bold, plain = ("\033[1m", "\033[0m") if sys.stdout.isatty() and "NO_COLOR" not in os.environ else ("", "")
    show(f"{bold}!! {text}{plain}")
