"""The stack that runs from a rendered tree, and what a reconciler of one of its parts is.

Owns the ways in which a part is asked; what is asked and what follows from the answer is each reconciler's business.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from generator.artifact import Artifact
from generator.clients.docker import compose
from generator.diagnostics import Diagnostic
from generator.site.model import Site


@dataclass(frozen=True, slots=True)
class Running:
    """A rendered tree on disk and the stack that runs from it. The URLs have no slash at the end."""

    root: Path
    site: Site
    artifacts: Mapping[str, Artifact]
    local_url: str
    kuma_url: str
    force: bool = False

    def inside(self, url: str) -> str:
        """What a part answers to which the local entry does not lead; asked from Caddy's container, which is on the
        parts' own network and has a client. Empty when it does not answer."""
        done = compose(self.root, "exec", "-T", "caddy", "wget", "-qO-", "-T", "10", url, timeout=30)
        return done.stdout if done.returncode == 0 else ""


@dataclass(frozen=True, slots=True)
class Reconciler:
    """One part: its name, the compose service it runs in, how it differs, and how it is made to follow.

    `drift` returns sentences, none when the part follows. `apply` returns problems, none when it now follows. A part
    that the site does not want is passed over.
    """

    name: str
    service: str
    drift: Callable[[Running], list[str]]
    apply: Callable[[Running], list[Diagnostic]]
    wanted: Callable[[Site], bool] = lambda _: True
