"""Which ways of failing each service has, and which of its alerts covers each: the coverage matrix.

Owns the matrix as data; resolve complains of its holes and render prints it. A way of failing applies to a service
because of its kinds (`fails_by` in pack.yaml) or of what it declares (an https address, `uses`, logs).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from generator.conventions import OWN_PACK, FailureMode
from generator.packs import load_packs
from generator.site.model import Alert, Service

MODES: Final[Mapping[FailureMode, str]] = {
    "down": "it is gone",
    "slow": "it takes too long",
    "errors": "it fails",
    "saturated": "it has no room for more work",
    "full": "it runs out of something that it uses up",
    "certificate": "its certificate runs out",
    "backup": "its data cannot be brought back",
    "dependency": "what it needs is gone",
    "silent": "it says and does nothing",
    "spend": "it costs too much",
    "business": "the product is used or paid less",
    "change": "it is worse than it was",
}
# What brings an alert for it, when the service's kinds bring none.
REMEDIES: Final[Mapping[FailureMode, str]] = {
    "down": "targets, an address or a url bring one",
    "certificate": "a url with https brings one",
    "backup": "kind backup beside its own brings one: kind: [postgres, backup]",
    "dependency": "the kind of what it uses brings one, or a readiness endpoint",
    "silent": "logs, or metrics of its own, bring one",
}
# Another service's alert covers these too.
_OF_OTHERS: Final[tuple[FailureMode, ...]] = ("dependency", "backup")


@dataclass(frozen=True, slots=True)
class Cell:
    """One way in which a service can fail, and the alerts for it: its own, or those of what it uses."""

    service: str
    mode: FailureMode
    alerts: tuple[Alert, ...]


def coverage_of(service: Service, services: Mapping[str, Service]) -> tuple[Cell, ...]:
    """A cell for each way in which `service` can fail, in the order of MODES. `services` are all, by name."""
    used = [services[name] for name in sorted({*service.uses}) if name in services]
    modes = _modes(service)
    return tuple(Cell(service.name, mode, _alerts(service, mode, used)) for mode in MODES if mode in modes)


def _modes(service: Service) -> set[FailureMode]:
    packs = load_packs()
    modes: set[FailureMode] = set()
    for instance in service.packs:
        if instance.pack != OWN_PACK:
            pack = packs[instance.pack]
            modes |= set(pack.spec.fails_by or packs[pack.source].spec.fails_by)
    if not any(probe.kind == "tls" or probe.target.startswith("https://") for probe in service.probes):
        modes.discard("certificate")
    if service.uses:
        modes.add("dependency")
    if service.logs.mode in ("file", "push"):
        modes.add("silent")
    return modes


def _alerts(service: Service, mode: FailureMode, used: Iterable[Service]) -> tuple[Alert, ...]:
    own = tuple(alert for alert in service.alerts if mode in alert.detects)
    if own or mode not in _OF_OTHERS:
        return own
    wanted: FailureMode = "down" if mode == "dependency" else mode
    return tuple(alert for each in used for alert in each.alerts if wanted in alert.detects)
