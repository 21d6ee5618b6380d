"""What the demo reads from its environment, once, at start.

Owns names, defaults and validation. A value that cannot be used is an error at start, never a
surprise later.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self


class SettingsError(ValueError):
    """An environment variable holds a value that the program cannot use."""


@dataclass(frozen=True)
class Settings:
    """The process's whole configuration, with every default filled in."""

    host: str = "127.0.0.1"
    port: int = 8000
    redis_url: str = "redis://cache:6379/0"
    redis_timeout_seconds: float = 0.25
    switches_enabled: bool = False

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Read the settings from `env`; an empty variable counts as unset."""
        given = {name: value.strip() for name, value in env.items() if value.strip()}
        return cls(
            host=given.get("HOST", cls.host),
            port=int(_positive(given, "PORT", cls.port)),
            redis_url=given.get("REDIS_URL", cls.redis_url),
            redis_timeout_seconds=_positive(given, "REDIS_TIMEOUT_SECONDS", cls.redis_timeout_seconds),
            switches_enabled=given.get("DEMO_SWITCHES", "off").lower() == "on",
        )


def _positive(given: Mapping[str, str], name: str, default: float) -> float:
    try:
        value = float(given.get(name, default))
    except ValueError as error:
        raise SettingsError(f"{name} must be a number, not {given[name]!r}") from error
    if not 0 < value < float("inf"):
        raise SettingsError(f"{name} must be positive and finite, not {given[name]!r}")
    return value
