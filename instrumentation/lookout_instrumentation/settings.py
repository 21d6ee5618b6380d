"""The settings of the library, read once at start: a file that Lookout renders for each service, and the environment.

Owns names, defaults and validation. The environment wins over the file, so that one container can differ from its
neighbours. A value that cannot be used is named in one sentence, and what would hold without it does: an app starts
with any settings (`found`), unless it asks for an error (`load`).
"""

import ipaddress
import json
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Self

from lookout_instrumentation.secret_file import read_secret

LATENCY_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
# How many values a label may have before the rest is counted as `other`; a label that is not named here has the last.
LABEL_BUDGETS: Final[Mapping[str, int]] = {"handler": 200, "tenant": 100, "name": 50, "model": 50, "error_type": 100}
DEFAULT_LABEL_BUDGET: Final = 100
# Environments in which every request is traced unless a share is set.
_DEVELOPMENT: Final = frozenset({"development", "dev", "local", "test"})

_MAX_NAME: Final = 200

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class SettingsError(ValueError):
    """A setting holds a value that the library cannot use."""


@dataclass(frozen=True)
class Settings:
    """All settings of one process, with every default filled in."""

    service: str = "app"
    environment: str = "production"
    release: str = "unknown"
    log_level: str = "INFO"
    buckets: tuple[float, ...] = LATENCY_BUCKETS
    series_budget: int = 5000
    label_budgets: Mapping[str, int] = field(default_factory=lambda: dict(LABEL_BUDGETS))
    metrics_token_file: Path | None = None
    metrics_token: str = field(default="", repr=False)
    metrics_allow: tuple[Network, ...] = ()
    metrics_host: str = "0.0.0.0"
    metrics_port: int = 9808
    user_hash_key_file: Path | None = None
    sentry_dsn: str = field(default="", repr=False)
    errors_sample_ratio: float = 1.0
    errors_ignore: tuple[str, ...] = ()
    errors_spool: Path | None = None
    profiles_ratio: float = 0.0
    traces_endpoint: str = ""
    traces_ratio: float = 0.1
    slow_query_seconds: float = 1.0
    health_timeout_seconds: float = 0.5
    health_max_age_seconds: float = 2.0
    health_refresh_seconds: float = 3.0
    workers: int = 1
    multiproc_dir: Path | None = None

    @classmethod
    def load(cls, env: Mapping[str, str] | None = None) -> Self:
        """The settings of this process: the file that LOOKOUT_CONFIG names, then LOOKOUT_* variables over it.

        Raises SettingsError, with the name of the key or variable, for anything that cannot be used.
        """
        settings, faults = cls.found(env)
        if faults:
            raise SettingsError(faults[0])
        return settings

    @classmethod
    def found(cls, env: Mapping[str, str] | None = None) -> tuple[Self, list[str]]:
        """The same without what cannot be used, and a sentence on each of that, which names its key or variable."""
        env = os.environ if env is None else env
        given = {name: value.strip() for name, value in env.items() if value.strip()}
        stated, faults = _from_file(given.get("LOOKOUT_CONFIG"))
        stated += [(key, name, given[name]) for name, key in _VARIABLES.items() if name in given]
        values: dict[str, Any] = {}
        for key, name, value in stated:
            try:
                values[key] = _parsed(key, name, value)
            except SettingsError as error:
                faults.append(str(error))
        if "sentry_dsn_file" in values:
            values.setdefault("sentry_dsn", read_secret(values.pop("sentry_dsn_file")).decode(errors="replace"))
            values.pop("sentry_dsn_file", None)
        if "traces_ratio" not in values and values.get("environment") in _DEVELOPMENT:
            values["traces_ratio"] = 1.0
        return cls(**values), faults


# Variable -> setting, a later one over an earlier. Those without LOOKOUT_ are named by servers and other libraries.
_VARIABLES: Final = {
    "LOOKOUT_SERVICE": "service",
    "LOOKOUT_ENVIRONMENT": "environment",
    "LOOKOUT_RELEASE": "release",
    "LOOKOUT_LOG_LEVEL": "log_level",
    "LOOKOUT_BUCKETS": "buckets",
    "LOOKOUT_SERIES_BUDGET": "series_budget",
    "LOOKOUT_METRICS_TOKEN_FILE": "metrics_token_file",
    "LOOKOUT_METRICS_ALLOW": "metrics_allow",
    "LOOKOUT_METRICS_HOST": "metrics_host",
    "LOOKOUT_METRICS_PORT": "metrics_port",
    "LOOKOUT_USER_HASH_KEY_FILE": "user_hash_key_file",
    "LOOKOUT_SENTRY_DSN_FILE": "sentry_dsn_file",
    "LOOKOUT_ERRORS_SAMPLE_RATIO": "errors_sample_ratio",
    "LOOKOUT_ERRORS_IGNORE": "errors_ignore",
    "LOOKOUT_ERRORS_SPOOL": "errors_spool",
    "LOOKOUT_PROFILES_RATIO": "profiles_ratio",
    "LOOKOUT_TRACES_ENDPOINT": "traces_endpoint",
    "LOOKOUT_TRACES_RATIO": "traces_ratio",
    "LOOKOUT_SLOW_QUERY_SECONDS": "slow_query_seconds",
    "LOOKOUT_HEALTH_TIMEOUT_SECONDS": "health_timeout_seconds",
    "LOOKOUT_HEALTH_REFRESH_SECONDS": "health_refresh_seconds",
    "METRICS_TOKEN": "metrics_token",
    "SENTRY_DSN": "sentry_dsn",
    "WEB_CONCURRENCY": "workers",
    "LOOKOUT_WORKERS": "workers",
    "PROMETHEUS_MULTIPROC_DIR": "multiproc_dir",
}


