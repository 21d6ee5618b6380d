"""A real Loki and a real collector on a network of their own, over log files in the shape that Docker writes.

Both run as compose.yaml says (user, capabilities, read-only root) with the configuration as it was rendered. Every
container, volume and network is removed by its id at the end.
"""

import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import requests
import yaml

from generator.artifact import Artifact
from generator.clients.docker import docker_environment
from generator.conventions import SECRETS_MOUNT, core_name
from generator.render.collector.config import HEALTH_PORT, STATE
from generator.render.collector.records import CONTAINERS
from tests.support.waiting import until

ROOT: Final = Path(__file__).resolve().parents[2]
PARTS: Final = ("loki", "collector")
PART_BYTES: Final = 16 * 1024


def docker(*arguments: str, check: bool = True) -> str:
    """What a docker command printed."""
    done = subprocess.run(
        ["docker", *arguments], env=docker_environment(ROOT), capture_output=True, text=True, timeout=120, check=False
    )
    if check and done.returncode:
        raise RuntimeError(f"docker {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout.strip()


def image(part: str) -> str:
    """The pinned image of a part, or its stand-in, whichever is on this machine; empty when neither is."""
    pinned = yaml.safe_load((ROOT / "versions.yaml").read_text(encoding="utf-8"))[part]
    here = (name for name in (pinned["image"], pinned["standin"]) if docker("images", "-q", name, check=False))
    return next(here, "")


def why_not() -> str:
    """Why the lab cannot be set up on this machine; empty when it can."""
    if not shutil.which("docker"):
        return "docker is not on this machine"
    missing = [part for part in PARTS if not image(part)]
    return f"no image on this machine: {', '.join(missing)}" if missing else ""


class ContainerLog:
    """One container's json-file log, written, cut and rotated as dockerd does it."""

    def __init__(self, folder: Path, service: str, container: str = "", labelled: bool = True) -> None:
        self.id = container or uuid.uuid4().hex * 2
        self._path = folder / self.id / f"{self.id}-json.log"
        self._path.parent.mkdir(mode=0o710)
        self._last = 0
        compose = "com.docker.compose"
        names = {f"{compose}.project": "shop", f"{compose}.service": service, "tag": f"shop-{service}-1"}
        self._attrs = {"attrs": names} if labelled else {}

    def write(self, *lines: str, stream: str = "stdout", at: int = 0, ended: bool = True) -> None:
        """Append lines, each in parts of 16 KiB as Docker cuts them. `at` is a time in ns, by default now."""
        with self._path.open("a", encoding="utf-8") as file:
            for line in lines:
                text = line + "\n" if ended else line
                for start in range(0, len(text), PART_BYTES):
                    self._last = at or max(time.time_ns(), self._last + 1)
                    seconds, nanos = divmod(self._last, 10**9)
                    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{nanos:09}Z"
                    part = {"log": text[start : start + PART_BYTES], "stream": stream, **self._attrs, "time": stamp}
                    file.write(_as_docker(part) + "\n")
        self._close_to_others()

    def garbage(self, text: str) -> None:
        """Append what is no record at all, as a power cut leaves it behind."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(text + "\n")

    def rotate(self, keep: int = 5) -> None:
        """x-json.log.1 becomes .2, the current file .1, and a new one begins with the next line."""
        for number in range(keep - 1, 0, -1):
            old = Path(f"{self._path}.{number}")
            if old.exists():
                old.rename(f"{self._path}.{number + 1}")
        self._path.rename(f"{self._path}.1")

    def _close_to_others(self) -> None:
        """Docker's files are closed to everybody but root; here even to a root without capabilities."""
        self._path.chmod(0o600)
        if os.geteuid() == 0:
            os.chown(self._path, 12345, 12345)


def _as_docker(part: dict[str, Any]) -> str:
    """To the byte what dockerd writes: no spaces, and control characters but line breaks by their number."""
    text = json.dumps(part, ensure_ascii=False, separators=(",", ":"))
    return re.sub(r"(?<!\\)((?:\\\\)*)\\t", r"\1\\u0009", text)


@dataclass(frozen=True, slots=True)
class Record:
    """One line as Loki keeps it: labels and structured metadata together."""

    line: str
    fields: dict[str, str]
    at: int


@dataclass
class Lab:
    """The two programs, and what they share."""

    folder: Path
    memory: dict[str, int]
    network: str = ""
    containers: dict[str, str] = field(default_factory=dict)
    volumes: dict[str, str] = field(default_factory=dict)

    def configure(self, artifacts: tuple[Artifact, ...]) -> None:
        """Write the rendered files where both programs read them."""
        for artifact in artifacts:
            path = self.folder / artifact.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(artifact.content, encoding="utf-8")

    def secret(self, name: str, value: str) -> None:
        """A secret of the collector's, as `make secrets` shares it: without a line break."""
        (self.folder / "secrets").mkdir(exist_ok=True)
        (self.folder / "secrets" / name).write_text(value, encoding="utf-8")

    def start(self) -> None:
        """Start both, and wait until they answer."""
        for name in ("containers", "host", "secrets"):
            (self.folder / name).mkdir(exist_ok=True)
        self.network = docker("network", "create", f"lookout-logs-{uuid.uuid4().hex[:8]}")
        self.volumes = {part: docker("volume", "create") for part in PARTS}
        self.create("loki", {self.volumes["loki"]: "/loki"})
        mounts = {f"{self.folder}/containers": f"{CONTAINERS}:ro", f"{self.folder}/host": "/host:ro"}
        mounts |= {f"{self.folder}/secrets": f"{SECRETS_MOUNT}:ro"}
        self.create("collector", {self.volumes["collector"]: STATE, **mounts})
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Until both answer."""
        until(lambda: requests.get(self.url("loki", 3100, "/ready"), timeout=2).ok, "Loki is ready", 60)
        self.wait_for_collector()

    def create(self, part: str, mounts: dict[str, str], *extra: str) -> None:
        """Run one part under the policy of compose.yaml."""
        binds = {f"{self.folder}/{part}": f"/etc/{part}:ro", **mounts}
        volumes = [word for source, target in binds.items() for word in ("-v", f"{source}:{target}")]
        limits = ["--memory", str(self.memory[part]), "-e", f"GOMEMLIMIT={self.memory[part] * 9 // 10}"]
        policy, command = _policy(part)
        place = ["--network", self.network, "--network-alias", part, "--network-alias", core_name(part)]
        self.containers[part] = docker("run", "-d", *place, *limits, *policy, *volumes, image(part), *command, *extra)

    def wait_for_collector(self) -> None:
        until(lambda: requests.get(self.url("collector", HEALTH_PORT), timeout=2).ok, "the collector is healthy")

    def url(self, part: str, port: int, path: str = "/") -> str:
        """Where a part answers; its address changes with every start."""
        form = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        return f"http://{docker('inspect', '-f', form, self.containers[part])}:{port}{path}"

    def log(self, service: str, **options: Any) -> ContainerLog:
        """A new container's log file."""
        return ContainerLog(self.folder / "containers", service, **options)

    def search(self, query: str, hours: float = 1, limit: int = 10_000) -> list[Record]:
        """What a LogQL query finds, oldest first."""
        end = time.time_ns() + 10**9
        window = {"start": str(end - int(hours * 3600e9)), "end": str(end), "limit": str(limit)}
        found = self._ask("/loki/api/v1/query_range", {"query": query, **window})["result"]
        records = [Record(line, stream["stream"], int(at)) for stream in found for at, line in stream["values"]]
        return sorted(records, key=lambda record: record.at)

    def series(self, selector: str) -> list[dict[str, str]]:
        """The labels of the streams that a selector matches, without structured metadata."""
        start = str(time.time_ns() - int(3600e9))
        answer: list[dict[str, str]] = self._ask("/loki/api/v1/series", {"match[]": selector, "start": start})
        return answer

    def _ask(self, path: str, parameters: dict[str, str]) -> Any:
        response = requests.get(self.url("loki", 3100, path), params=parameters, timeout=60)
        assert response.ok, response.text
        return response.json()["data"]

    def files(self, part: str, path: str) -> dict[str, bytes]:
        """What a part has stored below `path`, by name; nothing where there is no such folder. Docker reads it: volumes
        belong to root."""
        command = ["docker", "cp", f"{self.containers[part]}:{path}", "-"]
        done = subprocess.run(command, env=docker_environment(ROOT), capture_output=True, timeout=120, check=False)
        if done.returncode:
            assert b"Could not find the file" in done.stderr, done.stderr.decode()
            return {}
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
            opened = {member.name: archive.extractfile(member) for member in archive.getmembers() if member.isfile()}
            return {name: file.read() for name, file in opened.items() if file}

    def close(self) -> None:
        """Remove all of it, whatever state it is in."""
        for container in self.containers.values():
            docker("rm", "-f", "-v", container, check=False)
        for volume in self.volumes.values():
            docker("volume", "rm", "-f", volume, check=False)
        if self.network:
            docker("network", "rm", self.network, check=False)


def _policy(part: str) -> tuple[list[str], list[str]]:
    """What compose.yaml says of a part as options of `docker run`, and its command."""
    service = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"][part]
    options = ["--user", service["user"], "--pids-limit", str(service["pids_limit"])]
    options += ["--read-only"] if service["read_only"] else []
    for key, option in (("cap_drop", "--cap-drop"), ("cap_add", "--cap-add"), ("tmpfs", "--tmpfs")):
        options += [word for value in service.get(key, []) for word in (option, value)]
    options += [word for value in service["security_opt"] for word in ("--security-opt", value)]
    return options, service["command"]
