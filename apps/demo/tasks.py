"""What the product does later: long analyses, messages, exports. The API sends these tasks, the worker runs them.

Owns the tasks and how they are sent. Their dependencies (`Hands`) are set once by the process that runs them.
"""

import asyncio
import csv
import io
import uuid
from dataclasses import dataclass
from typing import Any, Final

import structlog
from celery import Celery, Task
from kombu.exceptions import OperationalError
from lookout_instrumentation import Lookout
from sqlalchemy import Engine, select

from demo.analyses import finish
from demo.database import transaction
from demo.days import Calendar, now
from demo.models import AnalysisRow
from demo.outside import OutsideNow, Unavailable

QUEUE: Final = "demo"
TRIES: Final = 4
# A request waits no longer for the queue.
TIMEOUT_SECONDS: Final = 1.0
_RETRIES: Final[dict[str, Any]] = {
    "autoretry_for": (Unavailable,),
    "max_retries": TRIES,
    "retry_backoff": 2,
    "retry_backoff_max": 60,
}

app: Final = Celery("demo")
app.conf.update(
    task_default_queue=QUEUE,
    task_ignore_result=True,
    # What a worker was at when it was killed is done again.
    task_acks_late=True,
    worker_prefetch_multiplier=1,
    task_publish_retry=False,
    # A worker waits for its queue as long as it takes.
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={"socket_connect_timeout": 1, "socket_timeout": 5, "visibility_timeout": 300},
    worker_hijack_root_logger=False,
)
log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger(__name__)


class QueueDown(Exception):
    """The queue takes no tasks."""


@dataclass(frozen=True)
class Hands:
    """What tasks work with."""

    engine: Engine
    outside: OutsideNow
    calendar: Calendar
    lookout: Lookout


_hands: Hands | None = None


def equip(hands: Hands) -> None:
    """Give the tasks of this process what they work with."""
    global _hands
    _hands = hands


def _equipped() -> Hands:
    if _hands is None:
        raise RuntimeError("this process sends tasks and runs none")
    return _hands


async def send(task: Task, *arguments: object) -> None:
    """Queue a task, with the request's id. Raises QueueDown."""
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await asyncio.to_thread(task.apply_async, arguments)
    except (OperationalError, OSError) as error:  # a TimeoutError is an OSError
        raise QueueDown(task.name) from error


async def send_if_possible(task: Task, *arguments: object) -> None:
    """Queue a task whose loss is no reason to fail."""
    try:
        await send(task, *arguments)
    except QueueDown as error:
        log.error("task is lost", task=task.name, error_type=type(error.__cause__).__name__)


@app.task(name="analyze", bind=True, max_retries=TRIES)  # type: ignore[untyped-decorator]
def analyze(self: Task, analysis_id: str, tenant: str) -> None:
    """Analyse a long text. When the model cannot be had for long, the analysis is done without it."""
    hands = _equipped()
    with transaction(hands.engine) as session:
        row = session.get(AnalysisRow, uuid.UUID(analysis_id))
    if row is None or row.status != "waiting":
        log.warning("nothing to analyse", analysis_id=analysis_id)
        return
    try:
        answer = hands.outside.summarise(row.text, tenant)
    except Unavailable as error:
        if self.request.retries < TRIES:
            raise self.retry(exc=error, countdown=2 ** (self.request.retries + 1)) from error
        finish(row, None, 0.0)
    else:
        finish(row, answer.text, answer.cost_usd)
    with transaction(hands.engine) as session:
        session.merge(row)
    log.info("text analysed", action="analyze", analysis_id=analysis_id, characters=len(row.text))


@app.task(name="send_message", bind=True, **_RETRIES)  # type: ignore[untyped-decorator]
def send_message(self: Task, channel: str, to: str, text: str) -> None:
    """Send a message; one key for all tries, so that it arrives once."""
    _equipped().outside.send_message(channel, to, text, key=self.request.id)
    log.info("message sent", action="message", channel=channel)


@app.task(name="export", bind=True)  # type: ignore[untyped-decorator]
def export(self: Task, tenant_id: int, tenant: str) -> None:
    """Write the tenant's analyses of the last demo day as CSV, and say that they are there."""
    hands = _equipped()
    since = hands.calendar.days_ago(1, now())
    query = select(AnalysisRow).where(AnalysisRow.tenant_id == tenant_id, AnalysisRow.created_at >= since).limit(1000)
    with transaction(hands.engine) as session:
        rows = [(str(row.id), row.status, (row.result or {}).get("words", 0)) for row in session.scalars(query)]
    text = io.StringIO()
    csv.writer(text).writerows([("id", "status", "words"), *rows])
    log.info("export written", action="export", rows=len(rows), size_bytes=len(text.getvalue()))
    send_message.delay("telegram", f"tenant-{tenant}", f"Your export of {len(rows)} analyses is ready.")
