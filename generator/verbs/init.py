"""`lookout init`: a services.yaml to start from, in place of the demo's."""

from pathlib import Path
from typing import Final

from generator.conventions import SPEC_FILE
from generator.diagnostics import Diagnostic, Problems, Span
from generator.disk.atomic import write_file

# The first line of the demo's file; a file that starts with it is not a user's own.
DEMO_MARK: Final = "# The demo:"

STARTER: Final = """\
# What runs, who owns it, and who is notified. After an edit: make apply
# Every key: docs/reference/services-yaml.md

people:
  me: {}

# channels:
#   ops: {slack: {channel: "#ops"}}        # the webhook's address goes into secrets/slack_webhook
#   phone: {telegram: {chat: 123456789}}   # the bot's token goes into secrets/telegram_token

services:
  website:
    kind: probe
    targets: [https://example.org]
"""


def write_starter(folder: Path) -> Path:
    """Write the starter. Raises Problems when a services.yaml of the user's own is there."""
    path = folder / SPEC_FILE
    span = Span(str(path), 1, 1, 1)
    try:
        present = path.read_text(encoding="utf-8", errors="replace") if path.exists() else DEMO_MARK
        if not present.startswith(DEMO_MARK):
            message = "this file is yours and is left as it is"
            raise Problems([Diagnostic("store/foreign", message, span, hint="move it away to start afresh")])
        folder.mkdir(parents=True, exist_ok=True)
        write_file(path, STARTER, 0o644)
    except OSError as error:
        raise Problems([Diagnostic("source/unreadable", f"{path}: {error.strerror}", span)]) from error
    return path
