"""What the verbs do, as functions over files: the stages in their order, without any printing."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from generator.changes.alerts import PeopleChange
from generator.changes.people import lines, people_changes
from generator.check.run import check_tree
from generator.conventions import LOCK_FILE
from generator.diagnostics import Diagnostic, Problems, Span, did_you_mean, sort_diagnostics
from generator.pipeline import Compiled, compile_text, resolve_text
from generator.secrets.files import check_secrets
from generator.source.file import read_spec_file
from generator.store.plan import Plan, open_tree, plan_tree, write_plan
from generator.verbs.connect.lines import connect_lines

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Planned:
    """What apply would do: for people, to files, to what runs, and what stands in its way."""

    people: tuple[PeopleChange, ...]
    files: Plan
    running: list[str]
    problems: tuple[Diagnostic, ...]


def compile_file(file: Path) -> Compiled:
    """Compile `file`. Raises Problems."""
    return compile_text(read_spec_file(file), str(file))


def check_file(
    file: Path, root: Path, say: Say, *, ci: bool = False, passing: Say = lambda _: None
) -> tuple[Diagnostic, ...]:
    """Every problem of `file`, of what it renders to, and of the rendered files in `root` if there are any.

    Files that are not rendered yet are one note: after an edit of `file` they are rendered next. With `ci` each is an
    error: a commit holds what its own services.yaml renders to.
    """
    compiled = compile_file(file)
    found = [*compiled.warnings, *check_tree(compiled.site, compiled.artifacts, root, say, passing)]
    if ci or (root / LOCK_FILE).is_file():
        try:
            plan = plan_tree(compiled.artifacts, root)
            found += [*plan.diagnostics(), *_not_rendered(plan, ci)]
        except Problems as problems:
            # A list of rendered files that cannot be read is one problem among the others.
            found += problems.diagnostics
    return sort_diagnostics(found)


def _not_rendered(plan: Plan, ci: bool) -> list[Diagnostic]:
    stale = [change for change in plan.pending if change.action in ("create", "update", "delete")]
    if ci:
        return [
            Diagnostic("store/stale", f"the rendered file is out of date ({change.action})", Span(change.path, 1, 1, 1),
                       hint="run `make render`")
            for change in stale
        ]  # fmt: skip
    files = "1 file" if len(stale) == 1 else f"{len(stale)} files"
    message = f"not rendered yet: {files} (lookout plan shows them)"
    return [Diagnostic("store/stale", message, level="note")] if stale else []


def plan_file(file: Path, root: Path) -> Planned:
    """What apply would do. Reads only."""
    # What runs is reached by libraries that take half a second to import; only those who ask it wait for them.
    from generator.apply.run import look, plan_running, running_stack

    with ThreadPoolExecutor(max_workers=1) as pool:
        # Docker takes as long to answer as compiling does.
        seen = pool.submit(look, root)
        compiled = compile_file(file)
        files = plan_tree(compiled.artifacts, root)
    sentences, problems = plan_running(running_stack(root, compiled.site, compiled.artifacts), seen.result())
    problems += check_secrets(compiled.site, root)
    return Planned(
        people_of(files), files, sentences, sort_diagnostics([*compiled.warnings, *files.diagnostics(), *problems])
    )


def people_of(plan: Plan) -> tuple[PeopleChange, ...]:
    """What writing a plan changes for people. Files that are not Lookout's say nothing."""
    ours = [change for change in plan.changes if change.action != "foreign"]
    before = {change.path: change.before for change in ours if change.before is not None}
    return people_changes(before, {change.path: change.after for change in ours if change.after is not None})


def apply_file(
    file: Path, root: Path, force: bool, say: Say, passing: Say = lambda _: None
) -> tuple[Plan, tuple[Diagnostic, ...]]:
    """Render, check, write, reload. Raises Problems before anything is written when something is wrong."""
    with open_tree(root, say):
        return _apply_file(file, root, force, say, passing)


def _apply_file(file: Path, root: Path, force: bool, say: Say, passing: Say) -> tuple[Plan, tuple[Diagnostic, ...]]:
    compiled = compile_file(file)
    plan = plan_tree(compiled.artifacts, root)
    found = [*plan.diagnostics(force), *check_secrets(compiled.site, root)]
    found += check_tree(compiled.site, compiled.artifacts, root, say, passing)
    if any(problem.level == "error" for problem in found):
        raise Problems([*compiled.warnings, *found])
    from generator.apply.run import apply_running, container_changes, running_stack

    running = running_stack(root, compiled.site, compiled.artifacts, force)
    for line in (*lines(people_of(plan)), *container_changes(running)):
        say(line)
    plan = write_plan(plan, force)
    say(count_files(len(plan.pending)) if plan.pending else "no changes in the files")
    problems = apply_running(running, say)
    return plan, sort_diagnostics([*compiled.warnings, *found, *problems])


def count_files(number: int) -> str:
    """`9 files changed`."""
    return "1 file changed" if number == 1 else f"{number} files changed"


def connect_file(file: Path, service: str) -> str:
    """The lines that connect `service`. Raises Problems."""
    site, _ = resolve_text(read_spec_file(file), str(file))
    names = [each.name for each in site.services]
    if service not in names:
        message = f"no service is called '{service}'"
        raise Problems([Diagnostic("spec/unknown-service", message, hint=did_you_mean(service, names))])
    return connect_lines(site, service, str(file.resolve().parent))
