"""Every metric that the library can export, once: the contract that packs, dashboards and docs are written on.

Owns names, types, labels and help. A name that is not here cannot be made (`metrics.Metrics` looks it up), so that what
an app exports and what the reference says are the same list. `part` is what has to be used for the metric to exist.
"""

from typing import Final

from lookout_instrumentation.catalogue_product import PRODUCT
from lookout_instrumentation.metric import (
    COUNT_BUCKETS,
    QUERY_BUCKETS,
    TASK_BUCKETS,
    Merge,
    Metric,
    Type,
    counter,
    gauge,
    histogram,
)

__all__ = ["BY_NAME", "CATALOGUE", "Merge", "Metric", "Type"]

CATALOGUE: Final[tuple[Metric, ...]] = (
    # Every app.
    Metric(
        "app_build_info", "gauge", "The running release, always 1.", ("version", "environment"), "app", merge="livemax"
    ),
    gauge(
        "app", "app_build_size_bytes", "Size of the deployed release, when the app reports it: `lookout.build_size(…)`."
    ),
    gauge("app", "app_dependency_up", "1 when the last readiness check passed.", "dependency"),
    gauge(
        "app", "app_dependency_latency_seconds", "How long the last readiness check took, passed or not.", "dependency"
    ),
    gauge(
        "app",
        "instrumentation_partial",
        "1 where each of several processes answers a scrape with its own numbers alone.",
        merge="livemax",
    ),
    gauge("app", "instrumentation_series", "Series that this process exports.", merge="livemax"),
    gauge("app", "instrumentation_series_budget", "Series that this process may export.", merge="livemax"),
    counter("app", "instrumentation_folded_total", "Label values counted as `other`: over their budget.", "label"),
    # Logs and errors.
    counter("logs", "log_lines_total", "Log lines written, by level.", "level"),
    counter(
        "logs",
        "log_errors_total",
        "Log lines of level error and above, by the exception's class; `none` without one.",
        "error_type",
    ),
    counter("logs", "log_lines_dropped_total", "Log lines lost: `queue full`, `not written` or `malformed`.", "reason"),
    counter("traces", "trace_spans_total", "Spans of sampled requests, by result.", "result"),
    counter(
        "errors",
        "errors_reported_total",
        "Exceptions on their way to the error tracker: `sent`, `filtered`, `dropped` or `spooled` (kept for later).",
        "result",
    ),
    # HTTP.
    counter(
        "http",
        "http_requests_total",
        "HTTP requests answered, by the route's template (`none`: no route matched).",
        "method",
        "handler",
        "status",
    ),
    histogram("http", "http_request_duration_seconds", "Time to answer.", "method", "handler"),
    gauge("http", "http_requests_in_progress", "HTTP requests being answered now.", merge="livesum"),
    # Cache.
    counter(
        "cache",
        "cache_requests_total",
        "Reads through a cache: `hit`, `miss` or `error`, which counts writes that failed too.",
        "cache",
        "result",
    ),
    histogram(
        "cache",
        "cache_operation_duration_seconds",
        "Time of one operation, read or write, also when it failed.",
        "cache",
        buckets=QUERY_BUCKETS,
    ),
    # Database.
    counter(
        "database",
        "db_queries_total",
        "Statements sent: `select`, `insert`, `update`, `delete` or `other`; `ok` or `error`.",
        "database",
        "operation",
        "result",
    ),
    histogram(
        "database",
        "db_query_duration_seconds",
        "Time until the database answered one statement, also with an error; without reading the rows.",
        "database",
        "operation",
        buckets=QUERY_BUCKETS,
    ),
    counter(
        "database",
        "db_slow_queries_total",
        "Statements that took longer than LOOKOUT_SLOW_QUERY_SECONDS; each is logged without its values.",
        "database",
    ),
    counter(
        "database",
        "db_query_timeouts_total",
        "Statements that ran into a time limit: the server's, the driver's, or one set around them.",
        "database",
    ),
    counter(
        "database",
        "db_connection_failures_total",
        "Connections that could not be made, or broke while they were used.",
        "database",
    ),
    gauge("database", "db_pool_size", "Connections that the pool keeps.", "database", merge="livesum"),
    gauge("database", "db_pool_in_use", "Connections handed out now.", "database", merge="livesum"),
    gauge("database", "db_pool_overflow", "Connections open beyond the pool's size.", "database", merge="livesum"),
    gauge(
        "database",
        "db_pool_limit",
        "Connections that the pool may open at most, overflow included; +Inf without a limit.",
        "database",
        merge="livesum",
    ),
    counter("database", "db_pool_timeouts_total", "Requests that got no connection in time.", "database"),
    histogram(
        "database",
        "db_request_queries",
        "Statements in one HTTP request, of those that sent any.",
        "handler",
        buckets=COUNT_BUCKETS,
    ),
    counter(
        "database",
        "db_repeated_queries_total",
        "HTTP requests that sent one statement 10 times or more (N+1); the statement is logged once.",
        "handler",
    ),
    # Celery.
    counter("celery", "celery_tasks_total", "Tasks: `succeeded`, `failed`, `retried` or `rejected`.", "task", "state"),
    histogram("celery", "celery_task_runtime_seconds", "Time of one run.", "task", buckets=TASK_BUCKETS),
    histogram("celery", "celery_task_wait_seconds", "Time from sending to starting.", "task", buckets=TASK_BUCKETS),
    gauge("celery", "celery_worker_up", "1 while the worker runs.", merge="livemax"),
    gauge("celery", "celery_tasks_in_progress", "Tasks being worked on now.", merge="livesum"),
    gauge("celery", "celery_queue_length", "Messages that wait in a queue.", "queue"),
    *PRODUCT,
)

BY_NAME: Final = {metric.name: metric for metric in CATALOGUE}
