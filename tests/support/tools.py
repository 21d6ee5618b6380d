"""Host tools and images for tests: where they are, or a failure that says how to get them. Never a skip."""

import subprocess
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from generator.clients.docker import docker_environment
from generator.clients.tools import ToolRun, run_tool, tool_path
from generator.diagnostics import Problems

REPOSITORY: Final = Path(__file__).resolve().parents[2]


def tool(name: str) -> Path:
    """The pinned binary of promtool, amtool, loki, caddy …"""
    try:
        return tool_path(name)
    except Problems as problems:
        pytest.fail(f"{problems}: run `make up` once, it fetches the tools to ~/.cache/lookout/tools")


def run(name: str, *arguments: str, folder: Path) -> ToolRun:
    """Run a tool inside `folder`."""
    tool(name)
    return run_tool(name, arguments, folder)


@cache
def image(name: str) -> str:
    """A reference to the pinned image of a part that is on this machine: the original or its stand-in."""
    pins: dict[str, Any] = yaml.safe_load((REPOSITORY / "versions.yaml").read_text(encoding="utf-8"))[name]
    references = [reference for reference in (pins["image"], pins["standin"]) if reference]
    for reference in references:
        if docker("image", "inspect", "--format", "{{.Id}}", reference).returncode == 0:
            return str(reference)
    pytest.fail(f"no image of {name} is on this machine ({' or '.join(references)}): run `make up` once")


def docker(*arguments: str, timeout: int = 120) -> subprocess.CompletedProcess[str]:
    """Run the docker client; output is captured, the exit code is the caller's to read."""
    command = ["docker", *arguments]
    environment = docker_environment(REPOSITORY)
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=timeout, check=False)
