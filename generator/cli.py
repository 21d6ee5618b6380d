"""The command line: reads flags, calls the stages, prints, sets the exit code. No logic of its own.

What a machine may read goes to stdout, what is said to a person to stderr. Exit codes: 0 fine, 1 problems found,
2 usage, 3 a tool or a server is missing.
"""

import contextlib
import gc
import itertools
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from generator import __version__
from generator.conventions import SPEC_FILE
from generator.diagnostics import Diagnostic, Problems, exit_code, is_text

# Nearly all that a run makes it keeps to its end; to look for garbage as often as Python does takes time for nothing.
GARBAGE_THRESHOLD: Final = 100_000
Command = TypeVar("Command", bound=Callable[..., Any])


def _options(*names: str) -> Callable[[Command], Command]:
    """The flags that verbs share."""
    flags = {
        "file": click.option("-f", "--file", type=click.Path(path_type=Path), default=Path(SPEC_FILE),
                             show_default=True, help="The services.yaml to read."),
        "out": click.option("-o", "--out", type=click.Path(path_type=Path, file_okay=False), default=None,
                            help="The folder of the rendered tree. Default: the folder of FILE."),
        "json": click.option("--json", "as_json", is_flag=True, help="Print for machines."),
        "force": click.option("--force", is_flag=True, help="Overwrite rendered files that were edited by hand."),
    }  # fmt: skip

    def decorate(command: Command) -> Command:
        for name in reversed(names):
            command = flags[name](command)
        return command

    return decorate


def _offer(what: str) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """What TAB offers for an argument: what generator.verbs.completion says, which nothing else has to import."""

    def complete(context: click.Context, parameter: click.Parameter, typed: str) -> list[str]:
        from generator.verbs import completion

        offers = {
            "alert": completion.complete_alert,
            "service": completion.complete_service,
            "topic": completion.complete_topic,
        }
        return offers[what](context, parameter, typed)

    return complete


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="lookout")
def cli() -> None:
    """Compile services.yaml into a monitoring stack, prove it, and make the running stack follow."""


@cli.command()
@_options("out")
def init(out: Path | None) -> None:
    """Start your own services.yaml; the demo's is replaced, one of yours never is."""
    from generator.verbs.init import write_starter

    path = write_starter(out or Path())
    click.echo(f"wrote {path}; edit it, then run `make up`", err=True)


@cli.command()
@click.option("--ci", is_flag=True, help="A rendered file that is out of date is an error, and no note.")
@click.option("--live", is_flag=True, help="Ask the running targets too whether they export what alerts need.")
@_options("file", "out", "json")
def check(file: Path, out: Path | None, as_json: bool, ci: bool, live: bool) -> None:
    """Check services.yaml, everything it renders to, and whether the rendered files on disk were edited by hand."""
    from generator.verbs.progress import Progress
    from generator.verbs.stages import check_file

    with Progress(silent=as_json) as shown:
        problems = check_file(file, out or file.parent, shown.say, ci=ci, passing=shown.passing)
        if live:
            from generator.verbs.missing import check_live

            problems += check_live(file, out or file.parent)
    _finish(problems, file, as_json)


@cli.command()
@_options("file", "out", "json", "force")
def render(file: Path, out: Path | None, as_json: bool, force: bool) -> None:
    """Render services.yaml into its tree."""
    from generator.verbs.render import render_file

    plan, problems = render_file(file, out or file.parent, force, _say(as_json))
    if not as_json:
        _show_changes((change.action, change.path) for change in plan.pending)
    _finish(problems, file, as_json, changes=[(c.action, c.path) for c in plan.pending])


@cli.command()
@click.option("--diff", is_flag=True, help="Show the rendered files too, line by line.")
@_options("file", "out", "json")
def plan(file: Path, out: Path | None, as_json: bool, diff: bool) -> None:
    """Show what apply would change: for people, in what runs, and in the files. Changes nothing."""
    from dataclasses import asdict

    from generator.changes.people import lines
    from generator.verbs.stages import plan_file

    planned = plan_file(file, out or file.parent)
    pending = [(c.action, c.path) for c in planned.files.pending]
    if not as_json:
        for line in (*lines(planned.people), *planned.running):
            click.echo(line)
        if diff:
            click.echo("".join(change.diff() for change in planned.files.pending), nl=False)
            _show_changes(pending)
        else:
            files = "1 file changes" if len(pending) == 1 else f"{len(pending)} files change"
            click.echo(f"{files} (--diff shows them)" if pending else "no changes in the files", err=True)
    people = [asdict(change) for change in planned.people]
    _finish(planned.problems, file, as_json, changes=pending, running=planned.running, people=people)


