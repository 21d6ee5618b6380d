"""Pulls images, and says apart the two ways in which that fails: no registry can be reached at all, or one answers and
refuses. It pulls through the daemon, since the daemon's mirrors and proxy count, and gives Docker's own sentence on.
"""

import re
import time
from dataclasses import dataclass
from functools import cache
from typing import Final

from images import CACHE, Failed, docker
from images.pins import Image
from images.progress import log_of, step, warn

# Longer than all that Docker itself waits for before a registry answers, so that it is Docker that says what is wrong.
TIMEOUT_SECONDS: Final = 60.0
# Where the last run reached none, this one asks again, and waits less.
SHORT_TIMEOUT_SECONDS: Final = 4.0
SILENT: Final = CACHE / "registry.silent"
# The wait between tries of a registry that limits its rate.
RETRY_SECONDS: Final = (5.0, 20.0, 60.0)

# What Docker says when it got no connection. An answer, a broken one included, is no such sentence, nor is a connection
# that was made and then fell silent.
_UNREACHABLE: Final = re.compile(
    r"no such host|server misbehaving|name resolution|lookup \S+(?: on \S+)?: .*(?:timeout|refused|unreachable)"
    r"|dial (?:tcp|udp)\b.*(?:connection refused|i/o timeout|no route to host|network is unreachable|host is down)"
    r"|while waiting for connection",
    re.IGNORECASE,
)
_DAEMON: Final = re.compile(r"docker\.sock|docker daemon|dial unix", re.IGNORECASE)
_RATE_LIMITED: Final = re.compile(r"toomanyrequests|too many requests|rate limit|\b429\b", re.IGNORECASE)
_FULL: Final = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)
# What concerns one image alone; the next may be had.
_OF_ONE: Final = re.compile(
    r"manifest unknown|not found|no matching manifest|denied|unauthorized|no basic auth|insufficient_scope",
    re.IGNORECASE,
)
_PREFIX: Final = re.compile(r"^(?:docker: )?Error response from daemon: ")
_ELSE: Final = "a registry can be reached, so nothing is built in its place; LOOKOUT_IMAGES=build make up would"


class Refused(Failed):
    """What was said of one image holds for every other: asking for the next is of no use."""


@dataclass
class Asked:
    """What this run knows of registries: whether one answered, and what was said when none could be reached, or when
    one refused everything."""

    answered: bool = False
    unreachable: str = ""
    refused: str = ""


@cache
def asked() -> Asked:
    """One for a run."""
    return Asked()


def pull(image: Image) -> bool:
    """Pull `image`; False when no registry can be reached at all. Raises Refused or Failed when one answers and it
    cannot be had."""
    known = asked()
    if known.refused:
        raise Refused(image.title)
    if known.unreachable:
        return False
    log_of(image.name).unlink(missing_ok=True)
    for wait in (*RETRY_SECONDS, None):
        found = _try(image)
        if found.code == 0 or wait is None or not _RATE_LIMITED.search(found.sentence):
            break
        warn(f"{image.title}: {found.sentence}")
        warn(f"the registry limits its rate; the next try is in {wait:.0f} s")
        time.sleep(wait)
    return _judge(image, found)


def _try(image: Image) -> docker.Pulled:
    timeout = SHORT_TIMEOUT_SECONDS if SILENT.is_file() else TIMEOUT_SECONDS
    with step(image.title, "pulling") as ending:
        found = docker.pull(image.name, image.pulled, timeout)
        if found.code:
            ending.append("not pulled after")
    return found


def _judge(image: Image, found: docker.Pulled) -> bool:
    known = asked()
    sentence = _PREFIX.sub("", found.sentence)
    if found.code == 0:
        known.answered = True
        SILENT.unlink(missing_ok=True)
        return True
    reached = found.answered or known.answered
    if not reached and not _DAEMON.search(sentence) and (found.timed_out or _UNREACHABLE.search(sentence)):
        known.unreachable = sentence
        SILENT.parent.mkdir(parents=True, exist_ok=True)
        SILENT.touch()
        return False
    SILENT.unlink(missing_ok=True)
    known.answered = True
    text = f"{image.title} cannot be pulled: {sentence}\n    {_advice(sentence)}\n    full log: {log_of(image.name)}"
    if _OF_ONE.search(sentence):
        raise Failed(text)
    known.refused = sentence
    raise Refused(text)


def _advice(sentence: str) -> str:
    if _FULL.search(sentence):
        return "Docker's data needs more room; `docker system df` shows what is in it"
    if _DAEMON.search(sentence):
        return "scripts/host.sh ensure starts the daemon"
    if _RATE_LIMITED.search(sentence):
        return f"`docker login` raises the limit, and it ends by itself; {_ELSE}"
    return _ELSE
