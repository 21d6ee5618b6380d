"""What a part says it has loaded, against what was rendered. Pure: text and data in, sentences out.

The seal decides (generator.render.seal): it covers all that was rendered for a part. Where it differs, the rest of the
answer says in what.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from generator import units
from generator.artifact import Artifact
from generator.conventions import CONFIG_HASH, SECRETS_HASH
from generator.render.caddy.config import CADDYFILE
from generator.render.collector.config import COLLECTOR_FILE
from generator.render.loki import LIMITS_FILE
from generator.render.seal import seal_in

Loaded = Mapping[str, Any]
_OTHER: Final = "its configuration is not the rendered one"


@dataclass(frozen=True, slots=True)
class LastLoad:
    """When a part last loaded its configuration (seconds since 1970), and whether it refused one since."""

    at: float
    refused: bool


def last_load(metrics: str, prefix: str) -> LastLoad | None:
    """What a part's own metrics say of its last load; None when they say nothing."""
    name = f"{prefix}_config_last_reload_success"
    at = re.search(rf"^{name}_timestamp_seconds (\S+)", metrics, re.MULTILINE)
    successful = re.search(rf"^{name}ful (\S+)", metrics, re.MULTILINE)
    return LastLoad(float(at[1]), float(successful[1]) == 0) if at and successful else None


def compare_prometheus(artifacts: Mapping[str, Artifact], config: Loaded) -> list[str]:
    """Differences of prometheus.yml and of all rule files. `config` is the parsed answer of /api/v1/status/config."""
    rendered = yaml.safe_load(artifacts["prometheus/prometheus.yml"].content)
    if _same_seal(config.get("rule_files"), rendered["rule_files"]):
        return []
    found = [
        f"{key}.{name} is {loaded!r}, not {wanted!r}"
        for key in ("global", "otlp", "storage")
        for name, wanted in _flat(rendered.get(key, {}))
        if _canonical(loaded := dict(_flat(config.get(key, {}))).get(name)) != _canonical(wanted)
    ]
    return found + compare_jobs(rendered, config) or ["its rules are not the rendered ones"]


def compare_jobs(rendered: Loaded, loaded: Loaded) -> list[str]:
    """The scrape jobs that differ between two configurations, the second as Prometheus prints it."""
    there = {job["job_name"]: job for job in loaded.get("scrape_configs") or ()}
    wanted = {job["job_name"]: job for job in rendered.get("scrape_configs") or ()}
    found = [f"job {name} is not the rendered one" for name in sorted(wanted)
             if not _holds(there.get(name), wanted[name])]  # fmt: skip
    return found + [f"job {name} should be gone" for name in sorted(set(there) - set(wanted))]


def compare_alertmanager(artifacts: Mapping[str, Artifact], loaded: str) -> list[str]:
    """Differences of the configuration and the templates. Alertmanager prints its configuration in its own words, with
    secrets blanked; none are in ours."""
    wanted = yaml.safe_load(artifacts["alertmanager/alertmanager.yml"].content)
    config = yaml.safe_load(loaded) or {}
    if _same_seal(config.get("templates"), wanted["templates"]):
        return []
    found = [f"'{key}' is not the rendered one" for key in sorted(set(wanted) - {"templates"})
             if not _holds(config.get(key), wanted[key])]  # fmt: skip
    return found or [_OTHER]


def compare_blackbox(artifacts: Mapping[str, Artifact], loaded: Loaded) -> list[str]:
    """Differences of the modules, one of which is the seal."""
    wanted = yaml.safe_load(artifacts["prometheus/blackbox.yml"].content)["modules"]
    modules = loaded.get("modules") or {}
    if _same_seal(modules, wanted):
        return []
    rest = {name for name in modules if not seal_in(name)} - set(wanted)
    found = [f"module {name} is not the rendered one" for name in sorted(wanted)
             if not seal_in(name) and not _holds(modules.get(name), wanted[name])]  # fmt: skip
    return [*found, *(f"module {name} should be gone" for name in sorted(rest))] or [_OTHER]


def compare_caddy(artifacts: Mapping[str, Artifact], seal: str) -> list[str]:
    """Whether Caddy serves the seal of the rendered Caddyfile."""
    return [] if seal.strip() == seal_in(artifacts[CADDYFILE].content) else [_OTHER]


def compare_collector(artifacts: Mapping[str, Artifact], metrics: str, secrets: str) -> list[str]:
    """The collector's own metrics carry the seal of its configuration, and `secrets`, that of its tokens."""
    resource = yaml.safe_load(artifacts[COLLECTOR_FILE].content)["service"]["telemetry"]["resource"]
    found = re.search(r"^target_info\{(.*)\}", metrics, re.MULTILINE)
    labels = dict(re.findall(r'(\w+)="([^"]*)"', found[1] if found else ""))
    if labels.get(CONFIG_HASH.replace(".", "_")) != resource[CONFIG_HASH]:
        return [_OTHER]
    if SECRETS_HASH in resource and labels.get(SECRETS_HASH.replace(".", "_")) != secrets:
        return ["a token that it knows is not the one in secrets/"]
    return []


def compare_loki(artifacts: Mapping[str, Artifact], metrics: str) -> list[str]:
    """Whether Loki has read the rendered limits: its metrics carry a hash of them, as it prints them itself."""
    limits = yaml.safe_dump(yaml.safe_load(artifacts[LIMITS_FILE].content), indent=4, allow_unicode=True)
    read = re.findall(r'^loki_runtime_config_hash\{[^}]*sha256="([0-9a-f]+)"\} 1', metrics, re.MULTILINE)
    return [] if read == [hashlib.sha256(limits.encode()).hexdigest()] else ["its limits are not the rendered ones"]


def _same_seal(loaded: Any, rendered: Any) -> bool:
    """Whether two lists or mappings of names hold the same seal, and only this one."""
    seals = [{seal for name in names or () if (seal := seal_in(str(name)))} for names in (loaded, rendered)]
    return seals[0] == seals[1] != set()


def _holds(loaded: Any, wanted: Any) -> bool:
    """Whether everything in `wanted` is in `loaded`; what a server adds by default does not count, and what it leaves
    out when it prints is empty."""
    if loaded is None:
        return not wanted
    if isinstance(wanted, Mapping):
        return isinstance(loaded, Mapping) and all(_holds(loaded.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        same_length = isinstance(loaded, list) and len(loaded) == len(wanted)
        return same_length and all(_holds(a, b) for a, b in zip(loaded, wanted, strict=True))
    return bool(_canonical(loaded) == _canonical(wanted))


def _canonical(value: Any) -> Any:
    """Durations as seconds, sizes as bytes, other numbers and words as text."""
    if isinstance(value, bool) or value is None:
        return value
    text = str(value)
    for parse in (units.parse_duration, units.parse_bytes):
        try:
            return parse(text)
        except ValueError:
            continue
    return text


def _flat(config: Any, prefix: str = "") -> list[tuple[str, Any]]:
    """Leaves of nested mappings by dotted name."""
    if not isinstance(config, Mapping):
        return [(prefix, config)]
    return [leaf for key, value in config.items() for leaf in _flat(value, f"{prefix}.{key}" if prefix else str(key))]
