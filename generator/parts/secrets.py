"""The secrets of the monitoring stack itself: the one table of their names, and of what each is.

Owns the names that services.yaml may not use for secrets of its own, and no value.
"""

from dataclasses import dataclass
from typing import Final, Literal

from generator.conventions import (
    BUGSINK_ADMIN,
    BUGSINK_KEY,
    BUGSINK_PASSWORD,
    BUGSINK_WEBHOOK,
    GRAFANA_PASSWORD,
    KUMA_API_KEY,
    KUMA_PASSWORD,
    USER_HASH_KEY,
    WEB_HASH,
    WEB_PASSWORD,
)

# made: a random value. derived: follows from another secret. later: Uptime Kuma hands it out once it runs.
# given: only the user has it.
Origin = Literal["made", "derived", "later", "given"]


@dataclass(frozen=True, slots=True)
class StackSecret:
    """One secret of the stack: `needs` is the word of `stack:` without which it is not made."""

    name: str
    purpose: str
    origin: Origin
    form: str
    consumers: tuple[str, ...] = ()
    needs: Literal["", "domain", "errors"] = ""


STACK_SECRETS: Final = (
    StackSecret(GRAFANA_PASSWORD, "Grafana's user admin", "made", "password", ("grafana",)),
    StackSecret(KUMA_PASSWORD, "Uptime Kuma's user admin", "made", "password"),
    StackSecret(KUMA_API_KEY, "Uptime Kuma's key to its metrics", "later", "token", ("prometheus",)),
    # Every app with the library reads it too.
    StackSecret(USER_HASH_KEY, "what apps hash users' ids with", "made", "key"),
    StackSecret(WEB_PASSWORD, "the user admin of the public endpoint", "made", "web-password", (), "domain"),
    StackSecret(WEB_HASH, "what Caddy knows of that password", "derived", "text", ("caddy",), "domain"),
    StackSecret(BUGSINK_PASSWORD, f"Bugsink's user {BUGSINK_ADMIN}", "made", "password", (), "errors"),
    StackSecret(BUGSINK_KEY, "what Bugsink signs its sessions with", "made", "key", ("bugsink",), "errors"),
    StackSecret(BUGSINK_WEBHOOK, "the bridge's address, known to Bugsink alone", "made", "key", ("bugsink-bridge",),
                "errors"),
)  # fmt: skip
RESERVED: Final = frozenset(secret.name for secret in STACK_SECRETS)
