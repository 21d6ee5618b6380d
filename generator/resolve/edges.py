"""Complaints about limits that the buckets an app usually prints do not reach: a warning before anything runs.

The buckets of a running app are MetricsMissing's business.
"""

from generator import units
from generator.packs import Pack
from generator.resolve.context import Context
from generator.site.model import Service
from generator.source.read import Path

# The pack whose histogram has the ends that its service's limits ask for.
_OWN_EDGES = "instrumentation"


def check_edges(context: Context, service: Service, packs: list[Pack], path: Path) -> None:
    """Reports spec/bucket-edge for each limit beyond the buckets of the fixtures of its kinds."""
    known = {name: edges for pack in packs for name, edges in pack.edges.items() if edges}
    for need in service.needs if _OWN_EDGES not in service.kinds else ():
        edges = known.get(need.metric.removesuffix("_bucket"), ())
        if not edges or not need.side:
            continue
        last = edges[-1] if need.side == "above" else edges[0]
        if (need.side == "above" and need.limit >= last) or (need.side == "below" and need.limit < last):
            shown, end = (units.format_value("duration", value) for value in (need.limit, last))
            which = "the last ends" if need.side == "above" else "the first ends"
            context.problem(
                "spec/bucket-edge",
                f"a limit of '{service.name}' is {shown}, and of the usual buckets {which} at {end}",
                path,
                at_key=True,
                level="warning",
                notes=[f"alerts that need more: {', '.join(need.alerts)}", _advice(need.side, need.limit)],
            )


def _advice(side: str, limit: float) -> str:
    ends = [limit, 2 * limit] if side == "above" else [limit]
    return f"add to the app's buckets: {', '.join(units.format_number(end) for end in ends)}; else MetricsMissing fires"
