"""The file services.yaml as text. It knows nothing of YAML, so that who only compares texts need not import it."""

from pathlib import Path
from typing import Final

from generator.diagnostics import Diagnostic, Problems, Span

MAX_BYTES: Final = 4 * 2**20


def read_spec_file(path: Path) -> str:
    """The text of services.yaml. Raises Problems when it cannot be read as UTF-8 text."""
    name = str(path)
    span = Span(name, 1, 1, 1)
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or "cannot be read"
        hint = "`lookout init` writes one to start from" if isinstance(error, FileNotFoundError) else ""
        raise Problems([Diagnostic("source/unreadable", f"{name}: {reason}", span, hint=hint)]) from error
    if len(data) > MAX_BYTES:
        raise Problems([Diagnostic("source/unreadable", f"the file is larger than {MAX_BYTES // 2**20} MiB", span)])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        place = Span(name, line, column, column + 1)
        raise Problems([Diagnostic("source/unreadable", "the file is not UTF-8 text", place)]) from error
