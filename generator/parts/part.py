"""What there is to say of a running part of the stack: the columns of the table in generator.parts.table.

Owns their meaning, and no part. It imports nothing.
"""

from dataclasses import dataclass
from typing import Literal

# The words under `stack:` that switch parts on.
Word = Literal["errors", "traces", "containers"]
# Where it is: among the parts; beside the apps; beside the exporters of data stores; on the way out; before Docker.
Network = Literal["core", "lookout", "scrape", "edge", "socket"]


@dataclass(frozen=True, slots=True)
class Link:
    """An entry of the home page. Without a `path` it leads to the part's own endpoint."""

    title: str
    what: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """Requests that Caddy lets through to a part: these methods, on these paths (below the part's own) but `without`.

    `name` is unique among all parts; it names the rule in the Caddyfile.
    """

    name: str
    methods: tuple[str, ...]
    paths: tuple[str, ...]
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """One part. `name` is its compose service and its name on the stack's networks.

    `memory` is the least with which it was seen to work, `share` what it gets of the memory that is left over, `limit`
    the least limit of a part that is counted with less. `networks` are those that it is on. `needs` is the word of
    `stack:` with which it runs, `profile` compose's profile of a part that not every installation has. `go`: its
    garbage collector takes a limit.
    """

    name: str
    port: int
    memory: int
    share: float = 0.0
    limit: int = 0
    networks: tuple[Network, ...] = ("core",)
    needs: Word | Literal[""] = ""
    profile: str = ""
    go: bool = True
    metrics: str = "/metrics"
    """Where it prints its own; empty where it does not or where a host's job asks it."""
    own_metrics: tuple[str, ...] = ()
    """How their names begin."""
    scrape_every: int = 0
    """In seconds, 0 for as often as all else."""
    password: str = ""
    """The secret that its metrics ask for."""
    reads: tuple[str, ...] = ()
    """Files and folders that it reads when it starts and at no other time."""
    reads_secrets: bool = False
    """The same of its share of the secrets."""
    image: str = ""
    """The name in versions.yaml of its image, where that is not its own."""
    links: tuple[Link, ...] = ()
    """What of it the home page shows."""
    path: str = ""
    """Under which Caddy serves it; empty for a part that has an endpoint of its own, or none."""
    strips: bool = False
    """Whether it knows nothing of that path."""
    opened: tuple[Opened, ...] = ()
    """What is let through below `path`; all else is refused. A part with a login of its own has none: what is let
    through to it stands in generator.render.caddy.access."""
