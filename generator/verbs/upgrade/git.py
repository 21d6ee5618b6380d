"""Git as the upgrade uses it: no hooks, no signing, no question, one directory renamed for all that is in it.

Owns how git is called and how its refusal becomes a problem. It knows nothing of what is upgraded.
"""

import os
import subprocess
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Final

from generator.diagnostics import Diagnostic, Problems

_SETTINGS: Final = ("core.hooksPath=/dev/null", "core.quotePath=false", "core.fsmonitor=false", "commit.gpgSign=false",
                    "merge.directoryRenames=true", "merge.renames=true", "merge.renameLimit=20000",
                    "rerere.enabled=false", "advice.detachedHead=false", "gc.auto=0")  # fmt: skip
# What another program has said about a repository of its own, such as a hook that runs us.
_FOREIGN: Final = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_PREFIX")
_WHO: Final = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER")
               for what, value in (("NAME", "Lookout"), ("EMAIL", "lookout@localhost"))}  # fmt: skip
_SHOWN: Final = 8


class Git:
    """One work tree."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def text(self, *words: str, given: str = "", env: Mapping[str, str] | None = None) -> str:
        """What a command prints. Raises Problems when it fails."""
        done = self._run(words, given, env)
        if done.returncode:
            notes = tuple(done.stderr.strip().splitlines()[-_SHOWN:])
            raise Problems([Diagnostic("upgrade/refused", f"git {words[0]} failed; nothing was changed", notes=notes)])
        return done.stdout.strip()

    def works(self, *words: str) -> bool:
        """Whether a command leaves with 0."""
        return self._run(words, "", None).returncode == 0

    def lines(self, *words: str) -> list[str]:
        """Names that a command prints, with -z."""
        return [name for name in self._run((*words, "-z"), "", None).stdout.split("\0") if name]

    def files(self, commit: str) -> dict[str, tuple[str, str]]:
        """Mode and blob of every file of a commit, by path."""
        found = {}
        for line in self.lines("ls-tree", "-r", "--full-tree", commit):
            about, path = line.split("\t", 1)
            mode, _, blob = about.split(" ")
            found[path] = (mode, blob)
        return found

    def content(self, commit: str, path: str) -> bytes | None:
        """A file of a commit, None where there is none."""
        done = subprocess.run(
            ["git", "cat-file", "blob", f"{commit}:{path}"], cwd=self.root, capture_output=True, env=self._env(None)
        )
        return None if done.returncode else done.stdout

    def commit(self, tree: str, parents: Iterable[str], message: str) -> str:
        """A commit of a tree, which no branch knows yet."""
        parent_words = [word for parent in parents for word in ("-p", parent)]
        return self.text("commit-tree", tree, *parent_words, "-m", message)

    @cached_property
    def _who(self) -> Mapping[str, str]:
        """Nothing where git knows the user's name."""
        named = all(
            subprocess.run(["git", "var", f"GIT_{role}_IDENT"], cwd=self.root, capture_output=True).returncode == 0
            for role in ("AUTHOR", "COMMITTER")
        )
        return {} if named else _WHO

    def _run(self, words: Iterable[str], given: str, env: Mapping[str, str] | None) -> subprocess.CompletedProcess[str]:
        settings = [word for setting in _SETTINGS for word in ("-c", setting)]
        return subprocess.run(
            ["git", *settings, *words], cwd=self.root, input=given, capture_output=True, text=True, env=self._env(env),
            errors="surrogateescape",
        )  # fmt: skip

    def _env(self, more: Mapping[str, str] | None) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
        return {**kept, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8", **self._who, **(more or {})}
