"""Celery: one call makes an app's workers observable, and hands the context of a request on to its tasks.

    lookout = init(celery_app, checks={"db": ping})

Called where the app is made, so by every process that imports it. One that only sends tasks gives them the ids of what
it is working on; a worker counts and logs each task, takes Celery's own logging over, and answers /metrics, /health and
/ready on LOOKOUT_METRICS_PORT.
"""

import logging as stdlib_logging
import time
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Final

import structlog
from billiard.exceptions import TimeLimitExceeded, WorkerLostError
from celery import Celery, bootsteps, signals
from celery.concurrency.prefork import TaskPool as Prefork
from celery.exceptions import Reject

from lookout_instrumentation import context
from lookout_instrumentation.core import Lookout
from lookout_instrumentation.health import Check
from lookout_instrumentation.http import error_log
from lookout_instrumentation.processes import forget
from lookout_instrumentation.queue_lengths import QueueLengths, measure
from lookout_instrumentation.server import ProbeServer
from lookout_instrumentation.settings import Settings
from lookout_instrumentation.task_messages import hand_on, origin_of

STATES: Final = ("succeeded", "failed", "retried", "rejected")

_STATE: Final = {"SUCCESS": "succeeded", "RETRY": "retried", "REJECTED": "rejected", "IGNORED": "rejected"}
# What the process over a child reports, when the child could not any more.
_LOST: Final = (WorkerLostError, TimeLimitExceeded)

task_log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("lookout.task")
_task_level: Final = stdlib_logging.getLogger("lookout.task")


def init(
    app: Celery,
    checks: Mapping[str, Check] | None = None,
    *,
    settings: Settings | None = None,
    logging: bool = True,
    lookout: Lookout | None = None,
) -> Lookout:
    """Count, log and time every task of `app`. Returns the process's handle, or makes one.

    `checks` are the dependencies that a worker's /ready reports; `broker` is among them by itself. Give `lookout` in a
    process that has a handle already. Logging starts with the worker, unless `logging` is false.
    """
    lookout = lookout or Lookout(settings, checks, logging=False)
    if not (checks and "broker" in checks):
        lookout.health.add("broker", lambda: measure(app))
    _Worker(app, lookout, logging).connect()
    return lookout


