"""Shows what is being done: one line a step with the seconds it took, and the whole output in a log file.

On a terminal a line below them is redrawn in place: what is under way, for how long, how many images are done, and how
long the others will take. Elsewhere that is a line of its own after each image.
"""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from generator.units import how_far
from images import CACHE, Failed

LOGS: Final = CACHE / "logs"
_HEARTBEAT_SECONDS: Final = 15.0
_TAIL_LINES: Final = 15
# Who logs in to a proxy or to a package index, and how, is nothing for a log.
_LOGIN: Final = re.compile(r"://[^/@\s]+@")


# How many images are done, in words; empty where one is waited for alone.
_far = ""


def show(text: str, end: str = "\n") -> None:
    """Print to the person who waits, at once."""
    print(text, end=end, flush=True)


@contextmanager
def counted(total: int) -> Iterator[Callable[[], None]]:
    """Says how far it is each time that one of `total` images is done, which the caller says by a call."""
    global _far
    began, done = time.monotonic(), 0

    def count() -> None:
        global _far
        nonlocal done
        done += 1
        if done < total:
            _far = how_far(done, total, time.monotonic() - began)
            if not _redraws():
                show(f"  {_far}")

    try:
        yield count
    finally:
        _far = ""


@contextmanager
def step(title: str, doing: str) -> Iterator[list[str]]:
    """One line: what is done to what, and how long it took; meanwhile it is seen that it lives.

    A step that ends without an exception and yet not well says how by appending the words to what it is given.
    """
    line = f"  {title:<28} {doing} "
    started = time.monotonic()
    ending = ["failed after"]
    said: list[str] = []
    try:
        with _redrawn(line, started) if _redraws() else _dotted(line):
            yield said
        ending = said
    finally:
        show(("" if not _redraws() else line) + " ".join([*ending, f"{time.monotonic() - started:.0f} s"]))


def _redraws() -> bool:
    """Whether a line can be redrawn where this is shown."""
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


@contextmanager
def _redrawn(line: str, started: float) -> Iterator[None]:
    """The line with its seconds, and how far all is, redrawn each second."""
    # Not everyone who has an image waits for one.
    from rich.console import Console

    with Console(highlight=False, markup=False).status("") as status:

        def draw() -> None:
            status.update("   ".join(filter(None, (f"{line}{time.monotonic() - started:.0f} s", _far))))

        with _each(1.0, draw):
            yield


@contextmanager
def _dotted(line: str) -> Iterator[None]:
    """The line at once, and a dot every 15 s."""
    show(line, end="")
    with _each(_HEARTBEAT_SECONDS, lambda: show(".", end="")):
        yield


@contextmanager
def _each(seconds: float, beat: Callable[[], None]) -> Iterator[None]:
    """Call `beat` each time that so many seconds have passed."""
    done = threading.Event()

    def beats() -> None:
        while not done.wait(seconds):
            beat()

    heart = threading.Thread(target=beats, daemon=True)
    heart.start()
    try:
        yield
    finally:
        done.set()
        heart.join()


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
