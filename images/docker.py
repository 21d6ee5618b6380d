"""The docker command line as the rest of this package needs it. Nothing else here runs docker."""

import os
import subprocess
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from images import CACHE, Failed
from images.progress import log_of, run_logged, without_login


@cache
def environment() -> dict[str, str]:
    """This process's environment and what scripts/host.sh found out that this machine's Docker needs."""
    path = CACHE / "docker.env"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    settings = dict(line.split("=", 1) for line in lines if "=" in line)
    return {**settings, **os.environ}


def ask(*arguments: str) -> str:
    """What docker answers. Raises Failed when it does not."""
    try:
        done = subprocess.run(["docker", *arguments], env=environment(), capture_output=True, text=True, check=False)
    except OSError as error:
        raise Failed(f"docker cannot be run ({error.strerror})") from error
    if done.returncode != 0:
        raise Failed(f"docker {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


# The newest API that the container metrics need, and the oldest that today's Docker still answers.
_API = (1, 44)


def api_version() -> str:
    """The version of Docker's API in which its containers are asked about: an older Docker's own."""
    major, minor = (int(part) for part in ask("version", "--format", "{{.Server.APIVersion}}").split("."))
    return ".".join(str(part) for part in min((major, minor), _API))


def try_to(*arguments: str) -> bool:
    """Do it if possible: a clean-up, which may fail."""
    command = ["docker", *arguments]
    return subprocess.run(command, env=environment(), capture_output=True, check=False).returncode == 0


def local_images() -> frozenset[str]:
    """Every name:tag that is on this machine."""
    return frozenset(ask("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").splitlines())


@dataclass(frozen=True, slots=True)
class Pulled:
    """How a pull ended: its exit code, the last line that docker said, whether a registry had named what is pulled,
    and whether it was given up because none did in time."""

    code: int
    sentence: str
    answered: bool
    timed_out: bool


def pull(name: str, reference: str, timeout: float) -> Pulled:
    """Pull an image, output into the log of `name`; stopped when no registry answers within `timeout` seconds. A
    registry that has answered may take as long as it needs."""
    command = ["docker", "pull", reference]
    answered, late, sentence = False, threading.Event(), ""
    with log_of(name).open("a", encoding="utf-8") as log:
        print(f"$ {' '.join(command)}", file=log, flush=True)
        with subprocess.Popen(
            command, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace",
        ) as process:  # fmt: skip

            def give_up() -> None:
                late.set()
                process.terminate()

            timer = threading.Timer(timeout, give_up)
            timer.start()
            try:
                for line in map(without_login, process.stdout or ()):
                    print(line.rstrip(), file=log, flush=True)
                    sentence = line.strip() or sentence
                    if "Pulling from" in line:
                        answered = True
                        timer.cancel()
                code = process.wait()
            finally:
                timer.cancel()
    if late.is_set() and not answered:
        return Pulled(code or 1, f"no registry answered within {timeout:.0f} s", False, True)
    return Pulled(code, sentence or f"docker pull ended with {code}", answered, False)


def build(name: str, context: Path, tag: str, arguments: dict[str, str]) -> None:
    """Build the Dockerfile in `context`; stages that were only needed on the way are removed."""
    options = [part for key, value in arguments.items() for part in ("--build-arg", f"{key}={value}")]
    run_logged(name, ["docker", "build", "--force-rm", "--tag", tag, *options, str(context)], environment())
    try_to("image", "prune", "--force", "--filter", "label=lookout.stage=build")


def run(name: str, image: str, options: list[str], script: str) -> None:
    """Run a shell script in a container that is gone afterwards; one that an interrupted run left is removed first."""
    container = f"lookout-build-{name}"
    try_to("rm", "--force", "--volumes", container)
    command = ["docker", "run", "--rm", "--init", "--name", container, *options, image, "sh", "-euc", script]
    try:
        run_logged(name, command, environment())
    except BaseException:
        try_to("rm", "--force", "--volumes", container)
        raise


def copy_out(reference: str, source: str, target: Path) -> None:
    """Copy one file out of an image."""
    container = ask("create", reference, "none")
    try:
        ask("cp", "--follow-link", f"{container}:{source}", str(target))
    finally:
        try_to("rm", "--volumes", container)
