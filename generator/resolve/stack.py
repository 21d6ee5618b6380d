"""The stack's own settings: where it is reached, how long it keeps what, how fast it looks."""

import re
from collections.abc import Sequence
from typing import Final

from generator.conventions import KUMA_PORT, LOCAL_PORT
from generator.resolve.context import Context, default
from generator.site.model import Stack, Timing
from generator.source.read import Path
from generator.spec.stack import MachineSpec, RetentionSpec, StackSpec

DAY: Final = 86400
GIB: Final = 2**30

# One fault, one message, within a minute: see docs/adr/0005-detection.md for the sum.
TIMING: Final = Timing(
    scrape_interval=10,
    scrape_timeout=5,
    evaluation_interval=5,
    slow_interval=30,
    group_wait=5,
    group_interval=30,
    repeat_interval=4 * 3600,
)


def resolve_stack(context: Context) -> Stack:
    """The Stack with every default filled in."""
    spec = context.spec.stack or StackSpec()
    retention = spec.retention or RetentionSpec()
    machine = spec.machine or MachineSpec()
    domain = spec.domain or ""
    return Stack(
        name=default(spec.name, "lookout"),
        domain=domain,
        environment=default(spec.environment, "production"),
        base_url=f"https://{domain}" if domain else f"http://localhost:{LOCAL_PORT}",
        status_url=f"https://status.{domain}" if domain else f"http://localhost:{KUMA_PORT}",
        errors=spec.errors is not None,
        traces=spec.traces is not None,
        containers=default(spec.containers, True) and _watches_this_machine(context),
        retention_traces=default(retention.traces, 7 * DAY),
        retention_metrics=default(retention.metrics, 90 * DAY),
        retention_logs=default(retention.logs, 30 * DAY),
        memory=default(machine.memory, 2 * GIB),
        disk=default(machine.disk, 40 * GIB),
        timing=TIMING,
        keep_metrics=_kept(context, spec.keep_metrics or ()),
    )


def _kept(context: Context, patterns: Sequence[str]) -> tuple[str, ...]:
    """The patterns that Prometheus can read, sorted."""
    for index, pattern in enumerate(patterns):
        try:
            re.compile(pattern)
        except re.error as error:
            where: Path = ("stack", "keep_metrics", index)
            context.problem("spec/bad-value", f"'{pattern}' is not a regular expression: {error}", where)
    return tuple(sorted(set(patterns)))


def _watches_this_machine(context: Context) -> bool:
    """Whether one of the hosts is the machine that the stack runs on: containers belong to it."""
    hosts = context.spec.hosts
    return hosts is None or any(host is None or host.address is None for host in hosts.values())
