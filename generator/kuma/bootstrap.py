"""From a server without a set-up to one that Lookout can log in to and Prometheus can scrape.

Owns the admin account and the API key: `secrets/kuma_admin_password` is read, `secrets/kuma_api_key` is
written. It makes no tags, ever: one made while Kuma runs breaks its /metrics.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from generator.disk.locks import running_lock
from generator.kuma.client import KumaClient
from generator.kuma.errors import KumaError, SecretMissing
from generator.kuma.secrets import read_secret, write_secret

ADMIN: Final = "admin"
PASSWORD_FILE: Final = "kuma_admin_password"
API_KEY_FILE: Final = "kuma_api_key"
API_KEY_NAME: Final = "lookout-prometheus"


@dataclass(frozen=True)
class BootstrapResult:
    """What bootstrap had to make. A new key has to reach Prometheus: copy the secrets of the containers
    again."""

    admin_created: bool
    key_created: bool


@contextmanager
def session(url: str, secrets_dir: Path, *, startup_timeout: float = 0.0) -> Iterator[tuple[KumaClient, bool]]:
    """A client that is logged in, and whether the admin account had to be made first."""
    password = read_secret(secrets_dir, PASSWORD_FILE, "Uptime Kuma's admin account")
    with KumaClient(url, startup_timeout=startup_timeout) as client:
        fresh = client.needs_setup()
        if fresh:
            client.setup(ADMIN, password)
        client.login(ADMIN, password)
        yield client, fresh


def ensure_api_key(client: KumaClient, secrets_dir: Path) -> bool:
    """Make the key of secrets/kuma_api_key one that opens /metrics; True when that took a new one.

    Kuma shows a key once. When the file is lost, or belongs to a server that is no more, a new key is made
    and stored before the old ones of its name are deleted: a run that breaks off leaves a key too many, never
    none.
    """
    try:
        if client.opens_metrics(read_secret(secrets_dir, API_KEY_FILE, "Prometheus")) and API_KEY_NAME in (
            client.api_keys().values()
        ):
            return False
    except SecretMissing:
        pass
    new_id, key = client.add_api_key(API_KEY_NAME)
    write_secret(secrets_dir, API_KEY_FILE, key)
    if not client.opens_metrics(key):
        raise KumaError("Uptime Kuma does not accept the API key that it has just made", "look at its log")
    for key_id, name in client.api_keys().items():
        if name == API_KEY_NAME and key_id != new_id:
            client.delete_api_key(key_id)
    return True


def bootstrap(url: str, secrets_dir: Path, *, startup_timeout: float = 30.0) -> BootstrapResult:
    """Set up the admin when needed, log in, and see to the API key. Safe to run again."""
    with (
        running_lock(f"Uptime Kuma at {url}"),
        session(url, secrets_dir, startup_timeout=startup_timeout) as (client, fresh),
    ):
        return BootstrapResult(admin_created=fresh, key_created=ensure_api_key(client, secrets_dir))
