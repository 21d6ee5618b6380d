"""What an app counts by itself never raises into it: a value that cannot be counted is left out, and a line says so.

Owns the wrapping of recorders' methods. What is raised in a block of the app's own goes on unchanged; that is in
`outcome`.
"""

import functools
import inspect
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

import structlog

T = TypeVar("T")

# Kinds of mistakes that are logged, each once: a mistake in a loop must not fill the log.
_MOST_REPORTED: Final = 200
_reported: Final[set[tuple[str, str]]] = set()

log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("lookout.recorder")


def careful(*but: str) -> Callable[[type[T]], type[T]]:
    """Decorate a class whose public methods give nothing back, apart from those named in `but`."""

    def wrapped(kind: type[T]) -> type[T]:
        for name, found in list(vars(kind).items()):
            if inspect.isfunction(found) and not name.startswith("_") and name not in but:
                setattr(kind, name, _careful(found))
        return kind

    return wrapped


def left_out(where: str, error: Exception) -> None:
    """Say, once for each place and kind of mistake, that something was not counted."""
    key = (where, type(error).__name__)
    if key in _reported or len(_reported) >= _MOST_REPORTED:
        return
    _reported.add(key)
    with suppress(Exception):  # an app that logs by itself may do anything with a line
        log.warning("not counted: a value cannot be used", recorder=where, error_type=key[1])


def _careful(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            left_out(function.__qualname__, error)
            return None

    return call
