"""`lookout explain` of an error code: its page."""

from pathlib import Path
from typing import Final

from generator.diagnostics import CODES, Diagnostic, Problems, did_you_mean

_PAGES: Final = Path(__file__).resolve().parents[3] / "docs" / "errors"


def explain_code(code: str) -> str:
    """The page of an error code. Raises Problems when there is no such code."""
    if code not in CODES:
        message = f"no error has the code '{code}'"
        raise Problems([Diagnostic("spec/bad-value", message, hint=did_you_mean(code, CODES))])
    return (_PAGES / f"{code}.md").read_text(encoding="utf-8")