@cli.command()
@_options("file", "out", "json", "force")
def apply(file: Path, out: Path | None, as_json: bool, force: bool) -> None:
    """Render, check, write, and make the running stack follow. A mistake changes nothing."""
    from generator.verbs.progress import Progress
    from generator.verbs.stages import apply_file

    with Progress(silent=as_json) as shown:
        plan, problems = apply_file(file, out or file.parent, force, shown.say, shown.passing)
    _finish(problems, file, as_json, changes=[(c.action, c.path) for c in plan.pending])


@cli.command(hidden=True)
@click.option(
    "--root", type=click.Path(path_type=Path, exists=True, file_okay=False), default=Path(), help="The clone."
)
@click.option("--target", default="", metavar="COMMIT", help="The version as a commit.")
@click.option("--name", default="", help="Its name for people.")
@click.option("--keep", multiple=True, metavar="FILE", help="A file of which the user's is kept wholly.")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@click.option("--back", is_flag=True, help="Undo the last upgrade.")
def upgrade(root: Path, target: str, name: str, keep: tuple[str, ...], yes: bool, back: bool) -> None:
    """The part of `make upgrade` that is the new version's; scripts/upgrade.sh calls it."""
    from generator.verbs.upgrade.run import Wanted, ask, go_back
    from generator.verbs.upgrade.run import upgrade as move

    if back:
        click.echo(go_back(root.resolve()))
    elif move(root.resolve(), Wanted(target, name or target, keep), click.echo, (lambda: True) if yes else ask):
        click.echo(f"this is {name or target} now; `make up` makes the stack follow, `make upgrade BACK=1` goes back")


@cli.command()
@click.argument("what", shell_complete=_offer("topic"))
@click.option("--service", help="The service whose alert is meant.", shell_complete=_offer("service"))
@_options("file")
def explain(what: str, service: str | None, file: Path) -> None:
    """Explain an error code (spec/unknown-kind) or an alert (ServiceDown)."""
    if "/" in what:
        from generator.verbs.explain.code import explain_code

        text = explain_code(what)
    else:
        from generator.verbs.explain.alert import explain_alert

        text = explain_alert(file, what, service)
    click.echo(text.rstrip())


@cli.command(short_help="Replay alerts over the history of the running Prometheus.")
@click.option("--since", default="30d", show_default=True, metavar="30d", help="How far back.")
@click.option("--service", help="The alerts of this service alone.", shell_complete=_offer("service"))
@click.option("--alert", help="This alert alone.", shell_complete=_offer("alert"))
@click.option("--param", "params", multiple=True, metavar="NAME=VALUE",
              help="What another value of a parameter would have done; can be repeated.")  # fmt: skip
@click.option("--changed", is_flag=True, help="What the changes of services.yaml since its last commit would do.")
@_options("file", "json")
def backtest(
    since: str,
    service: str | None,
    alert: str | None,
    params: tuple[str, ...],
    changed: bool,
    file: Path,
    as_json: bool,
) -> None:
    """Replay alerts over the history of the running Prometheus: how often each would have fired, for how long.

    With --param or --changed, alerts as they are beside alerts as they would be. Another Prometheus than the stack's is
    named by PROMETHEUS_URL. Leaves with 3 when there is none.
    """
    from generator.units import parse_duration
    from generator.verbs.backtest.proposal import parse_param
    from generator.verbs.backtest.report import as_data, render_table
    from generator.verbs.backtest.run import Wanted
    from generator.verbs.backtest.run import backtest as replay_alerts

    if params and changed:
        raise click.UsageError("--param and --changed are two proposals; name one")
    try:
        wanted = Wanted(parse_duration(since), service, alert, dict(map(parse_param, params)), changed)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    result = replay_alerts(file, wanted, _say(as_json))
    if as_json:
        from generator.source.emit import emit_json

        click.echo(emit_json(as_data(result)), nl=False)
        return
    for line in render_table(result):
        click.echo(line)


@cli.command()
def schema() -> None:
    """Print the JSON Schema of services.yaml, for editors."""
    from generator.source.emit import emit_json
    from generator.verbs.schema import json_schema

    click.echo(emit_json(json_schema()), nl=False)


