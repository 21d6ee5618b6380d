"""`make secrets`: creates what can be created, asks for the rest at a terminal, and reports what is missing.

Owns the conversation. Values are the business of generator.secrets, and none is printed.
"""

import getpass
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from generator.conventions import SPEC_FILE
from generator.diagnostics import Problems
from generator.pipeline import resolve_text
from generator.report import internal_error, render_text
from generator.secrets.files import ensure_secrets, form_problems, keep_secret
from generator.secrets.needed import Secret
from generator.secrets.values import FOLDER, cleaned
from generator.source.file import read_spec_file

# How often a user is asked again for a value of the wrong form.
_TRIES: Final = 3


def _ask(root: Path, missing: Iterable[Secret]) -> None:
    """Ask the user for values that only they have; an empty answer leaves it for later, and one that is not
    what it should be is asked for again."""
    for secret in missing:
        if secret.forms == ("certificate",):
            print(f"{secret.name}: {secret.purpose}: several lines; copy them into {FOLDER}/{secret.name}")
            continue
        for _ in range(_TRIES):
            answer = getpass.getpass(f"{secret.name}: {secret.purpose} (empty: later): ").strip()
            problems = form_problems(secret, cleaned(answer)) if answer else []
            if not problems:
                break
            print(render_text(problems, {}), file=sys.stderr)
        if answer and not problems:
            keep_secret(root, secret, answer)


def main(arguments: Sequence[str]) -> int:
    """`make secrets`: `--ask` asks for missing values at a terminal."""
    root = Path.cwd()
    try:
        site, _ = resolve_text(read_spec_file(Path(SPEC_FILE)), SPEC_FILE)
        report = ensure_secrets(site, root)
        if report.missing and "--ask" in arguments and sys.stdin.isatty():
            _ask(root, report.missing)
            report = ensure_secrets(site, root)
    except Problems as problems:
        print(render_text(problems.diagnostics, {}), file=sys.stderr)
        return 1
    except Exception as error:
        if os.environ.get("LOOKOUT_DEBUG"):
            raise
        print(internal_error(error), file=sys.stderr)
        return 1
    for what, names in (("made", report.made), ("closed to others", report.tightened)):
        if names:
            print(f"secrets: {what}: {', '.join(names)}")
    if report.missing:
        wanted = ", ".join(f"{secret.name} ({secret.purpose})" for secret in report.missing)
        print(f"secrets: only you have: {wanted}; write each into secrets/<name>, then `make apply`")
    else:
        print("secrets: all there")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
