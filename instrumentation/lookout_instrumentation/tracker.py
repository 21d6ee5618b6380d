"""Sentry's SDK, started with little of its own, and the way from it to the outbox.

Owns its options: none of them may cost a request anything, or put into a report what Lookout does not put there.
"""

import gzip
import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lookout_instrumentation.outbox import Answer, Outbox
from lookout_instrumentation.settings import Settings, SettingsError
from lookout_instrumentation.spool import Spool

if TYPE_CHECKING:
    from sentry_sdk.envelope import Envelope

_BREADCRUMBS: Final = 20
_MAX_VALUE: Final = 4096
# How long the tracker may take to answer, and to be left alone after it said "too many" without saying for how long.
_TIMEOUT: Final = 5
_PAUSE: Final = 60.0


def spool_of(settings: Settings) -> Spool | None:
    """The folder of this service and tracker; None where none can be had, as with a read-only root without /tmp."""
    identity = f"{settings.service}\n{settings.sentry_dsn}"
    try:
        folder = settings.errors_spool or Path(tempfile.gettempdir())
        return Spool(folder / f"lookout-errors-{hashlib.sha256(identity.encode()).hexdigest()[:16]}")
    except OSError:
        return None


def start(settings: Settings, outbox: Outbox, before_send: Callable[..., Any], on_drop: Callable[[], None]) -> Any:
    """The SDK, started with little of its own; returns its client."""
    try:
        import sentry_sdk
        from sentry_sdk.utils import BadDsn
    except ImportError as error:
        raise SettingsError("a DSN is set: install lookout-instrumentation[errors]") from error
    options: dict[str, Any] = {}
    if settings.profiles_ratio:
        options["profile_session_sample_rate"] = settings.profiles_ratio
    try:
        sentry_sdk.init(
            dsn=settings.sentry_dsn,
            release=settings.release,
            environment=settings.environment,
            server_name="",
            transport=_transport(outbox, on_drop),
            before_send=before_send,
            default_integrations=False,
            auto_enabling_integrations=False,
            # No personal data, which the SDK would send by default.
            include_local_variables=False,
            max_request_body_size="never",
            max_breadcrumbs=_BREADCRUMBS,
            max_value_length=_MAX_VALUE,
            auto_session_tracking=False,
            send_client_reports=False,
            **options,
        )
    except BadDsn as error:
        raise SettingsError(f"the DSN cannot be used: {error}") from None
    if settings.profiles_ratio:
        sentry_sdk.profiler.start_profiler()
    return sentry_sdk.get_client()


def scope_reset() -> Callable[[], None]:
    """What is called at the start of each request: what the app set in the SDK for one (tags, breadcrumbs) is not used
    for the next on the same thread."""
    from sentry_sdk import Scope

    forget: Callable[[Any], None] = Scope.set_isolation_scope
    return lambda: forget(None)  # a scope is made when it is asked for: a new one each time costs 10 µs


def _transport(outbox: Outbox, on_drop: Callable[[], None]) -> type[Any]:
    """The SDK's own HTTP transport (proxies, certificates, authentication) with our thread and folder behind it."""
    from sentry_sdk.consts import EndpointType
    from sentry_sdk.transport import HttpTransport

    class LookoutTransport(HttpTransport):
        TIMEOUT = _TIMEOUT

        def __init__(self, options: dict[str, Any]) -> None:
            super().__init__(options)
            outbox.post = self.post
            if hasattr(os, "register_at_fork"):
                os.register_at_fork(after_in_child=self._renew)

        def _renew(self) -> None:
            """Two processes must not talk over one connection."""
            self._pool = self._make_pool()

        def capture_envelope(self, envelope: "Envelope") -> None:
            if envelope.get_event() is None:  # a profile: not worth being kept
                super().capture_envelope(envelope)
            elif not outbox.put(lambda: gzip.compress(envelope.serialize(), 6)):
                on_drop()

        def flush(self, timeout: float, callback: Any = None) -> None:
            outbox.flush(timeout)

        def post(self, body: bytes) -> Answer:
            headers = {"Content-Type": "application/x-sentry-envelope", "Content-Encoding": "gzip"}
            self._update_headers(headers)
            response = self._pool.request(
                "POST", self._auth.get_api_url(EndpointType.ENVELOPE), body=body, headers=headers, retries=False
            )
            pause = self._retry.parse_retry_after(response.headers.get("Retry-After") or "0")
            if 200 <= response.status < 300:
                return Answer("taken")
            if response.status == 429:
                return Answer("refused", pause or _PAUSE)
            return Answer("away", pause) if response.status >= 500 else Answer("refused")

    return LookoutTransport
