"""What a host is to the site: a pure function of it."""

from typing import Final

from generator.parts.table import PORTS
from generator.site.model import Service

_LOCAL_EXPORTER: Final = f"node-exporter:{PORTS['node-exporter']}"


def is_local(service: Service) -> bool:
    """Whether it is the machine that Lookout runs on. While rules are evaluated only its exporter can be down."""
    return service.targets == (_LOCAL_EXPORTER,)
