"""Exporters as they are rendered, in containers beside the data stores that they ask.

Owns how one is started. Which stores there are, and what is asserted, is the business of the tests.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.conventions import scrape_name
from tests.support import tools


@dataclass(frozen=True, slots=True)
class Stores:
    """A network of containers, and the folder whose secrets/ exporters are given."""

    network: str
    root: Path

    def run(self, name: str, *arguments: str) -> str:
        """Start a container; its name."""
        done = tools.docker("run", "--detach", f"--name={name}", f"--network={self.network}", *arguments)
        assert done.returncode == 0, done.stderr
        return name

    def exporter(self, name: str, spec: dict[str, Any]) -> str:
        """As rendered: user, environment, command and what it is given of secrets/. Compose writes $ as $$."""
        image = tools.image(re.findall(r"IMAGE_(\w+):", spec["image"])[0].lower().replace("_", "-"))
        variables = {key: value.replace("$$", "$") for key, value in spec["environment"].items()}
        options = [word for key, value in variables.items() for word in ("--env", f"{key}={value}")]
        for volume in spec["volumes"]:
            options += ["--volume", volume.replace("${LOOKOUT_SECRETS:-./secrets}", str(self.root / "secrets"))]
        options += ["--network-alias", scrape_name(name)]
        port = "9187" if "postgres" in name else "9121"
        options += ["--user", spec["user"], "--read-only", "--cap-drop=ALL", "--publish", f"127.0.0.1::{port}"]
        return self.run(name, *options, image, *spec.get("command", []))


def url_of(name: str) -> str:
    """Where the one published port of a container is."""
    return f"http://{tools.docker('port', name).stdout.split()[2]}"
