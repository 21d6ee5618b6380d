"""docs/reference/log-fields.md: every field of a log line, what it means and who writes it.

Owns the table of fields; a test holds the library's lines to it. Which fields one can search by without reading each
line is decided in generator.render.collector.records.
"""

from dataclasses import dataclass
from typing import Final

from generator.artifact import Artifact
from generator.reference.markdown import page, table
from generator.render.collector.records import FIELDS as SEARCHABLE


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `when` says on which lines it is."""

    name: str
    when: str
    meaning: str


FIELDS: Final = (
    Field("timestamp", "always", "When, in UTC with microseconds."),
    Field("level", "always", "debug, info, warning, error or critical; others become one of these."),
    Field("service", "always", "The service's name in services.yaml."),
    Field("environment", "always", "Where it runs."),
    Field("logger", "always", "Which part of the app or which library says it."),
    Field("message", "always", "What happened, cut after 8 KiB."),
    Field("request_id", "in a request or task", "A UUIDv7 made at the edge; the time of the request is in it."),
    Field("client_request_id", "in a request that brought one", "The client's own X-Request-ID, if it is harmless."),
    Field("trace_id", "in a trace", "OpenTelemetry's id of the trace."),
    Field("span_id", "in a trace", "OpenTelemetry's id of the span."),
    Field("user_id", "after bind(user=…)", "The user's id under a keyed hash, 16 hex digits; never the id itself."),
    Field("session_id", "after bind(…)", "An id of the session that cannot be used to log in: not the cookie."),
    Field("tier", "after bind(…)", "The user's plan."),
    Field("tenant", "after bind(…)", "Whose data it is about."),
    Field("site", "after bind(…)", "Which of the tenant's sites."),
    Field("action", "after bind(…)", "What the user is doing."),
    Field("method", "on the line of a request", "GET, POST, …; `other` for what no client sends."),
    Field("route", "on the line of a request", "The template, never the path; `none` where no route matches."),
    Field("status", "on the line of a request", "The answer's status."),
    Field("duration_ms", "on the line of a request or task", "How long it took."),
    Field("task", "in a task", "The task's name."),
    Field("task_id", "in a task", "The task's id."),
    Field("error_type", "with an exception", "The exception's class."),
    Field("exception", "with an exception", "The traceback with its causes; beyond 32 KiB the middle is left out."),
    Field("stack", "when asked for", "The stack of a record that was logged with stack_info."),
    Field("malformed", "on a line that could not be made", "Why, and where it was logged."),
)

_INTRO: Final = """\
# Fields of log lines

An app with Lookout's library writes one JSON object a line on stdout, of its own records and of its libraries'. Any
other field that it logs stays in the line. Those that are marked can be searched by (`lookout logs`, and in Grafana
`| request_id="…"`) without reading every line.
"""

_OUTRO: Final = """
## What is kept out

Secrets are masked in the app, and again in the log shipper by the same table: whole fields by their names (passwords,
tokens, keys, cookies), and parts of any text by their shape (keys of providers, JSON web tokens, bearer and basic
logins, passwords in addresses, private keys, cards, e-mail addresses, phone numbers). A masked part reads
`[redacted:secret]`, or another word after the colon. The app checks the digits of what looks like a card; the shipper
cannot, and masks 16 digits that begin like one. A secret that neither its name nor its shape shows is not found: log it
under a name.

A `user_id` that an app logs by itself becomes a hash as well, unless it is one (16 hex digits). Without the key
(`secrets/user_hash_key`) no user is named at all.

## What is cut

A field ends after 8 KiB, a list after 100 items, a structure six deep, a line after 100 fields, and says so. Of an
exception with more than 20 causes those at both ends are shown. An object that took more than a tenth of a second to
show itself is shown by its type alone for five minutes, so that it holds up one line and no more. Of a line beyond
128 KiB the longest fields are left out. What JSON cannot say is written as Python shows it.

## What can be lost

Lines wait in memory for the thread that writes them, 10,000 of them or 16 MiB at most. What did not fit is counted in
`log_lines_dropped_total`. An orderly end, SIGTERM included, writes all of them; a killed process loses what it logged
in its last 20 ms.
"""


def log_fields_page() -> Artifact:
    """The page."""
    rows = [(f"`{each.name}`", each.when, each.meaning, "yes" if each.name in SEARCHABLE else "") for each in FIELDS]
    return page("log-fields", [_INTRO, table(("field", "on which lines", "meaning", "search"), rows), _OUTRO])
