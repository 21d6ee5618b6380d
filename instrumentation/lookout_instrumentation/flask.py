"""Flask: one call makes an app observable."""

from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Final, cast

from flask import Flask, request, request_started

from lookout_instrumentation import wsgi
from lookout_instrumentation.core import Lookout
from lookout_instrumentation.health import Check
from lookout_instrumentation.http import UNMATCHED, log_crash
from lookout_instrumentation.settings import Settings

_RULE: Final = "lookout.rule"
# Flask answers these by itself for every route.
_AUTOMATIC: Final = {"HEAD", "OPTIONS"}


def init(
    app: Flask,
    checks: Mapping[str, Check] | None = None,
    *,
    settings: Settings | None = None,
    logging: bool = True,
) -> Lookout:
    """Count, log and time every request of `app`, and give it /health, /ready, /status and /metrics.

    Call it once, after other WSGI middleware has been put around the app. `checks` are the dependencies that /ready
    reports.
    """
    lookout = Lookout(settings, checks, logging=logging)
    served = cast(wsgi.App, app.wsgi_app)
    declared = False

    def inner(environ: wsgi.Environ, start_response: wsgi.StartResponse) -> Any:
        nonlocal declared
        if not declared:  # routes may be added until the first request
            declared = True
            lookout.http.declare(_declared(app))
        return served(environ, start_response)

    app.wsgi_app = wsgi.LookoutMiddleware(inner, lookout.http, lookout.probes, template)  # type: ignore[method-assign]
    request_started.connect(_remember_rule)  # of apps that are mounted in this one too
    app.log_exception = _log_exception  # type: ignore[method-assign,assignment]
    return lookout


def _remember_rule(_app: Flask) -> None:
    """Keep the rule that answers where it can be seen from outside, once Flask is done with the request."""
    request.environ[_RULE] = None if request.url_rule is None else request.url_rule.rule


def template(environ: wsgi.Environ, script: str) -> str:
    """The rule that answered, with the prefix that middleware mounted the app under; never a raw path."""
    rule = environ.get(_RULE)
    mounted = environ.get("SCRIPT_NAME", "")[len(script) :]
    return UNMATCHED if rule is None else f"{mounted}{rule}"


def _log_exception(_exc_info: tuple[type, BaseException, TracebackType] | tuple[None, None, None]) -> None:
    """Instead of Flask's own line, which has the raw path in its text."""
    log_crash(request.method, str(request.url_rule or UNMATCHED))


def _declared(app: Flask) -> Iterator[tuple[str, str]]:
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - _AUTOMATIC):
            yield method, rule.rule
