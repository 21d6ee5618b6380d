"""Prometheus: one file of its own and all rule files, loaded again at a signal."""

from collections.abc import Mapping
from typing import Final

from generator.apply.readback import Loaded, canonical, flat, holds, last_load, same_seal
from generator.apply.reloading import Reloadable, reconciler, signal
from generator.apply.running import Running
from generator.artifact import Artifact
from generator.clients import prometheus
from generator.conventions import PROMETHEUS_PATH
from generator.source.plain import load_plain


def compare_prometheus(artifacts: Mapping[str, Artifact], config: Loaded) -> list[str]:
    """Differences of prometheus.yml and of all rule files. `config` is the parsed answer of /api/v1/status/config."""
    rendered = load_plain(artifacts["prometheus/prometheus.yml"].content)
    if same_seal(config.get("rule_files"), rendered["rule_files"]):
        return []
    found = [
        f"{key}.{name} is {loaded!r}, not {wanted!r}"
        for key in ("global", "otlp", "storage")
        for name, wanted in flat(rendered.get(key, {}))
        if canonical(loaded := dict(flat(config.get(key, {}))).get(name)) != canonical(wanted)
    ]
    return found + compare_jobs(rendered, config) or ["its rules are not the rendered ones"]


def compare_jobs(rendered: Loaded, loaded: Loaded) -> list[str]:
    """The scrape jobs that differ between two configurations, the second as Prometheus prints it."""
    there = {job["job_name"]: job for job in loaded.get("scrape_configs") or ()}
    wanted = {job["job_name"]: job for job in rendered.get("scrape_configs") or ()}
    found = [f"job {name} is not the rendered one" for name in sorted(wanted)
             if not holds(there.get(name), wanted[name])]  # fmt: skip
    return found + [f"job {name} should be gone" for name in sorted(set(there) - set(wanted))]


def _prometheus_differs(running: Running) -> list[str]:
    return compare_prometheus(running.artifacts, load_plain(prometheus.loaded_config(_url(running))))


def _url(running: Running) -> str:
    return f"{running.local_url}{PROMETHEUS_PATH}"


PROMETHEUS: Final = Reloadable(
    "prometheus",
    _prometheus_differs,
    lambda running: last_load(prometheus.own_metrics(_url(running)), "prometheus"),
    signal("prometheus"),
    ("prometheus/prometheus.yml", "prometheus/rules", "prometheus/custom"),
)
RECONCILER: Final = reconciler("prometheus", PROMETHEUS)
