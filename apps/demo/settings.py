"""What the demo reads from its environment, once, at start.

Owns names, defaults and validation. A value that cannot be used is an error at start, never a
surprise later.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from demo import __version__


class SettingsError(ValueError):
    """An environment variable holds a value that the program cannot use."""


@dataclass(frozen=True)
class Settings:
    """The process's whole configuration, with every default filled in."""

    service: str = "api"
    environment: str = "demo"
    version: str = __version__
    log_level: str = "INFO"
    host: str = "127.0.0.1"
    port: int = 8000
    redis_url: str = "redis://cache:6379/0"
    redis_timeout_seconds: float = 0.25
    metrics_token_file: Path | None = None
    slo_latency_seconds: float = 0.3
    switches_enabled: bool = False
    refresh_seconds: float = 3.0

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Read the settings from `env`; an empty variable counts as unset."""
        given = {name: value.strip() for name, value in env.items() if value.strip()}
        token_file = given.get("METRICS_TOKEN_FILE")
        return cls(
            service=given.get("SERVICE_NAME", cls.service),
            environment=given.get("ENVIRONMENT", cls.environment),
            version=given.get("APP_VERSION", cls.version),
            log_level=_level(given, cls.log_level),
            host=given.get("HOST", cls.host),
            port=int(_positive(given, "PORT", cls.port)),
            redis_url=given.get("REDIS_URL", cls.redis_url),
            redis_timeout_seconds=_positive(given, "REDIS_TIMEOUT_SECONDS", cls.redis_timeout_seconds),
            metrics_token_file=Path(token_file) if token_file else None,
            slo_latency_seconds=_positive(given, "SLO_LATENCY_SECONDS", cls.slo_latency_seconds),
            switches_enabled=given.get("DEMO_SWITCHES", "off").lower() == "on",
            refresh_seconds=_positive(given, "READY_REFRESH_SECONDS", cls.refresh_seconds),
        )


def _positive(given: Mapping[str, str], name: str, default: float) -> float:
    try:
        value = float(given.get(name, default))
    except ValueError as error:
        raise SettingsError(f"{name} must be a number, not {given[name]!r}") from error
    if not 0 < value < float("inf"):
        raise SettingsError(f"{name} must be positive and finite, not {given[name]!r}")
    return value


def _level(given: Mapping[str, str], default: str) -> str:
    level = given.get("LOG_LEVEL", default).upper()
    if level not in logging.getLevelNamesMapping():
        raise SettingsError(f"LOG_LEVEL must be one of DEBUG, INFO, WARNING, ERROR, not {level!r}")
    return level