@cli.command("new-pack", short_help="Write a new kind of service to start from.")
@click.argument("kind")
@click.option("--from", "fixture", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.prom",
              help="/metrics of the real program, saved as PROGRAM-VERSION.prom.")  # fmt: skip
def new_pack(kind: str, fixture: Path | None) -> None:
    """Write all parts of a pack for KIND into packs/, hold them against the contract, and list what is left.

    docs/add-a-pack.md goes on from there.
    """
    from generator.report import render_text
    from generator.verbs.new_pack.run import write_new_pack

    written = write_new_pack(kind, fixture)
    _show_changes(("create", f"{written.folder}/{name}") for name in written.files)
    if written.problems:
        click.echo(render_text(written.problems, {}), err=True)
    else:
        click.echo("the contract holds", err=True)
    click.echo("still to be done:")
    for line in written.open:
        click.echo(f"  {line}")


@cli.command(short_help="Fetch command-line tools that checks need; without NAMES promtool alone.")
@click.argument("names", nargs=-1)
def tools(names: tuple[str, ...]) -> None:
    """Fetch command-line tools in the stack's versions; without NAMES promtool alone, which check-pack needs.

    Out of its image where a registry can be reached, else compiled by this machine's Go. Leaves with 3 without both.
    """
    from images import Failed
    from images.fetch import fetch_tools

    try:
        for path in fetch_tools(names):
            click.echo(path)
    except Failed as error:
        click.echo(f"lookout: {error}", err=True)
        raise SystemExit(3) from error


@cli.command("check-pack", short_help="Check one kind: its contract, panels and proofs, and that these can fail.")
@click.argument("kind")
@_options("json")
def check_pack(kind: str, as_json: bool) -> None:
    """Check the pack of KIND: its contract, panels and proofs, and that every wrong rule fails a proof.

    Needs promtool alone: `lookout tools` fetches it.
    """
    from generator.verbs.check_pack import check_pack_verb

    _finish(check_pack_verb(kind, _say(as_json)), Path(SPEC_FILE), as_json)


@cli.command()
@click.argument("service", shell_complete=_offer("service"))
@_options("file")
def connect(service: str, file: Path) -> None:
    """Print the lines to paste on the side of an app."""
    from generator.verbs.stages import connect_file

    click.echo(connect_file(file, service).rstrip())


@cli.command(short_help="Find log lines of all services: by a request, a user, an error type, any field.")
@click.argument("conditions", nargs=-1, metavar="[FIELD=VALUE]...")
@click.option("--request-id", default="", metavar="ID", help="Lines of one request. The time in the id finds it.")
@click.option("--user", metavar="U", help="Lines of one user; the id is hashed as the apps hash it.")
@click.option("--error-type", metavar="T", help="Lines with one type of error, such as ValueError.")
@click.option("--service", "services", multiple=True, metavar="S", help="Lines of this service alone; can be repeated.",
              shell_complete=_offer("service"))  # fmt: skip
@click.option("--since", metavar="1h", help="How far back. Default: 1h, or around the time in the request's id.")
@click.option("--limit", type=click.IntRange(1, 5000), default=500, show_default=True, help="The newest N lines.")
@_options("file", "json")
def logs(
    conditions: tuple[str, ...],
    request_id: str,
    user: str | None,
    error_type: str | None,
    services: tuple[str, ...],
    since: str | None,
    limit: int,
    file: Path,
    as_json: bool,
) -> None:
    """Find log lines of all services, in the order of time.

    FIELD=VALUE is a field of a line, such as tenant=acme, status=500 or level=error; all conditions have to hold.
    Leaves with 0 when there are lines, 1 when there are none, 2 on a wrong argument, 3 when Loki gives no answer.
    """
    from generator.units import parse_duration
    from generator.verbs.logs.query import parse_condition
    from generator.verbs.logs.run import Wanted, find_lines

    try:
        fields = tuple(parse_condition(condition) for condition in conditions)
        nanos = parse_duration(since) * 10**9 if since else None
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    fields += (("error_type", error_type),) if error_type else ()
    wanted = Wanted(request_id, services, fields, user, nanos, limit)
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    shown = find_lines(file, wanted, as_json, colour, _say(as_json))
    for line in shown.lines:
        click.echo(line, color=colour)
    if shown.closing and not as_json:
        click.echo(shown.closing, err=True)
    raise SystemExit(0 if shown.lines else 1)


