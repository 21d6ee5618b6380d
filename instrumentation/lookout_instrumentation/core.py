"""One handle for all metrics, logs and reports of a process: `Lookout`.

Owns nothing but the parts and their order: settings, metrics, logging, health. What an app does not use is not made, so
that it exports no series of it.
"""

import logging as stdlib_logging
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Final

from lookout_instrumentation import context
from lookout_instrumentation.business import Business
from lookout_instrumentation.cache import Caches
from lookout_instrumentation.careful import left_out
from lookout_instrumentation.costs import Costs
from lookout_instrumentation.errors import Errors
from lookout_instrumentation.external import Externals
from lookout_instrumentation.guard import locked
from lookout_instrumentation.health import Check, Health
from lookout_instrumentation.http import HttpMetrics
from lookout_instrumentation.llm import LLM
from lookout_instrumentation.logs import Logging, configure_logging
from lookout_instrumentation.messages import Messages
from lookout_instrumentation.metrics import Metrics
from lookout_instrumentation.payments import Payments
from lookout_instrumentation.probes import Probes
from lookout_instrumentation.settings import Settings
from lookout_instrumentation.tenants import Tenants
from lookout_instrumentation.traces import Span, Traces
from lookout_instrumentation.usage import Usage
from lookout_instrumentation.web import OAuth, Web
from lookout_instrumentation.webhooks import Webhooks

if TYPE_CHECKING:
    from lookout_instrumentation.sqlalchemy import Databases

# An app that logs by itself has it among its own lines; one that has set up nothing sees it on stderr.
setup_log: Final = stdlib_logging.getLogger("lookout.setup")


class Lookout:
    """What `init` of a framework's module returns. One a process; tests make as many as they like."""

    # The handle of a process that is a worker: code that is shared with a web process finds it there.
    worker: ClassVar["Lookout | None"] = None

    def __init__(
        self,
        settings: Settings | None = None,
        checks: Mapping[str, Check] | None = None,
        *,
        logging: bool = True,
    ) -> None:
        """Read the settings (`Settings.found()` unless given) and start logging, unless `logging` is false.

        `checks` are the dependencies that /ready reports: name -> what raises when it does not answer.
        The app starts whatever is wrong with a setting: it is left out, and one line says so.
        """
        faults: list[str] = []
        if settings is None:
            settings, faults = Settings.found()
        self.settings = settings
        self.metrics = Metrics(self.settings)
        self._faults = [*faults, *self.metrics.faults]
        self.http = HttpMetrics(self.metrics)
        self.health = Health(checks or {}, self.metrics)
        self.probes = Probes(self.metrics, self.health)
        context.configure(self.settings.user_hash_key_file)
        self.errors = Errors(self.settings, self.metrics)
        self.traces = Traces(self.settings, self.metrics)
        self._faults += [fault for fault in (self.errors.fault, self.traces.fault, locked(self.settings)) if fault]
        self.http.traces = self.traces if self.traces.on else None
        self.logs: Logging | None = None
        if logging:
            self.start_logging()
        else:
            self._report_faults()

    def share_with_children(self) -> None:
        """Count together with the processes that this one will start, as a pool does; where that cannot be, say so."""
        if fault := self.metrics.share_with_children().fault:
            self.fault(fault)

    def fault(self, text: str) -> None:
        """Say, once, what of the set-up cannot be used, and that the app runs on without it."""
        self._faults.append(text)
        self._report_faults()

    def _report_faults(self) -> None:
        faults, self._faults = self._faults, []
        for fault in faults:
            setup_log.error("Lookout runs without a part of its set-up: %s", fault)

    def start_logging(self) -> None:
        """Log as JSON from now on, unless that was begun before."""
        if self.logs is None:
            self.logs = configure_logging(self.settings, self.metrics)
            self._report_faults()

    def flush(self) -> None:
        """Send and write what waits, in a process that ends without saying so."""
        self.traces.flush()
        self.errors.flush()
        if self.logs:
            self.logs.flush()

    def close(self) -> None:
        """Send the error reports and write the log lines that still wait; safe to call twice."""
        self.traces.close()
        self.errors.close()
        if "business" in vars(self):
            self.business.stop()
        if self.logs:
            self.logs.stop()

    def span(self, name: str, **attributes: Any) -> Span:
        """`with lookout.span("price", items=3):` measures a part of a request's work, when traces are on."""
        return self.traces.span(name, **attributes)

    def build_size(self, size_bytes: int) -> None:
        """Report the size of the deployed release: the image, or the bundle."""
        try:
            self.metrics.get("app_build_size_bytes").set(size_bytes)
        except Exception as error:
            left_out("Lookout.build_size", error)

    # --- what an app counts by itself, each made when it is first used -----------------------------------------

    @cached_property
    def database(self) -> "Databases":
        """`lookout.database(engine)`: statements, connections and readiness of a database, by SQLAlchemy."""
        from lookout_instrumentation.sqlalchemy import Databases

        return Databases(self.http, self.health)

    @cached_property
    def cache(self) -> Caches:
        """`lookout.cache("items")`: reads through a cache."""
        return Caches(self.metrics)

    @cached_property
    def external(self) -> Externals:
        """`lookout.external("twilio")`: calls to another company's API."""
        return Externals(self.metrics)

    @cached_property
    def llm(self) -> LLM:
        """Calls to language models, their tokens and costs."""
        return LLM(self.metrics, self.costs)

    @cached_property
    def costs(self) -> Costs:
        """Money spent with providers."""
        return Costs(self.metrics)

    @cached_property
    def messages(self) -> Messages:
        """Messages to people."""
        return Messages(self.metrics)

    @cached_property
    def webhooks(self) -> Webhooks:
        """Webhooks that others send."""
        return Webhooks(self.metrics)

    @cached_property
    def payments(self) -> Payments:
        """Payments and their amounts."""
        return Payments(self.metrics)

    @cached_property
    def business(self) -> Business:
        """Events and figures of the business."""
        return Business(self.metrics)

    @cached_property
    def tenants(self) -> Tenants:
        """What happens in each tenant."""
        return Tenants(self.metrics)

    @cached_property
    def usage(self) -> Usage:
        """What is used most, by name."""
        return Usage(self.metrics)

    @cached_property
    def web(self) -> Web:
        """What browsers report."""
        return Web(self.metrics)

    @cached_property
    def oauth(self) -> OAuth:
        """Logins through other providers."""
        return OAuth(self.metrics)
