"""Sharing out the machine: memory limits, disk budgets, and the refusal of a plan that cannot fit.

A memory limit is a setting of its container, and another one starts the container again. So limits are taken from a
fixed table: a part's share of the machine, rounded down, independent of what is monitored. Only when exporters need
more than is left do parts give way, one step of one part after the other, in an order that does not depend on who asks.
"""

from collections.abc import Mapping
from typing import Final

from generator import units
from generator.parts.table import MIB, running
from generator.resolve.context import Context
from generator.site.model import Budget, Exporter, Service, Stack

GIB: Final = 2**30

# The sizes that a limit may have, beside a part's own floor: four to each doubling, in MiB.
_STEPS: Final = (
    32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 896, 1024, 1280, 1536, 1792,
    2048, 2560, 3072, 3584, 4096, 5120, 6144, 7168, 8192, 10240, 12288, 14336, 16384, 20480, 24576, 28672, 32768, 40960,
    49152, 57344, 65536,
)  # fmt: skip

# What a scraped target brings, in series, and what a sample costs on disk: estimates, on the low side, so that
# only a plan that certainly cannot fit is refused.
_SERIES: Final = {"app": 300, "exporter": 200, "host": 700, "stack": 3000, "probe": 30}
_BYTES_PER_SAMPLE: Final = 1.3
_METRICS_SHARE: Final = 0.40
_LOGS_SHARE: Final = 0.35
_QUEUE_SHARE: Final = 0.05
_ERRORS_SHARE: Final = 0.05
_LEAST_DISK: Final = 5 * GIB


def resolve_budget(context: Context, stack: Stack, services: tuple[Service, ...]) -> Budget:
    """The Budget of `stack`; reports spec/memory-budget and spec/disk-budget."""
    exporters = [pack.exporter for service in services for pack in service.packs if pack.exporter]
    memory = _share_memory(context, stack, exporters)
    metrics_disk = int(stack.disk * _METRICS_SHARE)
    _check_disk(context, stack, services, metrics_disk)
    return Budget(
        memory=memory,
        metrics_disk=metrics_disk,
        logs_disk=logs_disk(stack),
        queue_disk=min(int(stack.disk * _QUEUE_SHARE), 2 * GIB),
        errors_disk=int(stack.disk * _ERRORS_SHARE) if stack.errors else 0,
    )


def logs_disk(stack: Stack) -> int:
    """Bytes of disk set aside for logs."""
    return int(stack.disk * _LOGS_SHARE)


def _share_memory(context: Context, stack: Stack, exporters: list[Exporter]) -> dict[str, int]:
    shares = {exporter.name: exporter.memory for exporter in exporters}
    parts = running(stack.words)
    floors = {part.name: (part.memory, part.share) for part in parts}
    least = sum(floor for floor, _ in floors.values()) + sum(shares.values())
    if stack.memory < least:
        and_exporters = f" and its exporters ({len(exporters)})" if exporters else ""
        context.problem(
            "spec/memory-budget",
            f"{units.format_bytes(stack.memory)} is too little memory: "
            f"the stack{and_exporters} needs {units.format_bytes(least)}",
            ("stack", "machine", "memory"),
        )
    limits = _share_out(floors, stack.memory, stack.memory - sum(shares.values()))
    limits |= {part.name: max(limits[part.name], part.limit) for part in parts}
    return dict(sorted({**shares, **limits}.items()))


def _share_out(floors: Mapping[str, tuple[int, float]], memory: int, room: int) -> dict[str, int]:
    """The size of each part in `memory`, of which only `room` is left for all of them together.

    What each would have alone is rounded down to a step. While the sum is more than the room, that part goes down a
    step which is then still nearest to what it would have: one part a time, so that little more starts few of them.
    """
    spare = max(memory - sum(floor for floor, _ in floors.values()), 0)
    wanted = {part: floor + spare * share for part, (floor, share) in floors.items()}
    sizes = {part: _step(int(wanted[part]), floors[part][0]) for part in floors}
    while sum(sizes.values()) > room:
        lower = {part: _step(size - 1, floors[part][0]) for part, size in sizes.items() if size > floors[part][0]}
        if not lower:
            break
        part = max(sorted(lower), key=lambda name: lower[name] / wanted[name])
        sizes[part] = lower[part]
    return sizes


def _step(size: int, floor: int) -> int:
    """The largest step that is not above the size, and never less than the floor."""
    return max((step * MIB for step in _STEPS if floor < step * MIB <= size), default=floor)


def _check_disk(context: Context, stack: Stack, services: tuple[Service, ...], metrics_disk: int) -> None:
    path = ("stack", "machine", "disk")
    if stack.disk < _LEAST_DISK:
        needed, given = units.format_bytes(_LEAST_DISK), units.format_bytes(stack.disk)
        context.problem("spec/disk-budget", f"{given} is too little disk: the stack needs at least {needed}", path)
        return
    samples = sum(_series_of(service, job.probe_module) * len(job.targets) / job.interval
                  for service in services for job in service.jobs)  # fmt: skip
    wanted = int(samples * stack.retention_metrics * _BYTES_PER_SAMPLE)
    if wanted > metrics_disk:
        context.problem(
            "spec/disk-budget",
            f"{units.format_duration(stack.retention_metrics)} of metrics need about {wanted / GIB:.0f}GiB, but "
            f"{metrics_disk / GIB:.0f}GiB of the disk are for metrics",
            path,
            notes=["give stack.machine.disk more, keep metrics for a shorter time, or watch fewer targets"],
        )


def _series_of(service: Service, probe_module: str) -> int:
    if probe_module:
        return _SERIES["probe"]
    if "host" in service.kinds or "stack" in service.kinds:
        return _SERIES["host"] if "host" in service.kinds else _SERIES["stack"] // 9
    return _SERIES["exporter" if any(pack.exporter for pack in service.packs) else "app"]
