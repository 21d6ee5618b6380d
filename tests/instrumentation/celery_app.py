"""A small Celery app, run as a worker of its own process: BROKER_URL says where its queue is."""

import os

import structlog
from celery import Celery, Task
from lookout_instrumentation import context
from lookout_instrumentation.celery import init

app = Celery("shop", broker=os.environ.get("BROKER_URL", "memory://"))
app.conf.update(
    task_ignore_result=True, broker_connection_retry_on_startup=True, task_default_queue="orders", task_time_limit=60
)
lookout = init(app)
log = structlog.get_logger("shop")


@app.task(name="add")  # type: ignore[untyped-decorator]
def add(a: int, b: int) -> int:
    """Works, and says so."""
    log.info("adding", action="add")
    print("printed")
    return a + b


@app.task(name="crash")  # type: ignore[untyped-decorator]
def crash() -> None:
    """Raises."""
    raise RuntimeError("broken")


@app.task(name="flaky", bind=True, max_retries=2)  # type: ignore[untyped-decorator]
def flaky(self: Task) -> str:
    """Works when it is tried again, and sends another task."""
    if self.request.retries == 0:
        raise self.retry(countdown=0)
    add.delay(1, 1)
    return context.request_id()


@app.task(name="die")  # type: ignore[untyped-decorator]
def die() -> None:
    """Takes its process with it."""
    os._exit(9)
