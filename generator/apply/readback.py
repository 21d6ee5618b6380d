"""What a part says it has loaded, against what was rendered for it. Pure: text and data in, sentences out."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from generator import units
from generator.artifact import Artifact
from generator.conventions import CONFIG_HASH
from generator.render.collector import COLLECTOR_FILE

Loaded = Mapping[str, Any]


def compare_prometheus(artifacts: Mapping[str, Artifact], config: Loaded, groups: Sequence[Loaded]) -> list[str]:
    """Differences in jobs, global settings and rules. `config` is the parsed answer of /api/v1/status/config."""
    rendered = yaml.safe_load(artifacts["prometheus/prometheus.yml"].content)
    found = [
        f"{key}.{name} is {loaded!r}, not {wanted!r}"
        for key in ("global", "otlp", "storage")
        for name, wanted in _flat(rendered.get(key, {}))
        if _canonical(loaded := dict(_flat(config.get(key, {}))).get(name)) != _canonical(wanted)
    ]
    return found + _compare_jobs(artifacts, config) + _compare_rules(artifacts, groups)


def compare_alertmanager(artifacts: Mapping[str, Artifact], loaded: str) -> list[str]:
    """Differences of the whole file. Alertmanager hands back its text with secrets blanked; none are in ours."""
    wanted = yaml.safe_load(artifacts["alertmanager/alertmanager.yml"].content)
    config = yaml.safe_load(loaded)
    return [
        f"'{key}' is not the rendered one"
        for key in sorted(wanted)
        if not _holds(_by_name(config.get(key)) if key == "templates" else config.get(key), wanted[key])
    ]


def _by_name(patterns: Any) -> list[str]:
    """Patterns of template files as they were rendered; Alertmanager hands them back with their folder in front."""
    return ["templates/" + str(each).rsplit("/", 1)[-1] for each in patterns or ()]


def compare_blackbox(artifacts: Mapping[str, Artifact], loaded: Loaded) -> list[str]:
    """Differences of the modules."""
    wanted = yaml.safe_load(artifacts["prometheus/blackbox.yml"].content)["modules"]
    modules = loaded.get("modules", {})
    found = [f"module {name} is not the rendered one" for name in sorted(wanted)
             if not _holds(modules.get(name), wanted[name])]  # fmt: skip
    return found + [f"module {name} should be gone" for name in sorted(set(modules) - set(wanted))]


def compare_collector(artifacts: Mapping[str, Artifact], metrics: str) -> list[str]:
    """The collector's own metrics carry the hash of the configuration that it has loaded."""
    wanted = yaml.safe_load(artifacts[COLLECTOR_FILE].content)["service"]["telemetry"]["resource"][CONFIG_HASH]
    label = CONFIG_HASH.replace(".", "_")
    told = re.search(rf'^target_info{{[^}}]*\b{label}="([^"]*)"', metrics, re.MULTILINE)
    return [] if told and told[1] == wanted else ["its configuration is not the rendered one"]


def _compare_jobs(artifacts: Mapping[str, Artifact], config: Loaded) -> list[str]:
    loaded = {job["job_name"]: job for job in config.get("scrape_configs", [])}
    rendered = yaml.safe_load(artifacts["prometheus/prometheus.yml"].content)
    wanted = {job["job_name"]: job for job in rendered.get("scrape_configs", [])}
    found = [f"job {name} is not the rendered one" for name in sorted(wanted)
             if not _holds(loaded.get(name), wanted[name])]  # fmt: skip
    return found + [f"job {name} should be gone" for name in sorted(set(loaded) - set(wanted))]


def _compare_rules(artifacts: Mapping[str, Artifact], groups: Sequence[Loaded]) -> list[str]:
    """Rules of rendered groups must be loaded as they are; groups of prometheus/custom are the user's own."""
    wanted: dict[str, set[tuple[str, str, float]]] = {}
    for path, artifact in artifacts.items():
        if path.startswith("prometheus/rules/"):
            for group in yaml.safe_load(artifact.content)["groups"]:
                wanted[group["name"]] = {_wanted_rule(rule) for rule in group["rules"]}
    ours = [group for group in groups if "/custom/" not in group.get("file", "")]
    loaded = {group["name"]: {_loaded_rule(rule) for rule in group["rules"]} for group in ours}
    found = [f"rule group {name} is not the rendered one" for name in sorted(wanted)
             if loaded.get(name) != wanted[name]]  # fmt: skip
    return found + [f"rule group {name} should be gone" for name in sorted(set(loaded) - set(wanted))]


def _wanted_rule(rule: Loaded) -> tuple[str, str, float]:
    hold = units.parse_duration(rule["for"]) if "for" in rule else 0
    return (rule.get("alert") or rule["record"], _squeezed(rule["expr"]), float(hold))


def _loaded_rule(rule: Loaded) -> tuple[str, str, float]:
    return (rule["name"], _squeezed(rule["query"]), float(rule.get("duration", 0)))


def _squeezed(expr: str) -> str:
    """An expression without what Prometheus changes when it prints it: white space, order of matchers, 7d into 1w."""
    text = re.sub(r"(?<![\w.])(?:\d+[wdhms])+(?!\w)", lambda match: f"{units.parse_duration(match[0])}s", expr)
    text = re.sub(r"\s+", "", text)
    text = re.sub(r"\{([^{}]*)\}", lambda match: "{" + ",".join(sorted(_matchers(match[1]))) + "}", text)
    return re.sub(r"[(),]", "", text)


def _matchers(inside: str) -> list[str]:
    return re.findall(r'[\w.]+(?:=~|!~|!=|=)"(?:[^"\\]|\\.)*"', inside)


def _holds(loaded: Any, wanted: Any) -> bool:
    """Whether everything in `wanted` is in `loaded`; what a server adds by default does not count."""
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
