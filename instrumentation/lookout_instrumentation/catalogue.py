"""Every metric that the library can export, once: the contract that packs, dashboards and docs are written on.

Owns names, types, labels and help. A name that is not here cannot be made (`metrics.Metrics` looks it up), so that what
an app exports and what the reference says are the same list. `part` is what has to be used for the metric to exist.
"""

from dataclasses import dataclass
from typing import Final, Literal

Type = Literal["counter", "gauge", "histogram", "info"]
# How gauges of several processes become one: the sum of those alive, or the value that was set last.
Merge = Literal["livesum", "livemostrecent", "livemax", ""]

QUERY_BUCKETS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
CALL_BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0)
TASK_BUCKETS: Final = (0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0)
COUNT_BUCKETS: Final = (0, 1, 2, 5, 10, 20, 50, 100)


@dataclass(frozen=True)
class Metric:
    """One metric. `buckets` are upper edges in the metric's unit; empty for a histogram whose edges the app sets."""

    name: str
    type: Type
    help: str
    labels: tuple[str, ...]
    part: str
    buckets: tuple[float, ...] = ()
    merge: Merge = ""


def _counter(part: str, name: str, help: str, *labels: str) -> Metric:
    return Metric(name, "counter", help, labels, part)


def _gauge(part: str, name: str, help: str, *labels: str, merge: Merge = "livemostrecent") -> Metric:
    return Metric(name, "gauge", help, labels, part, merge=merge)


def _histogram(part: str, name: str, help: str, *labels: str, buckets: tuple[float, ...] = ()) -> Metric:
    return Metric(name, "histogram", help, labels, part, buckets)


