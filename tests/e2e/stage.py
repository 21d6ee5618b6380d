"""What a drill needs and the demo has not: a small disk, a container that eats too much, a certificate near its end.

Each has a begin and an end; whatever began ends, also when the fault was never reported.
"""

import subprocess
from pathlib import Path
from typing import Final

from tests.e2e.certificates import make_certificate
from tests.e2e.stack import ENVIRONMENT, PROJECT, Stack, image

# --- a disk of 64 MiB, filled to the last 2 MiB -------------------------------------------------------------

SMALL_DISK: Final = Path("/mnt/lookout-drill")
_MIB: Final = 2**20


def fill_small_disk(stack: Stack) -> None:
    """Mount a file system in a file, and write a file onto it that leaves next to nothing. Asks for root."""
    disk = stack.root / "small.disk"
    disk.write_bytes(b"")
    with disk.open("r+b") as file:
        file.truncate(64 * _MIB)
    _host("mkfs.ext4", "-q", "-m", "0", str(disk))
    SMALL_DISK.mkdir(exist_ok=True)
    _host("mount", "-o", "loop", str(disk), str(SMALL_DISK))
    free = _free(SMALL_DISK)
    (SMALL_DISK / "bounded").write_bytes(b"\0" * max(free - 2 * _MIB, 0))
    subprocess.run(["sync", "--file-system", str(SMALL_DISK)], check=True)
    _look_again(stack)


def remove_small_disk(stack: Stack) -> None:
    """Unmount it; its file goes with the stack's folder."""
    _host("umount", str(SMALL_DISK))
    SMALL_DISK.rmdir()
    (stack.root / "small.disk").unlink()
    _look_again(stack)


def _look_again(stack: Stack) -> None:
    """Where mounts are private, as on some machines, a container has those that were there when it started."""
    stack.compose("restart", "--timeout", "1", "node-exporter")


def _free(folder: Path) -> int:
    said = subprocess.run(
        ["stat", "--file-system", "--format", "%a %S", str(folder)], capture_output=True, text=True, check=True
    ).stdout.split()
    return int(said[0]) * int(said[1])


def _host(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"


# --- a container that the kernel kills ----------------------------------------------------------------------

HUNGRY: Final = f"{PROJECT}-hungry"
# It grows to most of its 48 MiB, is looked at there by Docker for a while, and then asks for too much.
_EAT: Final = """
import time
kept = []
while sum(map(len, kept)) < 34 * 2**20:
    kept.append(b"x" * 2**20)
    time.sleep(0.2)
time.sleep(45)
while True:
    kept.append(b"x" * 2**20)
    time.sleep(0.02)
"""


def start_hungry(stack: Stack) -> None:
    """A container of no one's project, with a limit and a restart policy."""
    stack.must(
        "docker", "run", "--detach", "--name", HUNGRY, "--memory", "48m", "--memory-swap", "48m",
        "--restart", "on-failure", "--user", "65534:65534", image(stack, "PYTHON"), "python3", "-c", _EAT,
    )  # fmt: skip


def remove_hungry(stack: Stack) -> None:
    """It is gone for good."""
    stack.must("docker", "rm", "--force", "--volumes", HUNGRY)


# --- a certificate that ends in three days ------------------------------------------------------------------

SOON: Final = "soon.acme.test"
_CONTAINER: Final = f"{PROJECT}-soon"
_SERVICE: Final = f"""
  soon:
    kind: probe
    owner: ana
    targets: ["tls://{SOON}:8443"]
    logs: none
"""


def serve_short_certificate(stack: Stack) -> None:
    """A server with a certificate of three days, and services.yaml that declares it."""
    make_certificate(stack.root / "ca", "soon", SOON, "3")
    (stack.root / "soon.token").write_text("unused")
    mounts = (f"{stack.root}/tests:/srv/tests:ro", f"{stack.root}/ca:/ca:ro", f"{stack.root}/soon.token:/token:ro")
    stack.must(
        "docker", "run", "--detach", "--name", _CONTAINER,
        "--network", ENVIRONMENT["LOOKOUT_NETWORK"], "--network-alias", SOON,
        *(word for mount in mounts for word in ("--volume", mount)),
        "--workdir", "/srv", "--user", "65534:65534", image(stack, "PYTHON"), "python3", "-m", "tests.e2e.app",
        "--host", "0.0.0.0", "--port", "8443", "--token-file", "/token", "--certificate", "/ca/soon.pem",
    )  # fmt: skip
    stack.edit("\nhosts:\n", f"{_SERVICE}\nhosts:\n")
    stack.must("make", "apply")


def remove_short_certificate(stack: Stack) -> None:
    """Neither server nor service any more."""
    stack.must("docker", "rm", "--force", "--volumes", _CONTAINER)
    stack.edit(f"{_SERVICE}\n", "\n")
    stack.must("make", "apply")