# Never said back.
_SECRET: Final = frozenset({"metrics_token", "sentry_dsn"})
# What has to be known before any file is read: prometheus-client reads it from the environment by itself.
_ENVIRONMENT_ONLY: Final = {"multiproc_dir"}


def _from_file(path: str | None) -> tuple[list[tuple[str, str, Any]], list[str]]:
    """What the file says: settings, where each stands, its value; and what is wrong with it. `traces` is an object
    there, for people to read."""
    if path is None:
        return [], []
    try:
        stated = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        return [], [f"LOOKOUT_CONFIG: {path} cannot be read: {error.strerror or error}"]
    except (ValueError, RecursionError) as error:
        return [], [f"LOOKOUT_CONFIG: {path} is not JSON: {error}"]
    if not isinstance(stated, dict):
        return [], [f"LOOKOUT_CONFIG: {path} holds no JSON object"]
    faults = []
    traces = stated.pop("traces", {})
    if isinstance(traces, dict):
        stated |= {f"traces_{key}": value for key, value in traces.items()}
    else:
        faults.append(f"{path}: traces: {traces!r:.100} cannot be used (it is an object)")
    known = {each.name for each in fields(Settings)} - _ENVIRONMENT_ONLY | {"sentry_dsn_file"}
    faults += [f"{path}: {key:.100} is not a known setting" for key in sorted(stated.keys() - known)]
    return [(key, f"{path}: {key}", value) for key, value in stated.items() if key in known], faults


def _parsed(key: str, name: str, value: Any) -> Any:
    try:
        return _PARSERS.get(key, str)(value)
    except Exception as error:  # a file can hold anything
        said = f" ({error})" if isinstance(error, SettingsError) else ""
        stated = "the value" if key in _SECRET else f"{value!r:.200}"
        raise SettingsError(f"{name}: {stated} cannot be used{said}") from None


def _name(value: Any) -> str:
    """The value of a label: what is no text in any encoding would make the whole exposition fail."""
    return str(value).encode("utf-8", "replace").decode()[:_MAX_NAME]


def _level(value: Any) -> str:
    level = str(value).upper()
    if level not in logging.getLevelNamesMapping():
        raise SettingsError("it is one of DEBUG, INFO, WARNING, ERROR")
    return level


def _positive(value: Any) -> float:
    number = float(value)
    if not 0 < number < float("inf"):
        raise SettingsError("it is a positive number")
    return number


def _count(value: Any) -> int:
    return int(_positive(int(value)))


def _port(value: Any) -> int:
    number = int(value)
    if not 0 < number < 65536:
        raise SettingsError("it is a number from 1 to 65535")
    return number


def _ratio(value: Any) -> float:
    number = float(value)
    if not 0 <= number <= 1:
        raise SettingsError("it is a share from 0 to 1")
    return number


def _buckets(value: Any) -> tuple[float, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    return tuple(sorted({_positive(part) for part in parts}))


def _names(value: Any) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    return tuple(str(part).strip() for part in parts)


def _networks(value: Any) -> tuple[Network, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    return tuple(ipaddress.ip_network(part.strip()) for part in parts)


def _budgets(value: Any) -> dict[str, int]:
    return {**LABEL_BUDGETS, **{str(label): _count(number) for label, number in dict(value).items()}}


def _file(value: Any) -> Path:
    return Path(str(value))


_PARSERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "service": _name,
    "environment": _name,
    "release": _name,
    "log_level": _level,
    "buckets": _buckets,
    "series_budget": _count,
    "label_budgets": _budgets,
    "metrics_token_file": _file,
    "metrics_allow": _networks,
    "user_hash_key_file": _file,
    "sentry_dsn_file": _file,
    "errors_sample_ratio": _ratio,
    "errors_ignore": _names,
    "errors_spool": _file,
    "profiles_ratio": _ratio,
    "traces_ratio": _ratio,
    "slow_query_seconds": _positive,
    "health_timeout_seconds": _positive,
    "health_max_age_seconds": _positive,
    "health_refresh_seconds": _positive,
    "metrics_port": _port,
    "workers": _count,
    "multiproc_dir": _file,
}
