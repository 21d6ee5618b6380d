"""Placeholders in packs: `<<param>>`, `<<sig.error_ratio("5m")>>`, `<% for %>`. Strings only, after YAML is parsed.

The delimiters collide with nothing in PromQL, LogQL, Go templates or Grafana. A name that is not known is an error.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import (
    Environment,
    FileSystemBytecodeCache,
    FunctionLoader,
    StrictUndefined,
    TemplateError,
    TemplateSyntaxError,
)
from jinja2.bccache import Bucket
from jinja2.runtime import Context as Bound
from jinja2.runtime import new_context

from generator import units
from generator.diagnostics import Diagnostic, Problems, Span

Context = Mapping[str, Any]

PANEL_WINDOW: Final = "$__rate_interval"


class Duration(int):
    """Seconds that print as a Prometheus duration. Arithmetic gives plain seconds: `<<(window * 2) | duration>>`."""

    def __str__(self) -> str:
        return units.format_duration(int(self))


def _finalize(value: object) -> object:
    return units.format_number(value) if type(value) is float else value


def _format_seconds(seconds: float) -> str:
    whole = float(seconds).is_integer()
    return units.format_duration(int(seconds)) if whole else f"{units.format_number(seconds * 1000)}ms"


class _Kept(FileSystemBytecodeCache):
    """Compiled templates on disk: compiling takes longer than all else that is done with most of them. A disk that
    takes nothing costs time alone."""

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep one, if that can be."""
        with suppress(OSError):
            super().dump_bytecode(bucket)


def _kept() -> _Kept | None:
    folder = Path.home() / ".cache" / "lookout" / "templates"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return _Kept(str(folder))


def _source(text: str) -> str:
    """A template's name is its text. A minus at a brace strips white space in Jinja, so that `<<-x>>` would be x."""
    if "<<-" in text or "->>" in text:
        raise TemplateSyntaxError("a minus beside << or >> is no sign; write <<0 - x>>", 1)
    return text


_ENVIRONMENT: Final = Environment(
    loader=FunctionLoader(_source),
    bytecode_cache=_kept(),
    cache_size=-1,
    variable_start_string="<<",
    variable_end_string=">>",
    block_start_string="<%",
    block_end_string="%>",
    comment_start_string="<#",
    comment_end_string="#>",
    undefined=StrictUndefined,
    finalize=_finalize,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    autoescape=False,
)
_ENVIRONMENT.filters.update(
    duration=_format_seconds,
    seconds=lambda seconds: units.format_number(float(seconds)),
    percent=units.format_ratio,
    line=lambda text: " ".join(str(text).split()),
    size=lambda amount: units.format_bytes(int(amount)),
)


@cache
def _compile_condition(text: str) -> Callable[..., Any]:
    return _ENVIRONMENT.compile_expression(text, undefined_to_none=False)


@cache
def _compile_text(text: str) -> Callable[[Bound], Iterable[str]]:
    """What renders `text`. Jinja keeps templates too, but asks for each whether its source has changed."""
    return _ENVIRONMENT.get_template(text).root_render_func


def pack_problem(message: str, file: str, line: int = 1) -> Problems:
    """The exception for a mistake in a pack's file."""
    return Problems([Diagnostic("pack/invalid", message, Span(file, line, 1, 1))])


def bind(context: Context) -> Bound:
    """`context` in the form that templates read. Making one costs more than using it, so it is made once a service."""
    return new_context(_ENVIRONMENT, None, {}, dict(context), shared=True)


def render_text(text: str, context: Context | Bound, where: Span) -> str:
    """`text` with its placeholders filled in. Raises Problems naming `where`."""
    if "<<" not in text and "<%" not in text:
        return text
    try:
        bound = context if isinstance(context, Bound) else bind(context)
        return "".join(_compile_text(text)(bound))
    except (TemplateError, TypeError, ValueError, ZeroDivisionError) as error:
        raise Problems([Diagnostic("pack/invalid", f"{error} in '{text.strip()}'", where)]) from error


def holds(condition: str, context: Context, where: Span) -> bool:
    """Whether a `when:` is true; an empty one always is."""
    if not condition:
        return True
    try:
        return bool(_compile_condition(condition)(context))
    except (TemplateError, TypeError) as error:
        raise Problems([Diagnostic("pack/invalid", f"{error} in 'when: {condition}'", where)]) from error


class BoundSignal:
    """A signal inside a template: prints with its own window, or with the one it is called with."""

    def __init__(self, render: Callable[[str], str], window: str) -> None:
        self._render = render
        self._window = window

    def __str__(self) -> str:
        return self._render(self._window)

    def __call__(self, window: object) -> str:
        return self._render(str(window))


class Signals:
    """`sig` inside a template. `window` overrides every signal's own window (panels: Grafana's)."""

    def __init__(
        self,
        signals: Mapping[str, tuple[str, str]],
        context: Context,
        where: Span,
        window: str = "",
    ) -> None:
        self._signals = signals
        self._context = context
        self._where = where
        self._window = window
        self._rendered: dict[tuple[str, str], str] = {}
        self._bound: dict[str, Bound] = {}

    def __getattr__(self, name: str) -> BoundSignal:
        if name not in self._signals:
            raise AttributeError(f"no signal is called '{name}'")
        expr, own = self._signals[name]

        def render(window: str) -> str:
            key = (name, window)
            if key not in self._rendered:
                self._rendered[key] = render_text(expr.strip(), self._names(window), self._where)
            return self._rendered[key]

        return BoundSignal(render, self._window or render_text(own, self._context, self._where))

    def _names(self, window: str) -> Bound:
        if window not in self._bound:
            self._bound[window] = bind({**self._context, "sig": self, "window": window})
        return self._bound[window]
