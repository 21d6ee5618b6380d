"""`make status`: one line a container. What has no health check of its own is looked at from outside, by Prometheus.

Reads only. It leaves with 1 when something that should run does not, or is not well, and with 3 without Docker.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from generator.clients.docker import NOT_RUN, compose
from generator.clients.http import TooLarge
from generator.clients.prometheus import local_prometheus, targets
from generator.conventions import part_of
from generator.diagnostics import Problems

_NO_CHECK: Final = "no check"
_NO_DOCKER: Final = 3


@dataclass(frozen=True, slots=True)
class ContainerRow:
    """A container: its compose service, what Docker says of it, and whether it is well."""

    service: str
    state: str
    health: str

    @property
    def well(self) -> bool:
        """Running, and not unhealthy by any check."""
        return self.state == "running" and self.health in ("healthy", "scraped", _NO_CHECK)


def rows(
    containers: Iterable[Mapping[str, Any]], scraped_targets: Iterable[Mapping[str, Any]]
) -> tuple[ContainerRow, ...]:
    """Containers as compose lists them, with Prometheus' view of those that cannot check themselves."""
    scraped: dict[str, bool] = {}
    for target in scraped_targets:
        host = part_of(urlsplit(str(target["scrapeUrl"])).hostname or "")
        scraped[host] = scraped.get(host, True) and target["health"] == "up"
    found = []
    for container in containers:
        service = str(container["Service"])
        seen = scraped.get(service)
        outside = _NO_CHECK if seen is None else "scraped" if seen else "not scraped"
        found.append(ContainerRow(service, str(container["State"]), str(container.get("Health") or outside)))
    return tuple(sorted(found, key=lambda row: row.service))


def table(found: Iterable[ContainerRow]) -> str:
    """The rows in columns, what is not well marked."""
    lines = [("", "SERVICE", "STATE", "HEALTH")]
    lines += [(" " if row.well else "!", row.service, row.state, row.health) for row in found]
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    padded = ([word.ljust(width) for word, width in zip(line, widths, strict=True)] for line in lines)
    return "\n".join("  ".join(words).rstrip() for words in padded)


def _containers(root: Path) -> list[dict[str, Any]]:
    done = compose(root, "ps", "--all", "--format", "json", timeout=60)
    if done.returncode:
        hint = "; `make up` installs it" if done.returncode == NOT_RUN else ""
        raise _missing((done.stderr.strip() or "docker compose does not answer") + hint)
    return [json.loads(line) for line in done.stdout.splitlines() if line.strip()]


def _missing(why: str) -> SystemExit:
    print(f"lookout: {why}", file=sys.stderr)
    return SystemExit(_NO_DOCKER)


def _targets(root: Path) -> list[dict[str, Any]]:
    """What Prometheus scrapes now; nothing when it does not answer, which its own line then says."""
    try:
        return targets(local_prometheus(root))
    except (Problems, TooLarge):
        return []


def main() -> int:
    """Print the table."""
    root = Path.cwd()
    # Before the first `make up` compose knows no image, and asking it would say so at length.
    containers = _containers(root) if Path(".env").is_file() else []
    if not containers:
        print("nothing runs; `make up` starts the stack")
        return 1
    found = rows(containers, _targets(root))
    print(table(found))
    return 0 if all(row.well for row in found) else 1


if __name__ == "__main__":
    sys.exit(main())