class _Worker:
    """What is done at each turn of a worker's and a task's life."""

    def __init__(self, app: Celery, lookout: Lookout, logging: bool) -> None:
        self._app = app
        self._lookout = lookout
        self._logging = logging
        self._server: ProbeServer | None = None
        self._began: dict[str, float] = {}
        self._errors: dict[str, str] = {}
        get = lookout.metrics.get
        self._total = get("celery_tasks_total")
        self._runtime = get("celery_task_runtime_seconds")
        self._wait = get("celery_task_wait_seconds")
        self._queues = QueueLengths(app, lookout.metrics)

    def connect(self) -> None:
        """Have everything called."""
        for signal, receiver in (
            (signals.before_task_publish, hand_on),
            (signals.setup_logging, self._start_logging),
            (signals.worker_ready, self._ready),
            (signals.worker_shutdown, self.shutdown),
            (signals.worker_process_init, self._child_began),
            (signals.worker_process_shutdown, self._child_ends),
            (signals.task_prerun, self._begin),
            (signals.task_failure, self._failed),
            (signals.task_postrun, self._end),
            (signals.task_revoked, self._refused),
            (signals.task_unknown, self._refused),
            (signals.task_rejected, self._refused),
        ):
            signal.connect(receiver, weak=False)
        worker = self

        class Server(bootsteps.StartStopStep):  # type: ignore[misc]
            """Before the broker is asked for anything: that it does not answer can then be read from /ready."""

            requires = ("celery.worker.components:Pool",)

            def __init__(self, parent: Any, **_: Any) -> None:
                worker.check_pool(parent.pool_cls)

            def start(self, _parent: Any) -> None:
                worker.serve()

            def stop(self, _parent: Any) -> None:
                worker.serve_no_more()

            def terminate(self, _parent: Any) -> None:
                worker.serve_no_more()
                worker.shutdown()

        self._app.steps["worker"].add(Server)

    # A worker's alone: 0 of a process that only sends tasks would read as a worker that is down.

    @cached_property
    def _up(self) -> Any:
        return self._lookout.metrics.get("celery_worker_up")

    @cached_property
    def _in_progress(self) -> Any:
        return self._lookout.metrics.get("celery_tasks_in_progress")

    # --- the worker -------------------------------------------------------------------------------------------

    def check_pool(self, pool: type) -> None:
        """Count together with the children of a pool that has some."""
        if issubclass(pool, Prefork):
            self._lookout.share_with_children()

    def serve(self) -> None:
        """Answer probes, and start every series of the app's tasks at zero."""
        lookout = self._lookout
        self._server = ProbeServer(lookout.settings, lookout.probes, self._queues.refresh, lookout.fault)
        Lookout.worker = self._lookout
        self._up.set(0)
        self._in_progress.set(0)
        for task in _tasks_of(self._app):
            self._runtime.labels(task)
            self._wait.labels(task)
            for state in STATES:
                self._total.labels(task, state)
        self._server.start()

    def serve_no_more(self) -> None:
        """Let the port go."""
        if self._server is not None:
            self._server.stop()
            self._server = None
        if Lookout.worker is self._lookout:
            Lookout.worker = None

    def _start_logging(self, **_: Any) -> None:
        """Celery asks for a logging set-up, and does nothing itself if a receiver answers."""
        stdlib_logging.getLogger("celery.app.trace").addFilter(_is_not_of_a_task)
        stdlib_logging.getLogger("celery.worker.strategy").setLevel(stdlib_logging.WARNING)
        if self._logging:
            self._lookout.start_logging()

    def _ready(self, **_: Any) -> None:
        self._up.set(1)

    def shutdown(self, **_: Any) -> None:
        """The worker's end: write what waits, and let Celery speak again."""
        self._up.set(0)
        self._lookout.flush()
        stdlib_logging.getLogger("celery.app.trace").removeFilter(_is_not_of_a_task)

    def _child_began(self, **_: Any) -> None:
        if self._server is not None:
            self._server.let_go()
        self._in_progress.set(0)

    def _child_ends(self, pid: int = 0, **_: Any) -> None:
        self._lookout.flush()
        folder = self._lookout.metrics.folder
        if folder is not None:
            forget(pid, folder)

    # --- a task -----------------------------------------------------------------------------------------------

    def _begin(self, task_id: str = "", task: Any = None, **_: Any) -> None:
        if task.app is not self._app:
            return
        message = origin_of(task.request)
        if not task.request.is_eager:  # else it runs within a request, whose context is the right one
            if "request_id" in message.fields:
                context.resume(message.fields)
            else:
                context.begin()
            structlog.contextvars.bind_contextvars(task=task.name, task_id=task_id)
            self._lookout.traces.begin(message.traceparent, kind="consumer")
        self._in_progress.inc()
        if message.sent:
            self._wait.labels(task.name).observe(max(0.0, time.time() - message.sent))
        self._began[task_id] = time.perf_counter()

    def _failed(self, sender: Any = None, task_id: str = "", exception: Any = None, **_: Any) -> None:
        if sender is None or getattr(sender, "app", None) is not self._app or isinstance(exception, Reject):
            return
        self._errors[task_id] = type(exception).__name__
        if not isinstance(exception, tuple(sender.throws or ())):
            error_log.error("unhandled exception", exc_info=exception, task=sender.name, task_id=task_id)
        if isinstance(exception, _LOST) and task_id not in self._began:
            self._count(sender.name, task_id, "failed", None)

    def _end(self, task_id: str = "", task: Any = None, state: str | None = None, **_: Any) -> None:
        began = self._began.pop(task_id, None)
        if began is None:
            return
        seconds = time.perf_counter() - began
        self._in_progress.dec()
        self._runtime.labels(task.name).observe(seconds)
        self._count(task.name, task_id, _STATE.get(state or "", "failed"), seconds)
        if not task.request.is_eager:
            known = {"task": task.name, "task_id": task_id}
            self._lookout.traces.end(f"run {task.name}", known, failed=state == "FAILURE")
            structlog.contextvars.clear_contextvars()

    def _refused(self, sender: Any = None, request: Any = None, name: str = "", id: str = "", **_: Any) -> None:
        """A message that was not worked on: revoked, expired, of no known task, or unreadable."""
        known = getattr(sender, "name", None) if request is not None else None
        self._count(known or "none", getattr(request, "id", id) or "", "rejected", None)

    def _count(self, task: str, task_id: str, state: str, seconds: float | None) -> None:
        self._total.labels(task, state).inc()
        level = stdlib_logging.WARNING if state in ("failed", "rejected") else stdlib_logging.INFO
        error = self._errors.pop(task_id, None)
        if _task_level.isEnabledFor(level):
            duration = {} if seconds is None else {"duration_ms": round(seconds * 1000, 2)}
            kind = {} if error is None or state != "failed" else {"error_type": error}
            task_log.log(level, "task", task=task, task_id=task_id, state=state, **duration, **kind)


def _tasks_of(app: Celery) -> Iterator[str]:
    """The app's own tasks; Celery's are prefixed with its name."""
    return (name for name in sorted(app.tasks) if not name.startswith("celery."))


def _is_not_of_a_task(record: stdlib_logging.LogRecord) -> bool:
    """Leave out Celery's own lines on the end of a task: with arguments and results in their text."""
    return record.levelno > stdlib_logging.INFO and not hasattr(record, "data")
