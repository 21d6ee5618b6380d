"""The ends of `make up` that need Python: what the containers read before they start, and that they follow it
afterwards. No verb: after an edit of services.yaml, use `lookout apply`.

Rendered files were checked when they were written (`apply`, or `make test` for what is committed), so that only
what would change is checked again: a proof of every alert takes longer than the start of the stack.
"""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from generator.apply.marks import mark_up
from generator.apply.mounts import open_mounts
from generator.apply.run import apply_running, running_stack
from generator.check.run import check_tree
from generator.conventions import SPEC_FILE
from generator.diagnostics import Diagnostic, Problems, exit_code, sort_diagnostics
from generator.report import internal_error, render_text
from generator.store.plan import open_tree, plan_tree, write_plan
from generator.verbs.stages import compile_file

Say = Callable[[str], None]


def prepare(file: Path, root: Path, say: Say) -> tuple[Diagnostic, ...]:
    """Bring the rendered tree up to date, checked before a byte is written. Raises Problems."""
    with open_tree(root, say):
        return _prepare(file, root, say)


def _prepare(file: Path, root: Path, say: Say) -> tuple[Diagnostic, ...]:
    compiled = compile_file(file)
    plan = plan_tree(compiled.artifacts, root)
    if not plan.pending:
        write_plan(plan)
        say("nothing changed since it was rendered")
        return compiled.warnings
    found = [*compiled.warnings, *plan.diagnostics(), *check_tree(compiled.site, compiled.artifacts, root, say)]
    if any(problem.level == "error" for problem in found):
        raise Problems(found)
    write_plan(plan)
    say(f"{len(plan.pending)} files changed")
    return sort_diagnostics(found)


def follow(file: Path, root: Path, say: Say) -> tuple[Diagnostic, ...]:
    """Make what runs follow what is rendered. Raises Problems."""
    with open_tree(root, say):
        compiled = compile_file(file)
        return sort_diagnostics(apply_running(running_stack(root, compiled.site, compiled.artifacts), say))


def open_up(_: Path, root: Path, __: Say) -> tuple[Diagnostic, ...]:
    """Let the containers' users read what they mount, and mark what is about to start. Raises Problems."""
    if problems := open_mounts(root):
        raise Problems(problems)
    mark_up(root)
    return ()


_STEPS: Final = {"prepare": prepare, "open": open_up, "follow": follow}


def main(arguments: Sequence[str]) -> int:
    """`python -m generator.verbs.up prepare`, then `open`, then `follow`; the exit code."""
    file = Path(SPEC_FILE)
    try:
        found = _STEPS[arguments[0]](file, Path.cwd(), lambda line: print(f"  {line}", file=sys.stderr))
    except Problems as problems:
        found = problems.diagnostics
    except Exception as error:
        if os.environ.get("LOOKOUT_DEBUG"):
            raise
        print(internal_error(error), file=sys.stderr)
        return 1
    if found:
        sources = {SPEC_FILE: file.read_text(encoding="utf-8", errors="replace")} if file.is_file() else {}
        colour = sys.stderr.isatty() and "NO_COLOR" not in os.environ
        print(render_text(found, sources, colour), file=sys.stderr)
    return exit_code(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
