"""Laying a rendered tree out in a temporary folder and running every checker over it."""

import shutil
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from generator.artifact import Artifact
from generator.check.checkers import CHECKERS, CheckedTree
from generator.clients.tools import ToolMissing, tools_missing
from generator.diagnostics import Diagnostic, Problems, sort_diagnostics
from generator.site.model import Site

# What stands beside the rendered files and is checked with them.
_BESIDE: Final = ("compose.yaml", "apps/compose.yaml", ".env", "prometheus/custom")


def check_tree(
    site: Site,
    artifacts: Iterable[Artifact],
    root: Path,
    progress: Callable[[str], None] = lambda _: None,
    passing: Callable[[str], None] = lambda _: None,
) -> tuple[Diagnostic, ...]:
    """Everything the tools object to in `artifacts`, had they been written to `root`. Writes nothing there.

    Tools that are missing are one diagnostic, and the others are run nevertheless.
    """
    with tempfile.TemporaryDirectory(prefix="lookout-check-") as name:
        tree = CheckedTree(Path(name), site, {artifact.path: artifact for artifact in artifacts}, passing)
        _lay_out(tree, root)
        with ThreadPoolExecutor(max_workers=2) as pool:
            results = list(pool.map(lambda checker: _run(checker, tree, progress), CHECKERS))
    found = [problem for problems, _ in results for problem in problems]
    missing = [tool for _, tools in results for tool in tools]
    return sort_diagnostics([*found, tools_missing(missing)] if missing else found)


def _run(
    checker: Callable[[CheckedTree], list[Diagnostic]], tree: CheckedTree, progress: Callable[[str], None]
) -> tuple[tuple[Diagnostic, ...], tuple[str, ...]]:
    """What a checker objects to, and the tools that it could not be run for."""
    name = checker.__name__.removeprefix("check_")
    try:
        found = tuple(checker(tree))
    except ToolMissing as missing:
        progress(f"{name}: not checked")
        return (), (missing.tool,)
    except Problems as problems:
        found = problems.diagnostics
    progress(f"{name}: {'ok' if not found else f'{len(found)} problems'}")
    return found, ()


def _lay_out(tree: CheckedTree, root: Path) -> None:
    for artifact in tree.artifacts.values():
        path = tree.folder / artifact.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(artifact.content, encoding="utf-8")
    for name in _BESIDE:
        if (root / name).is_dir():
            shutil.copytree(root / name, tree.folder / name, dirs_exist_ok=True)
        elif (root / name).is_file():
            (tree.folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, tree.folder / name)
