"""The parts of the running stack that follow a change, in the order in which they do.

Each module named here owns how one part is asked, what its answer means, and how it is made to follow: it compares what
runs with what is rendered (`drift`), and acts (`apply`). What has no reload starts again
(generator.apply.starting).
"""

from typing import Final

from generator.apply import alertmanager, blackbox, bugsink, caddy, collector, kuma, loki, prometheus
from generator.apply.running import Reconciler

RECONCILERS: Final[tuple[Reconciler, ...]] = (
    prometheus.RECONCILER,
    alertmanager.RECONCILER,
    blackbox.RECONCILER,
    collector.RECONCILER,
    caddy.RECONCILER,
    loki.RECONCILER,
    kuma.RECONCILER,
    bugsink.RECONCILER,
)
