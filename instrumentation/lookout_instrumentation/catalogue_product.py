"""The catalogue's second half: what a product does, pays for and earns. Its rules are those of `catalogue`."""

from typing import Final

from lookout_instrumentation.metric import CALL_BUCKETS, Metric, counter, gauge, histogram

PRODUCT: Final[tuple[Metric, ...]] = (
    # LLM providers.
    counter(
        "llm",
        "llm_requests_total",
        "Calls to a model: `ok`, `error`, `rate_limited` or `timeout`.",
        "provider",
        "model",
        "result",
    ),
    histogram(
        "llm",
        "llm_request_duration_seconds",
        "Time of one call, also of one that failed.",
        "provider",
        "model",
        buckets=CALL_BUCKETS,
    ),
    counter(
        "llm",
        "llm_tokens_total",
        "Tokens: `input` (sent, and not found in the provider's cache), `cached` (sent and found there), `output`.",
        "provider",
        "model",
        "type",
    ),
    counter("llm", "llm_cost_usd_total", "What the calls cost, by list price.", "provider", "model"),
    counter(
        "llm",
        "llm_unpriced_requests_total",
        "Calls that used tokens of a model whose price is not known: they cost nothing here.",
        "provider",
        "model",
    ),
    counter("llm", "llm_tenant_tokens_total", "Tokens of all types by tenant.", "tenant"),
    counter("llm", "llm_tenant_cost_usd_total", "What the calls cost, by tenant.", "tenant"),
    # External APIs.
    counter(
        "external",
        "external_requests_total",
        "Calls to another company's API: `ok`, `error`, `rate_limited` or `timeout`.",
        "api",
        "result",
    ),
    histogram(
        "external",
        "external_request_duration_seconds",
        "Time of one call, also of one that failed.",
        "api",
        buckets=CALL_BUCKETS,
    ),
    gauge("external", "external_quota_used", "Used of the quota, in the provider's unit.", "api"),
    gauge("external", "external_quota_limit", "The quota, in the provider's unit.", "api"),
    gauge(
        "external", "external_circuit_state", "Circuit breaker: 0 closed, 1 half open, 2 open.", "api", merge="livemax"
    ),
    # Messages and webhooks.
    counter("messages", "messages_total", "Messages to people: `sent` or `failed`.", "channel", "result"),
    counter(
        "webhooks",
        "webhooks_total",
        "Webhooks received: `processed`, `rejected` (the sender's fault) or `failed` (the app's).",
        "source",
        "result",
    ),
    histogram(
        "webhooks",
        "webhook_duration_seconds",
        "Time to process one webhook, whatever came of it.",
        "source",
        buckets=CALL_BUCKETS,
    ),
    # Payments.
    counter("payments", "payments_total", "Payments: `ok`, `failed` or `refunded`.", "provider", "result"),
    counter("payments", "payment_amount_usd_total", "Amounts of payments: `ok`, `failed` or `refunded`.", "result"),
    # Business.
    counter("business", "business_events_total", "Domain events, as the app names them.", "event"),
    counter("business", "business_registrations_total", "New users."),
    counter("business", "business_logins_total", "Logins: `ok` or `failed`.", "result"),
    counter("business", "business_funnel_total", "Users that reached a step.", "step"),
    counter("business", "business_churned_total", "Users that left a paid tier.", "tier"),
    gauge("business", "business_active_users", "Users seen within the window: `1d` or `30d`.", "window"),
    gauge("business", "business_users", "Users of a tier.", "tier"),
    gauge("business", "business_mrr_usd", "Monthly recurring revenue."),
    gauge(
        "business",
        "business_refresh_timestamp_seconds",
        "When the figures were last computed, of those that are the oldest; until then when the app started.",
    ),
    counter("business", "business_refresh_failures_total", "Times the figures could not be computed."),
    # Tenants, usage, web, money.
    counter("tenants", "tenant_events_total", "What a tenant's users do, as the app names it.", "tenant", "event"),
    gauge("tenants", "tenant_active_sites", "Sites of a tenant that are live.", "tenant"),
    counter(
        "usage",
        "usage_total",
        "Uses of a thing by name: searches, tools. A name that was never declared starts as `other`.",
        "what",
        "name",
    ),
    counter("web", "web_js_errors_total", "Errors that browsers reported, by class.", "kind"),
    counter("web", "oauth_logins_total", "Logins through another provider: `ok` or `failed`.", "provider", "result"),
    counter("costs", "cost_usd_total", "Money spent with a provider, calls to models included.", "provider"),
    gauge("costs", "cost_spent_usd", "Spent since the month began, by the app's own books.", "provider"),
    gauge("costs", "cost_budget_usd", "What may be spent in a month.", "provider"),
)
