"""Where the flat names of parameters are now: `llm_latency_p95` is `latency_p95` of the kind `llm`.

Owns the names of the release in which `params:` was one flat mapping for all kinds of a service. They are accepted for
one release, with a warning; `make upgrade` rewrites them. The next release drops this module. A new parameter never
comes in here.
"""

from collections.abc import Iterable
from typing import Final

from generator.packs.load import Pack, Param

# The kind, what its parameters began with, and what follows.
_FLAT: Final[tuple[tuple[str, str, str], ...]] = (
    ("anomaly", "", "traffic_drop"),
    ("anomaly", "anomaly_", "margin min_requests spread"),
    ("backup", "backup_", "max_age restore_age shrunk slow_least slower"),
    (
        "business",
        "",
        "active_drop active_min_users churn_factor churn_min conversion_dip conversion_min figures_max_age "
        "funnel login_failure_ratio login_min_failures refresh_failures revenue_drop revenue_min",
    ),
    ("business", "business_", "silence silence_min_events"),
    ("cache", "cache_", "errors hit_ratio min_errors min_operations min_reads p95"),
    (
        "celery",
        "",
        "backlog backlog_for backlog_growth failure_min failure_ratio failure_ratio_critical least_runs "
        "rejected retry_factor retry_min runtime stuck_for wait",
    ),
    ("containers", "", "gone_for restarts throttle_min_periods throttled"),
    ("containers", "container_", "memory network_errors"),
    ("costs", "", "budget_critical budget_warning projection_from_day projection_over spike_factor spike_min_usd"),
    ("deploys", "", "build_size least_failures least_requests watch worse_errors worse_latency"),
    (
        "external",
        "external_",
        "breaker_half_open_for breaker_open_for failure_for failure_min failure_ratio_critical "
        "failure_ratio_warning latency_for latency_min latency_p95 projected_from quota_critical quota_for "
        "quota_warning rate_limited_for rate_limited_min rate_limited_ratio runs_out_within",
    ),
    ("flower", "", "queues"),
    (
        "host",
        "",
        "clock_skew cpu_critical cpu_for cpu_warning disk_critical disk_filling_below disk_filling_within "
        "disk_low disk_queue disk_queue_for disks facts_late inodes_low memory_used network_error_ratio "
        "network_min_packets oom_kills refused_connections retransmit_min_segments retransmitted",
    ),
    (
        "http",
        "",
        "endpoint_budget error_for error_min_failures error_ratio_critical error_ratio_warning expected_rate "
        "latency_for latency_median latency_min_requests latency_p95 latency_worse ready_for surge_factor "
        "surge_min_failures",
    ),
    ("instrumentation", "", "folded_values lines_lost reports_lost series_share spans_lost"),
    (
        "llm",
        "llm_",
        "failure_for failure_min failure_ratio_critical failure_ratio_warning latency_for latency_min "
        "latency_p95 limits_for rate_limited_min rate_limited_ratio slow_latency_p95 slow_models "
        "spend_day_budget spend_hour_budget spend_spike_factor spend_spike_min tenant_count tenant_min_tokens "
        "tenant_share timeout_min timeout_ratio token_spike_factor token_spike_min unpriced_calls",
    ),
    ("logs", "", "burst_factor burst_min new_error_min"),
    ("logs", "log_", "silence"),
    (
        "messages",
        "message_",
        "failure_for failure_min failure_ratio_critical failure_ratio_warning silent_for silent_min",
    ),
    ("payments", "", "failures ratio_min_failures refunds_factor refunds_min silence_min_payments"),
    ("payments", "payment_", "failure_ratio silence"),
    (
        "postgres",
        "",
        "active_sessions buffer_hit_ratio connections_critical connections_warning deadlocks hit_min_blocks "
        "locks_waiting rollback_min rollback_ratio transaction_idle transaction_longest wraparound_age",
    ),
    ("probe", "", "certificate_critical certificate_warning"),
    ("probe", "probe_", "slow slow_for"),
    ("process", "", "cpu descriptors memory memory_growth memory_growth_min"),
    ("process", "process_", "cpu_for restarts"),
    ("rabbitmq", "rabbitmq_", "backlog dropped files given_up memory waiting"),
    ("redis", "", "evictions hit_min_reads hit_ratio latency"),
    ("redis", "redis_", "memory_used"),
    ("slo", "slo_", "budget_low min_bad"),
    (
        "sqlalchemy",
        "",
        "connection_failures pool_timeouts pool_used query_errors query_errors_min query_min query_p95 "
        "query_timeouts repeated_min repeated_share slow_min slow_share",
    ),
    (
        "stack",
        "",
        "aftermath discarded_lines logs_disk loki_error_ratio loki_min_requests notify_failures queue_full "
        "storage_near",
    ),
    ("target", "", "missing_for"),
    ("tenants", "", "sites_drop sites_min surge_min_events"),
    ("tenants", "tenant_", "silence silence_min_events surge_factor"),
    ("usage", "", "left_out other_min_uses other_share usual_min_uses usual_share"),
    ("web", "", "js_errors js_factor oauth_min_logins oauth_success_critical oauth_success_warning"),
    (
        "webhooks",
        "webhook_",
        "failure_for failure_min failure_ratio_critical failure_ratio_warning latency_for latency_min "
        "latency_p95 rejected_min rejected_ratio silent_for silent_min",
    ),
)
# The one that has another name now.
_OTHERWISE: Final = {"containers": ("containers", "watched")}

# Every flat name, and the kind and the parameter that it meant. Each meant one.
PLACES: Final[dict[str, tuple[str, str]]] = {
    **{f"{prefix}{name}": (kind, name) for kind, prefix, names in _FLAT for name in names.split()},
    **_OTHERWISE,
}

_NAMES: Final = {place: flat for flat, place in PLACES.items()}


def flat_name(param: Param) -> str:
    """What a parameter was called in a flat `params:`; empty for one that never was in it.

    Packs that users wrote are not in the table: their parameters kept their names.
    """
    own = "" if param.name in PLACES else param.name
    return _NAMES.get((param.kind, param.name), own)


def params_of(flat: str, packs: Iterable[Pack]) -> tuple[Param, ...]:
    """The parameters that a flat name means for a service with these packs: of each of them that had it."""
    params = (param for pack in packs for param in pack.params.values())
    return tuple(param for param in params if flat_name(param) == flat)
