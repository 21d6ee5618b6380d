"""What `lookout render` does, as a function over files, without any printing.

A render that changes nothing is the most frequent one, in hooks and in CI: what compiles is imported, and compiles,
only where the outcome is not known.
"""

from pathlib import Path

from generator.diagnostics import Diagnostic
from generator.disk.locks import Say
from generator.source.file import read_spec_file
from generator.store.known import known_artifacts, remember
from generator.store.plan import Plan, open_tree, plan_tree, write_plan


def render_file(file: Path, root: Path, force: bool, say: Say = lambda _: None) -> tuple[Plan, tuple[Diagnostic, ...]]:
    """Render `file` into `root`; the plan that was written, and warnings. Raises Problems, and then wrote nothing."""
    # Read when it is this run's turn: of two runs at once, the last one has the newest file.
    with open_tree(root, say):
        text = read_spec_file(file)
        known = known_artifacts(text, str(file), root)
        if known is not None:
            return write_plan(plan_tree(known, root), force), ()
        from generator.pipeline import compile_text

        compiled = compile_text(text, str(file))
        written = write_plan(plan_tree(compiled.artifacts, root), force)
        if not compiled.warnings:
            remember(text, str(file), root)
        return written, compiled.warnings
