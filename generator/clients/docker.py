"""Running docker and docker compose for one project folder: no other module does."""

import os
import re
import subprocess
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, Final

_SETTINGS: Final = Path.home() / ".cache" / "lookout" / "docker.env"
# The exit code of a program that is not there, as env(1) has it.
NOT_RUN: Final = 127


def docker_environment(root: Path) -> dict[str, str]:
    """This process's environment, what the machine's Docker needs, and compose's project folder."""
    return {**_pairs(_SETTINGS), **os.environ, "PWD": str(root)}


def dotenv(root: Path) -> dict[str, str]:
    """What compose reads for `root` beside the environment, which goes first."""
    return _pairs(root / ".env")


def local_url(root: Path, variable: str, default: int) -> str:
    """An endpoint of the stack in `root` on this machine: at the port that `variable` sets for compose, or the
    default."""
    return f"http://127.0.0.1:{({**dotenv(root), **os.environ}).get(variable, str(default))}"


def running_stack_name(root: Path) -> str:
    """What runs from `root`, in words that are the same from each tree that compose gives the same project."""
    named = {**dotenv(root), **docker_environment(root)}.get("COMPOSE_PROJECT_NAME")
    file = root / "compose.yaml"
    if not named and file.is_file():
        written = re.search(r"^name: *[\"']?([\w-]+)", file.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
        named = written[1] if written else None
    return f"the containers of project {named or root.resolve().name}"


def _pairs(path: Path) -> dict[str, str]:
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {key.strip(): value.strip().strip('"') for key, value in pairs}


def compose(
    root: Path, *arguments: str, timeout: int = 600, text: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `docker compose` in `root`, as `docker` does."""
    return docker(root, "compose", *arguments, timeout=timeout, text=text)


def docker(
    root: Path,
    *arguments: str,
    timeout: int | None = 600,
    text: str | None = None,
    stdin: IO[bytes] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run docker in `root`, with `text` or a file on its standard input; output is captured, the exit code is the
    caller's to read.

    What cannot be run, or does not end in time, has failed with the code that env(1) and timeout(1) use, and with a
    sentence.
    """
    command: Sequence[str] = ("docker", *arguments)
    try:
        return subprocess.run(
            command,
            cwd=root,
            env=docker_environment(root),
            capture_output=True,
            input=text,
            stdin=stdin,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, "", f"docker {arguments[0]} did not end within {timeout} s")
    except OSError as error:
        return subprocess.CompletedProcess(command, NOT_RUN, "", f"docker cannot be run: {error.strerror}")


def started(root: Path) -> dict[str, tuple[str, float]]:
    """For each compose service of `root` that runs, the name of its container and when that was last started, in
    seconds since 1970."""
    found = compose(root, "ps", "--quiet", timeout=30).stdout.split()
    if not found:
        return {}
    service = '{{index .Config.Labels "com.docker.compose.service"}}'
    form = f"{service} {{{{.Name}}}} {{{{.State.StartedAt}}}}"
    done = docker(root, "inspect", "--format", form, *found, timeout=30)
    rows = (line.split() for line in done.stdout.splitlines())
    return {row[0]: (row[1].lstrip("/"), datetime.fromisoformat(row[2]).timestamp()) for row in rows if len(row) == 3}


def running_services(root: Path) -> frozenset[str]:
    """The compose services of `root` that run now; empty when Docker or the project is not there."""
    done = compose(root, "ps", "--services", "--status", "running", timeout=30)
    return frozenset(done.stdout.split()) if done.returncode == 0 else frozenset()
