"""What the demo reads from its environment, once, at start.

Owns names, defaults and validation. A value that cannot be used is an error at start, never a
surprise later.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from lookout_instrumentation.settings import Settings as LookoutSettings

from demo import __version__
from demo.database import Address
from demo.days import Calendar

_DATABASE: Final = Address("postgresql+psycopg://demo@db:5432/demo")


class SettingsError(ValueError):
    """An environment variable holds a value that the program cannot use."""


@dataclass(frozen=True)
class Settings:
    """The process's whole configuration, with every default filled in."""

    host: str = "127.0.0.1"
    port: int = 8000
    database: Address = _DATABASE
    redis_url: str = "redis://cache:6379/0"
    redis_timeout_seconds: float = 0.25
    queue_url: str = "redis://cache:6379/1"
    providers_url: str = "http://providers:8000"
    providers_timeout_seconds: float = 2.0
    webhook_key_file: Path | None = None
    switches_enabled: bool = False
    calendar: Calendar = field(default_factory=Calendar)
    refresh_seconds: float = 15.0
    llm_budget_usd: float = 5.0
    # A feature flag: error reports say which way it stood.
    summaries: bool = True

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Read the settings from `env`; an empty variable counts as unset."""
        given = {name: value.strip() for name, value in env.items() if value.strip()}
        return cls(
            host=given.get("HOST", cls.host),
            port=int(_positive(given, "PORT", cls.port)),
            database=Address(given.get("DATABASE_URL", _DATABASE.url), _file(given, "DATABASE_PASSWORD_FILE")),
            redis_url=given.get("REDIS_URL", cls.redis_url),
            redis_timeout_seconds=_positive(given, "REDIS_TIMEOUT_SECONDS", cls.redis_timeout_seconds),
            queue_url=given.get("QUEUE_URL", cls.queue_url),
            providers_url=given.get("PROVIDERS_URL", cls.providers_url).rstrip("/"),
            providers_timeout_seconds=_positive(given, "PROVIDERS_TIMEOUT_SECONDS", cls.providers_timeout_seconds),
            webhook_key_file=_file(given, "WEBHOOK_KEY_FILE"),
            switches_enabled=given.get("DEMO_SWITCHES", "off").lower() == "on",
            calendar=Calendar(_positive(given, "DEMO_DAY_SECONDS", Calendar.day_seconds)),
            refresh_seconds=_positive(given, "DEMO_REFRESH_SECONDS", cls.refresh_seconds),
            summaries=given.get("DEMO_SUMMARIES", "on").lower() == "on",
            llm_budget_usd=_positive(given, "DEMO_LLM_BUDGET_USD", cls.llm_budget_usd),
        )


def watched(env: Mapping[str, str]) -> LookoutSettings:
    """The settings of the library: from its file and variables; the release from this package. Raises its
    SettingsError."""
    return LookoutSettings.load({"LOOKOUT_RELEASE": __version__, **env})


def build_size() -> int:
    """How large what was deployed is, in bytes, as the image's build wrote it down; 0 outside of an image."""
    file = Path(__file__).parents[1] / "build_size"
    return int(file.read_text(encoding="utf-8")) if file.is_file() else 0


def _file(given: Mapping[str, str], name: str) -> Path | None:
    return Path(given[name]) if name in given else None


def _positive(given: Mapping[str, str], name: str, default: float) -> float:
    try:
        value = float(given.get(name, default))
    except ValueError as error:
        raise SettingsError(f"{name} must be a number, not {given[name]!r}") from error
    if not 0 < value < float("inf"):
        raise SettingsError(f"{name} must be positive and finite, not {given[name]!r}")
    return value