CATALOGUE: Final[tuple[Metric, ...]] = (
    # Every app.
    Metric(
        "app_build_info", "gauge", "The running release, always 1.", ("version", "environment"), "app", merge="livemax"
    ),
    _gauge("app", "app_build_size_bytes", "Size of what was deployed."),
    _gauge("app", "app_dependency_up", "1 when the last readiness check passed.", "dependency"),
    _gauge(
        "app", "app_dependency_latency_seconds", "How long the last readiness check took, passed or not.", "dependency"
    ),
    _gauge("app", "instrumentation_series", "Series that this process exports.", merge="livesum"),
    _gauge("app", "instrumentation_series_budget", "Series that this process may export.", merge="livesum"),
    _counter("app", "instrumentation_folded_total", "Label values counted as `other`: over their budget.", "label"),
    # Logs and errors.
    _counter("logs", "log_lines_total", "Log lines written.", "level"),
    _counter("logs", "log_errors_total", "Log lines of level error and above.", "error_type"),
    _counter("logs", "log_lines_dropped_total", "Log lines lost.", "reason"),
    _counter("errors", "errors_reported_total", "Exceptions on their way to the error tracker.", "result"),
    # HTTP.
    _counter("http", "http_requests_total", "HTTP requests answered.", "method", "handler", "status"),
    _histogram("http", "http_request_duration_seconds", "Time to answer.", "method", "handler"),
    _gauge("http", "http_requests_in_progress", "HTTP requests being answered now.", merge="livesum"),
    # Cache.
    _counter("cache", "cache_requests_total", "Reads through a cache.", "cache", "result"),
    _histogram(
        "cache", "cache_operation_duration_seconds", "Time of one cache operation.", "cache", buckets=QUERY_BUCKETS
    ),
    # Database.
    _counter("database", "db_queries_total", "Statements sent.", "database", "operation", "result"),
    _histogram(
        "database",
        "db_query_duration_seconds",
        "Time of one statement.",
        "database",
        "operation",
        buckets=QUERY_BUCKETS,
    ),
    _counter("database", "db_slow_queries_total", "Statements that took longer than a query may.", "database"),
    _counter("database", "db_query_timeouts_total", "Statements that ran into their time limit.", "database"),
    _counter("database", "db_connection_failures_total", "Connections that could not be made or broke.", "database"),
    _gauge("database", "db_pool_size", "Connections that the pool keeps.", "database", merge="livesum"),
    _gauge("database", "db_pool_in_use", "Connections handed out now.", "database", merge="livesum"),
    _gauge(
        "database", "db_pool_overflow", "Connections beyond the pool's size, open now.", "database", merge="livesum"
    ),
    _gauge(
        "database",
        "db_pool_limit",
        "Connections that the pool may open at most, overflow included.",
        "database",
        merge="livesum",
    ),
    _counter("database", "db_pool_timeouts_total", "Requests for a connection that waited in vain.", "database"),
    _histogram("database", "db_request_queries", "Statements in one request.", "handler", buckets=COUNT_BUCKETS),
    _counter(
        "database", "db_repeated_queries_total", "Requests that sent one statement again and again (N+1).", "handler"
    ),
    # Celery.
    _counter("celery", "celery_tasks_total", "Tasks that ended.", "task", "state"),
    _histogram("celery", "celery_task_runtime_seconds", "Time of one run.", "task", buckets=TASK_BUCKETS),
    _histogram("celery", "celery_task_wait_seconds", "Time from sending to starting.", "task", buckets=TASK_BUCKETS),
    _gauge("celery", "celery_worker_up", "1 while the worker runs.", merge="livemax"),
    _gauge("celery", "celery_tasks_in_progress", "Tasks being worked on now.", merge="livesum"),
    _gauge("celery", "celery_queue_length", "Messages that wait in a queue.", "queue"),
    # LLM providers.
    _counter("llm", "llm_requests_total", "Calls to a model.", "provider", "model", "result"),
    _histogram("llm", "llm_request_duration_seconds", "Time of one call.", "provider", "model", buckets=CALL_BUCKETS),
    _counter("llm", "llm_tokens_total", "Tokens.", "provider", "model", "type"),
    _counter("llm", "llm_cost_usd_total", "What the calls cost, by list price.", "provider", "model"),
    _counter("llm", "llm_unpriced_requests_total", "Calls whose model has no known price.", "provider", "model"),
    _counter("llm", "llm_tenant_tokens_total", "Tokens by tenant.", "tenant"),
    _counter("llm", "llm_tenant_cost_usd_total", "What the calls cost, by tenant.", "tenant"),
    # External APIs.
    _counter("external", "external_requests_total", "Calls to another API.", "api", "result"),
    _histogram("external", "external_request_duration_seconds", "Time of one call.", "api", buckets=CALL_BUCKETS),
    _counter("external", "external_rate_limited_total", "Calls refused because there were too many.", "api"),
    _gauge("external", "external_quota_used", "Used of the quota, in the provider's unit.", "api"),
    _gauge("external", "external_quota_limit", "The quota, in the provider's unit.", "api"),
    _gauge(
        "external", "external_circuit_state", "Circuit breaker: 0 closed, 1 half open, 2 open.", "api", merge="livemax"
    ),
    # Messages and webhooks.
    _counter("messages", "messages_total", "Messages to people.", "channel", "result"),
    _counter("webhooks", "webhooks_total", "Webhooks received.", "source", "result"),
    _histogram("webhooks", "webhook_duration_seconds", "Time to process one webhook.", "source", buckets=CALL_BUCKETS),
    # Payments.
    _counter("payments", "payments_total", "Payments.", "provider", "result"),
    _counter("payments", "payment_amount_usd_total", "Amounts of payments.", "result"),
    # Business.
    _counter("business", "business_events_total", "Domain events.", "event"),
    _counter("business", "business_registrations_total", "New users."),
    _counter("business", "business_logins_total", "Logins.", "result"),
    _counter("business", "business_funnel_total", "Users that reached a step.", "step"),
    _counter("business", "business_churned_total", "Users that left a tier for nothing.", "tier"),
    _gauge("business", "business_active_users", "Users seen within the window.", "window"),
    _gauge("business", "business_users", "Users.", "tier"),
    _gauge("business", "business_mrr_usd", "Monthly recurring revenue."),
    _gauge("business", "business_refresh_timestamp_seconds", "When the figures were last computed."),
    _counter("business", "business_refresh_failures_total", "Times the figures could not be computed."),
    # Tenants, web, money.
    _counter("tenants", "tenant_events_total", "What a tenant's users do.", "tenant", "event"),
    _gauge("tenants", "tenant_active_sites", "Sites of a tenant that are live.", "tenant"),
    _counter("usage", "usage_total", "Uses of a thing by name: searches, tools.", "what", "name"),
    _counter("web", "web_js_errors_total", "Errors that browsers reported.", "kind"),
    _counter("web", "oauth_logins_total", "Logins through another provider.", "provider", "result"),
    _gauge("costs", "cost_spent_usd", "Spent this month.", "provider"),
    _gauge("costs", "cost_budget_usd", "Budget of this month.", "provider"),
)

BY_NAME: Final = {metric.name: metric for metric in CATALOGUE}
