"""A working copy: its secrets, its monitors.json, and the server that it is reconciled with."""

from pathlib import Path
from typing import Any

from generator import kuma
from tests.kuma.fake_kuma import FakeKuma
from tests.kuma.samples import monitors_file, write_file, write_secrets


class Desk:
    """A working copy: its secrets, its file, and the server it talks to."""

    def __init__(self, folder: Path, server: FakeKuma) -> None:
        self.server = server
        self.secrets = write_secrets(folder / "secrets")
        self.file = folder / "monitors.json"
        self.content: dict[str, Any] = monitors_file()

    def plan(self) -> kuma.KumaPlan:
        return kuma.plan(self.server.url, self.secrets, write_file(self.file, self.content))

    def apply(self, **options: Any) -> kuma.KumaResult:
        return kuma.apply(self.server.url, self.secrets, write_file(self.file, self.content), **options)

    def key(self) -> str:
        return (self.secrets / "kuma_api_key").read_text().strip()

    def named(self, name: str) -> dict[str, Any]:
        """A monitor on the server, by its name."""
        (found,) = (m for m in self.server.monitors.values() if m["name"] == name)
        return found
