"""prometheus/prometheus.yml: what Prometheus collects, evaluates and keeps.

Owns neither rules nor blackbox modules. Scrape jobs stand in the one file, and values are spelt as Prometheus prints
them, because what it says it has loaded is compared with what was rendered: of jobs in files of their own it says
nothing. The file carries the seal of itself and of all rule files.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from generator.artifact import Artifact
from generator.conventions import (
    ALERTMANAGER_PATH,
    SECRETS_MOUNT,
    STACK_SERVICE,
    core_name,
)
from generator.parts.table import PORTS
from generator.render.collector.containers import PROMOTED
from generator.render.prometheus.keep import keep_rule, metrics_read
from generator.render.prometheus.rules import render_rules
from generator.render.seal import OPEN, sealed
from generator.site.model import ScrapeJob, Site
from generator.source.emit import emit_yaml
from generator.values.secret import SecretRef

_PROBER: Final = f"{core_name('blackbox-exporter')}:{PORTS['blackbox-exporter']}"
_LOCAL_EXPORTER: Final = f"node-exporter:{PORTS['node-exporter']}"
_UNITS: Final = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def render_with_rules(site: Site) -> tuple[Artifact, ...]:
    """prometheus.yml and the rule files that it loads."""
    rules = render_rules(site)
    return (*render_prometheus(site, rules), *rules)


def render_prometheus(site: Site, rules: Iterable[Artifact] = ()) -> tuple[Artifact, ...]:
    """The one file, sealed with the `rules` that it loads; its jobs lead back to the services they scrape."""
    origins = {job.name: service.origin for service in site.services for job in service.jobs}
    return (Artifact("prometheus/prometheus.yml", sealed(emit_yaml(_main(site)), rules), origins),)


def prometheus_duration(seconds: int) -> str:
    """A duration as Prometheus prints it: years and weeks only when nothing remains, so 90d but 4w."""
    for unit, size in (("y", 31_536_000), ("w", 604_800)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    parts = []
    for unit, size in _UNITS:
        amount, seconds = divmod(seconds, size)
        if amount:
            parts.append(f"{amount}{unit}")
    return "".join(parts) or "0s"


def prometheus_size(size: int) -> str:
    """A size in whole MiB as Prometheus prints it: 20GiB, or 1GiB512MiB."""
    mebibytes = max(size // 2**20, 1)
    parts = []
    for unit, amount in (("TiB", 2**20), ("GiB", 2**10), ("MiB", 1)):
        count, mebibytes = divmod(mebibytes, amount)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)


def _main(site: Site) -> dict[str, Any]:
    timing = site.stack.timing
    jobs = [job for service in site.services for job in service.jobs]
    read = metrics_read(site)
    alertmanager = {
        "path_prefix": ALERTMANAGER_PATH,
        "timeout": "5s",
        "static_configs": [{"targets": [f"{core_name('alertmanager')}:{PORTS['alertmanager']}"]}],
    }
    retention = {
        "time": prometheus_duration(site.stack.retention_metrics),
        "size": prometheus_size(site.budget.metrics_disk),
    }
    pushed = {"otlp": {"promote_resource_attributes": list(PROMOTED)}} if site.stack.containers else {}
    return {
        # No external_labels: they would stand on every alert that leaves, and in no proof of one.
        "global": {
            "scrape_interval": prometheus_duration(timing.scrape_interval),
            "scrape_timeout": prometheus_duration(timing.scrape_timeout),
            "evaluation_interval": prometheus_duration(timing.evaluation_interval),
        },
        "alerting": {"alertmanagers": [alertmanager]},
        "rule_files": _rule_files(site),
        # Here and not in flags, so that a change needs a reload and no restart.
        "storage": {"tsdb": {"retention": retention}},
        **pushed,
        "scrape_configs": [
            _scrape_config(job, keep_rule(site, job, read)) for job in sorted(jobs, key=lambda job: job.name)
        ],
    }


def _rule_files(site: Site) -> list[str]:
    """One pattern a service, since Prometheus takes a star in the last part of a path alone; the user's own; and the
    seal, as a pattern that no file matches. Prometheus shows its patterns and drops comments; an external label would
    travel with every alert."""
    ruled = [service.name for service in site.services if any(pack.alerts or pack.records for pack in service.packs)]
    return [*(f"rules/{name}/*.yml" for name in ruled), "custom/*.yml", f"rules/*.{OPEN}"]


def _scrape_config(job: ScrapeJob, keep: Mapping[str, Any] | None) -> dict[str, Any]:
    config: dict[str, Any] = {
        "job_name": job.name,
        "scrape_interval": prometheus_duration(job.interval),
        "scrape_timeout": prometheus_duration(job.timeout),
        # What answers without a proper Content-Type is read as the text format instead of being refused.
        "fallback_scrape_protocol": "PrometheusText0.0.4",
    }
    if job.sample_limit:
        config["sample_limit"] = job.sample_limit
    config |= _probing(job) if job.probe_module else {"metrics_path": job.path, "scheme": job.scheme}
    if job.query:
        config["params"] = {name: list(values) for name, values in job.query}
    config |= _credentials(job) | _tls(job)
    config["static_configs"] = [
        {"targets": [_address(job, address)], "labels": _labels(job, instance)}
        for address, instance in sorted(job.targets)
    ]
    if job.relabel or keep:
        # Last, so that it sees the names that are stored.
        config["metric_relabel_configs"] = [dict(rule) for rule in (*job.relabel, *([keep] if keep else []))]
    return config


def _address(job: ScrapeJob, address: str) -> str:
    """Where a target is asked: a part of the stack by its name on `core`, even if another container has its plain
    one."""
    part, _, port = address.rpartition(":")
    return f"{core_name(part)}:{port}" if job.service == STACK_SERVICE or address == _LOCAL_EXPORTER else address


def _probing(job: ScrapeJob) -> dict[str, Any]:
    """The target becomes a parameter of the request, which goes to the blackbox exporter."""
    return {
        "metrics_path": "/probe",
        "scheme": "http",
        "params": {"module": [job.probe_module]},
        "relabel_configs": [
            {"source_labels": ["__address__"], "target_label": "__param_target"},
            {"target_label": "__address__", "replacement": _PROBER},
        ],
    }


def _credentials(job: ScrapeJob) -> dict[str, Any]:
    if job.token:
        return {"authorization": {"type": "Bearer", "credentials_file": secret_path(job.token)}}
    if job.basic_password:
        user = {"username": job.basic_user} if job.basic_user else {}
        return {"basic_auth": {**user, "password_file": secret_path(job.basic_password)}}
    return {}


def _tls(job: ScrapeJob) -> dict[str, Any]:
    """How the target's certificate is checked, where that is not by the public authorities and its host's name."""
    tls = job.tls
    if not tls:
        return {}
    config: dict[str, Any] = {"ca_file": secret_path(tls.ca)} if tls.ca else {}
    config |= {"server_name": tls.server_name} if tls.server_name else {}
    config |= {} if tls.verify else {"insecure_skip_verify": True}
    return {"tls_config": config} if config else {}


def secret_path(secret: SecretRef) -> str:
    """Where a container finds a secret."""
    return f"{SECRETS_MOUNT}/{secret.name}"


def _labels(job: ScrapeJob, instance: str) -> Mapping[str, str]:
    """What every series of the target carries beside `job`, which is the job's name."""
    return {"service": job.service, "instance": instance, "environment": job.environment, **(job.labels or {})}