@cli.command(add_help_option=False, context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def record(words: tuple[str, ...]) -> None:
    """Record a textfile metric of a job: NAME VALUE [LABEL=VALUE]... [--every 1d]."""
    from generator.verbs.record import main as record_main

    raise SystemExit(record_main(words))


@cli.command("backup-check")
@click.argument("service", shell_complete=_offer("service"))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--pattern", default="*", show_default=True, metavar="GLOB", help="Which files of FOLDER are dumps.")
@click.option("--restore", "restore_every", default="7d", show_default=True, metavar="7d",
              help="How often the newest is restored into a scratch database; always, or never.")  # fmt: skip
def backup_check(service: str, folder: Path, pattern: str, restore_every: str) -> None:
    """Check the newest dump of SERVICE in FOLDER, restore it now and then, and record what was found."""
    from generator.units import parse_duration
    from generator.verbs.backup.run import check_backup

    try:
        seconds = {"always": 0, "never": -1}.get(restore_every)
        every = parse_duration(restore_every) if seconds is None else seconds
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    raise SystemExit(0 if check_backup(service, folder, pattern, every, click.echo) else 1)


def _say(as_json: bool) -> Callable[[str], None]:
    """Progress for people; silence for machines."""
    return (lambda _: None) if as_json else (lambda line: click.echo(f"  {line}", err=True))


def _show_changes(changes: Iterable[tuple[str, str]]) -> None:
    marks = {"create": "+", "update": "~", "delete": "-", "edited": "!", "foreign": "!", "link": "!",
             "unreadable": "!"}  # fmt: skip
    listed = list(changes)
    for action, path in listed:
        click.echo(f"{marks[action]} {path}", err=True)
    click.echo(f"{len(listed)} files changed" if listed else "no changes", err=True)


def _finish(
    problems: Sequence[Diagnostic],
    file: Path,
    as_json: bool,
    changes: Sequence[tuple[str, str]] | None = None,
    running: Sequence[str] | None = None,
    people: Sequence[Mapping[str, Any]] | None = None,
) -> None:
    """Print the problems and leave with the right code."""
    from generator.report import render_text, summarise

    if as_json:
        from dataclasses import asdict

        from generator.source.emit import emit_json

        data: dict[str, Any] = {"diagnostics": [asdict(problem) for problem in problems]}
        if changes is not None:
            data["changes"] = [{"action": action, "path": path} for action, path in changes]
        if running is not None:
            data["running"] = list(running)
        if people is not None:
            data["people"] = list(people)
        click.echo(emit_json(data), nl=False)
    elif problems:
        colour = sys.stderr.isatty() and "NO_COLOR" not in os.environ
        click.echo(render_text(problems, _sources(problems, file), colour), err=True)
        click.echo(summarise(problems), err=True)
    if code := exit_code(problems):
        raise SystemExit(code)


def _sources(problems: Iterable[Diagnostic], file: Path) -> dict[str, str]:
    """The text of every file that a diagnostic quotes, as far as it can be read."""
    sources = {}
    for name in sorted({problem.span.file for problem in problems if problem.span}):
        # One that cannot be read is not quoted; why it cannot is what the diagnostic says.
        with contextlib.suppress(OSError):
            path = Path(name) if Path(name).is_file() else file.parent / name
            if path.is_file():
                sources[name] = path.read_bytes().decode("utf-8-sig", errors="replace")
    return sources


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of `lookout` and `python -m generator`."""
    gc.set_threshold(GARBAGE_THRESHOLD)
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not all(is_text(word) for word in words):
        click.echo("lookout: an argument is not UTF-8 text", err=True)
        raise SystemExit(2)
    try:
        cli.main(words, prog_name="lookout", standalone_mode=True)
    except Problems as problems:
        file = _file_argument(words)
        _finish(problems.diagnostics, file, "--json" in words)
    except OSError as error:
        # A disk that is full, a path that is too long: nothing that Lookout could have known.
        click.echo(f"lookout: {str(error.filename or '')[:200]}: {error.strerror or error}", err=True)
        raise SystemExit(1) from error
    except Exception as error:
        if os.environ.get("LOOKOUT_DEBUG"):
            raise
        from generator.report import internal_error

        click.echo(internal_error(error), err=True)
        raise SystemExit(1) from error


def _file_argument(words: Sequence[str]) -> Path:
    """FILE as given, for quoting its lines."""
    for flag, value in itertools.pairwise(words):
        if flag in ("-f", "--file"):
            return Path(value)
    return Path(SPEC_FILE)
