"""What promtool said of a proof, remembered, so that the same proof of the same rules is not run again.

Owns the folder of verdicts and nothing else in it. A verdict is named by all that decides it: the rules, the proof,
promtool, and our own code that runs it; the entry repeats that name, so that neither an empty file nor one that was
copied or renamed stands for anything. That a proof does not hold is remembered only where the caller asks for it.
"""

import hashlib
import json
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from generator.clients.tools import tool_path
from generator.disk.atomic import sweep_drafts, write_cached

# Where `check` remembers which proofs held; the variable puts it elsewhere, for tests as for machines of many users.
VARIABLE: Final = "LOOKOUT_PROVEN"
_USUAL: Final = Path.home() / ".cache" / "lookout" / "proven"
_CODE: Final = ("prove/proving.py", "prove/nameless.py", "prove/verdicts.py", "clients/tools.py")
# Proofs of default parameters that held, a mark a line; `make marks` writes it.
SHIPPED: Final = Path(__file__).with_name("marks.txt")
_KEPT_SECONDS: Final = 30 * 86400


def proven_folder() -> Path:
    """Where proofs that held are remembered."""
    return Path(os.environ.get(VARIABLE) or _USUAL)


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The verdicts in one folder. `failures`: whether what promtool complained of is remembered as well."""

    folder: Path
    failures: bool = False
    shipped: frozenset[str] = frozenset()
    """Marks of proofs that are known to hold wherever the same promtool runs them."""

    def said(self, rules: str, proof: str) -> str | None:
        """promtool's complaint, empty when the proof held; None when this has not been tried."""
        if self.shipped and mark_of(rules, proof) in self.shipped:
            return ""
        name = _name(rules, proof)
        path = self._path(name)
        try:
            entry = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if not isinstance(entry, dict) or entry.get("verdict_of") != name or not isinstance(entry.get("said"), str):
            return None
        if entry["said"] and not self.failures:
            return None
        if time.time() - path.stat().st_mtime > _KEPT_SECONDS / 10:
            path.touch()  # what is still asked for is not swept away
        return str(entry["said"])

    def remember(self, rules: str, proof: str, said: str) -> None:
        """Keep what promtool said of a proof that it ran to its end."""
        if said and not self.failures:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        name = _name(rules, proof)
        write_cached(self._path(name), json.dumps({"verdict_of": name, "said": said}))

    def sweep(self) -> None:
        """Remove what was not asked for in a month, and what cut-off runs left."""
        sweep_drafts(self.folder)
        for path in _files(self.folder):
            if time.time() - path.stat().st_mtime > _KEPT_SECONDS:
                path.unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name[:40]}.json"


def _files(folder: Path) -> Iterable[Path]:
    return [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []


def _name(rules: str, proof: str) -> str:
    """A digest of all that decides a verdict."""
    digest = hashlib.sha256()
    for part in (*_promtool(tool_path("promtool")), _code(), rules, proof):
        digest.update(f"{len(part)}:".encode() + part.encode())
    return digest.hexdigest()


def mark_of(rules: str, proof: str) -> str:
    """A short digest of what a shipped mark stands for: rules and proof, and promtool's version."""
    digest = hashlib.sha256()
    for part in (tool_path("promtool").parent.name, rules, proof):
        digest.update(f"{len(part)}:".encode() + part.encode())
    return digest.hexdigest()[:24]


@cache
def shipped_marks() -> frozenset[str]:
    """The marks that come with Lookout: of the rules as they are by default, each of which a test runs."""
    return frozenset(line for line in SHIPPED.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))


def _promtool(path: Path) -> tuple[str, ...]:
    """The binary: its path, which has the version, and whether it is still the same file."""
    state = path.stat()
    return str(path), str(state.st_size), str(state.st_mtime_ns)


@cache
def _code() -> str:
    """Our part in it: how a proof is laid out and run, and how promtool's words are read."""
    here = Path(__file__).parents[1]
    return hashlib.sha256(b"\0".join((here / name).read_bytes() for name in _CODE)).hexdigest()
