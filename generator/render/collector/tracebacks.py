"""Where one record ends and the next begins: the lines of a traceback are one record.

Owns the pattern by which the collector's file receivers cut a file into records, and the step that makes one line of
Docker's log format out of several. It holds for Python, Java and Go, and for any plain line that indented lines follow;
a line that is a JSON object is always a record of its own. What a record becomes is in collector.records.

Lines are put together while the file is read, not after it: what is not yet a whole record has not been read, so that a
collector that is killed meanwhile reads it again. Nothing is kept between two records, and nothing is put together
across the two streams of a container.
"""

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class _Form:
    """How a kind of file writes a line: what stands before and after the text, a tab, an empty line, what a record may
    begin with, and what the text of an indented line."""

    before: str
    after: str
    tab: str
    empty: str
    first: str
    visible: str


# Docker's: {"log":"text\n","stream":"stdout","attrs":{…},"time":"…"}. A part of a longer line does not end in \n.
_DOCKER_START: Final = r'\{"log":"'
_DOCKER_END: Final = r'\\n","stream":"%s"[^\n]*'
_STREAMS: Final = ("stdout", "stderr")
_DOCKER: Final = tuple(
    _Form(
        before=_DOCKER_START,
        after=r"[^\n]*" + _DOCKER_END % stream,
        tab=r"\\(?:t|u0009)",
        empty=r"(?: |\\t|\\u0009|\\r)*" + _DOCKER_END % stream,
        first=r"(?:[^{\\]|\\[^n])",
        visible=r"(?:[^\s{\\]|\\[^tu]|\\u00[1-9])",
    )
    for stream in _STREAMS
)
_PLAIN: Final = _Form(before="", after=r"[^\n]*", tab=r"\t", empty=r"[ \t\r]*$", first=r"[^{\n]", visible=r"[^\s{]")

# Python names builtin exceptions bare and all others with their module; Java all with their package.
_EXCEPTION: Final = (
    r"(?:[a-zA-Z_][\w$]*\.)*[A-Z_][\w$]*(?:Error|Exception|Throwable|Warning|Exit|Interrupt|Iteration|Group)\b"
    r"|(?:[a-zA-Z_]\w*\.)+[A-Z]\w*(?::|\\n|$)"
)
_TRACEBACK: Final = r"Traceback \(most recent call last\)"
_CHAINED: Final = r"(?:During handling of the above exception|The above exception was the direct cause)"
_PHRASES: Final = r"(?:Caused by: |Exception in thread |goroutine \d+ |created by |\[signal )"
# What is not written to its end yet may belong to the record before it: there is no decision before it is.
_UNFINISHED: Final = r"\n[^\n]*\z"
_GO_CALL: Final = r"[\w./-]+\.[\w.()*\[\]]+\("


def docker_records() -> dict[str, str]:
    """The receiver's `multiline` for Docker's json-file logs."""
    grown = "|".join(_record(form) for form in _DOCKER)
    # What all alternatives begin with stands once and in front: the search jumps from one to the next.
    return {"line_start_pattern": f"{_DOCKER_START}(?:{grown})?"}


def plain_records() -> dict[str, str]:
    """The receiver's `multiline` for a file of lines."""
    return {"line_start_pattern": rf"^(?:{_record(_PLAIN)}|[^\n])"}


def joined_operator() -> dict[str, Any]:
    """Several lines of Docker's format that are one record become one line of it: the last one's time, all texts."""
    return {
        "type": "regex_replace",
        "id": "joined",
        "if": 'body contains "\\n"',
        "field": "body",
        "regex": r'\\n","stream":"std(?:out|err)"[^\n]*\n\{"log":"',
        "replace_with": r"\n",
    }


def _record(form: _Form) -> str:
    """A plain line, and what belongs to it: without what all begin with, which the callers put in front."""

    def line(start: str) -> str:
        return f"{start}{form.after}"

    # Where the next line begins; written once for all that may follow, as each alternative is paid for with every byte.
    then = rf"\n{form.before}"
    indent = rf"(?: |{form.tab})*{form.visible}"
    by_spaces, by_tab = line(f" {indent}"), line(f"{form.tab}{indent}")
    exception, traceback = line(f"(?:{_EXCEPTION})"), line(_TRACEBACK)
    more = (
        # Python: indented lines end with the exception. In Java the next exception begins a record.
        f"{by_spaces}(?:{then}{exception})?",
        by_tab,
        f"(?:{form.empty}{then})?{line(_CHAINED)}(?:{then}{form.empty})?(?:{then}{traceback})?",
        line(_PHRASES),
        f"{line(_GO_CALL)}(?:{then}{by_tab}|{_UNFINISHED})",
        form.empty,
    )
    # The line that announces an exception, then the exception: what logging.exception and its kin write.
    raised = f"{exception}(?:{then}(?:{by_spaces}|{by_tab})|{_UNFINISHED})"
    begun = f"{line(form.first)}(?:{then}(?:{traceback}|{raised}))?"
    return f"{begun}(?:{then}(?:{'|'.join(more)}))*(?:{_UNFINISHED})?"
