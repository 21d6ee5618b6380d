"""prometheus/blackbox.yml: how the blackbox exporter asks, one module for each way of asking.

Owns what counts as an answer; which targets are asked is said by the scrape jobs.
"""

from collections.abc import Sequence
from typing import Any, Final

from generator.artifact import Artifact
from generator.render.prometheus.config import prometheus_duration
from generator.render.seal import OPEN, sealed
from generator.site.model import Probe, Site
from generator.source.emit import emit_yaml

# An IPv6 address is used where it is the only one: a machine without IPv6 would see every dual-stack target down.
_ADDRESSES: Final = {"preferred_ip_protocol": "ip4", "ip_protocol_fallback": True}


def render_blackbox(site: Site) -> tuple[Artifact, ...]:
    """The one file, with the modules that any site may need and one for each declared DNS question."""
    probes = {probe.module: probe for service in site.services for probe in service.probes}
    # The exporter gives up before Prometheus does, so that a slow target is a failed probe and not a failed scrape.
    timeout = prometheus_duration(max(site.stack.timing.scrape_timeout - 1, 1))
    modules = {"http_2xx": _http(), "tcp": _tcp(), "tls": _tls()}
    modules |= {name: _module(probe) for name, probe in sorted(probes.items())}
    content = {"modules": {name: {"timeout": timeout, **module} for name, module in sorted(modules.items())}}
    # The exporter shows its modules: one that nothing asks for is the seal.
    content["modules"][OPEN] = {"prober": "tcp"}
    return (Artifact("prometheus/blackbox.yml", sealed(emit_yaml(content))),)


def _module(probe: Probe) -> dict[str, Any]:
    if probe.kind == "dns":
        return _dns(probe)
    return _http(probe.expect) if probe.kind == "http" else {"tcp": _tcp, "tls": _tls}[probe.kind]()


def _http(expect: Sequence[int] = ()) -> dict[str, Any]:
    """Any 2xx, or one of the statuses that are expected, over a certificate that is valid. Redirects are followed
    unless one of them is what is expected."""
    codes = {"valid_status_codes": list(expect)} if expect else {}
    follow = not any(300 <= code < 400 for code in expect)
    return {"prober": "http", "http": {"follow_redirects": follow, **codes, **_ADDRESSES}}


def _tcp() -> dict[str, Any]:
    return {"prober": "tcp", "tcp": dict(_ADDRESSES)}


def _tls() -> dict[str, Any]:
    """A handshake whose certificate is valid for the host."""
    return {"prober": "tcp", "tcp": {"tls": True, **_ADDRESSES}}


def _dns(probe: Probe) -> dict[str, Any]:
    """NOERROR and at least one record of the type asked for."""
    answer = {"fail_if_none_matches_regexp": [rf"\sIN\s+{probe.dns_type}\s"]}
    question = {"query_name": probe.dns_name, "query_type": probe.dns_type, "valid_rcodes": ["NOERROR"]}
    return {"prober": "dns", "dns": {**question, "validate_answer_rrs": answer, **_ADDRESSES}}
