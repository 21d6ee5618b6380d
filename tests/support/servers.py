"""Real servers in containers of their own, on the loopback, for one test module at a time.

Owns how they are started and ended. Nothing outside the machine can reach them.
"""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import requests

from tests.support import tools
from tests.support.waiting import until


def free_port() -> int:
    """A port that no one listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def server(part: str, *arguments: str, mounts: Mapping[Path, str], ready: str) -> Iterator[None]:
    """The pinned image of `part` in the host's network, with folders mounted, until it answers at `ready`."""
    for folder in mounts:
        _open_to_all(folder)
    volumes = [option for folder, target in mounts.items() for option in ("--volume", f"{folder}:{target}:ro")]
    image = tools.image(part)
    started = tools.docker("run", "--detach", "--rm", "--network=host", *volumes, image, *arguments)
    assert started.returncode == 0, started.stderr
    container = started.stdout.strip()
    try:
        wait_for(ready, container)
        yield
    finally:
        tools.docker("rm", "--force", "--volumes", container)


def _open_to_all(folder: Path) -> None:
    """Containers run as users of their own."""
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def wait_for(url: str, container: str, timeout: float = 60) -> None:
    """Until the server in `container` answers at `url`."""
    with suppress(AssertionError):
        until(lambda: requests.get(url, timeout=2).ok, url, timeout)
        return
    logs = tools.docker("logs", container)
    pytest.fail(f"{url} did not answer within {timeout:.0f} s:\n{logs.stdout}{logs.stderr}")
