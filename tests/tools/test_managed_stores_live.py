"""Exporters as they are rendered, against a Redis and a Postgres that take TLS alone, with an authority of their own:
they log in with user and password, and what is wrong with a login is said where the runbooks look.

The stores' names have a dot, so that they count as elsewhere.
"""

import hashlib
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import requests
import yaml

from generator.diagnostics import Problems
from generator.packs.clients import redis_cli
from generator.pipeline import compile_text
from generator.render.compose import COMPOSE_FILE
from generator.secrets.files import ensure_secrets
from generator.site.model import Site
from tests.e2e.certificates import make_authority, make_certificate
from tests.support import tools
from tests.support.waiting import until
from tests.tools.stores_lab import Stores, url_of

NETWORK: Final = "lab-managed"
REDIS, PLAIN, POSTGRES = "cache.lab-managed.example", "plain.lab-managed.example", "db.lab-managed.example"
TEXT: Final = f"""\
services:
  mgd-cache:
    {{kind: redis, address: "{REDIS}:6380", tls: {{ca: secret:lab_ca}}, user: "wat$ch", password: secret:right}}
  mgd-url:
    {{kind: redis, address: "rediss://{REDIS}:6380/0", tls: {{insecure: true}}, password: secret:default_password,
     insecure: "a lab"}}
  mgd-plain: {{kind: redis, address: "{PLAIN}:6379", password: secret:wrong, insecure: "a lab"}}
  mgd-wrong:
    {{kind: redis, address: "{REDIS}:6380", tls: {{ca: secret:lab_ca}}, user: "wat$ch", password: secret:wrong}}
  mgd-stranger: {{kind: redis, address: "{REDIS}:6380", tls: true, user: "wat$ch", password: secret:right}}
  mgd-db: {{kind: postgres, address: "{POSTGRES}:5432", dsn: secret:db_dsn, tls: {{ca: secret:lab_ca}}}}
  mgd-db-plain: {{kind: postgres, address: "{POSTGRES}:5432", dsn: secret:plain_dsn}}
  mgd-db-wrong: {{kind: postgres, address: "{POSTGRES}:5432", dsn: secret:wrong_dsn}}
"""
PASSWORD: Final = "]Srs|^[P-x 'q\"℀%2F"
WRONG: Final = "Wr0ng-hunter2-hunter2"
ADMIN: Final = "]Srs|^[P-x/?#@%25"
# As a person pastes them: a byte order mark, quotes, Windows' line ends.
SECRETS: Final = {
    "right": f"\ufeff{PASSWORD}\r\n",
    "wrong": WRONG,
    "default_password": '"of the default user"\n',
    "db_dsn": f"postgresql://postgres:{ADMIN}@{POSTGRES}:5432/postgres?pgbouncer=true\n",
    "plain_dsn": f"'postgresql+asyncpg://postgres:{ADMIN}@{POSTGRES}/postgres'\r\n",
    "wrong_dsn": f"postgresql://postgres:{WRONG}@{POSTGRES}/postgres?sslmode=require\n",
}
# Postgres reads its key only where no other user can.
START_POSTGRES: Final = """
cp /tls/db.key /tls/db.crt /tmp/ && chown postgres /tmp/db.key && chmod 600 /tmp/db.key
printf 'local all all trust\\nhostssl all all all scram-sha-256\\n' > /tmp/hba.conf && chmod 644 /tmp/hba.conf
exec docker-entrypoint.sh postgres -c ssl=on -c ssl_cert_file=/tmp/db.crt -c ssl_key_file=/tmp/db.key \
  -c hba_file=/tmp/hba.conf
"""


@dataclass(frozen=True, slots=True)
class Lab:
    """What runs."""

    root: Path
    site: Site
    urls: dict[str, str]

    def shows(self, service: str, line: str) -> bool:
        page = requests.get(f"{self.urls[service]}/metrics", timeout=60).text
        return f"\n{line}\n" in page

    def log(self, service: str) -> str:
        kind = "postgres" if "-db" in service else "redis"
        done = tools.docker("logs", f"{kind}-exporter-{service}")
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    root = tmp_path_factory.mktemp("managed")
    make_authority(root / "tls", REDIS)
    make_certificate(root / "tls", "db", POSTGRES, "90")
    compiled = compile_text(TEXT, "services.yaml")
    (root / "secrets").mkdir(mode=0o700)
    for name, value in {**SECRETS, "lab_ca": (root / "tls/ca.pem").read_text()}.items():
        (root / "secrets" / name).write_text(value, newline="")
    ensure_secrets(compiled.site, root)
    for folder in (root, root / "secrets", root.parent):
        folder.chmod(0o755)
    rendered = next(each.content for each in compiled.artifacts if each.path == COMPOSE_FILE)
    services: dict[str, Any] = yaml.safe_load(rendered)["services"]
    exporters = {name: spec for name, spec in services.items() if "-exporter-mgd-" in name}
    stores, names = Stores(NETWORK, root), list[str]()
    try:
        assert tools.docker("network", "create", NETWORK).returncode == 0
        names += [_redis(stores), _plain_redis(stores), _postgres(stores)]
        names += [stores.exporter(name, spec) for name, spec in exporters.items()]
        yield Lab(root, compiled.site, {name.partition("-exporter-")[2]: url_of(name) for name in exporters})
    finally:
        tools.docker("rm", "--force", "--volumes", *names)
        tools.docker("network", "rm", NETWORK)


def _redis(stores: Stores) -> str:
    """TLS alone; the passwords in its configuration, where they need no shell."""
    acl = stores.root / "tls/users.acl"
    lines = [("default", "of the default user"), ("wat$ch", PASSWORD)]
    hashed = [f"user {user} on #{_sha(password)} ~* &* +@all" for user, password in lines]
    acl.write_text("\n".join(hashed) + "\n")
    acl.chmod(0o644)
    options = ["--port", "0", "--tls-port", "6380", "--tls-auth-clients", "no", "--aclfile", "/tls/users.acl"]
    options += ["--tls-cert-file", "/tls/server.crt", "--tls-key-file", "/tls/server.key"]
    options += ["--tls-ca-cert-file", "/tls/ca.pem"]
    return stores.run("lab-managed-redis", "--network-alias", REDIS, "--volume", f"{stores.root}/tls:/tls:ro",
                tools.image("redis"), "redis-server", *options)  # fmt: skip


def _plain_redis(stores: Stores) -> str:
    return stores.run("lab-managed-plain", "--network-alias", PLAIN, "--volume", f"{stores.root}/tls:/tls:ro",
                tools.image("redis"), "redis-server", "--aclfile", "/tls/users.acl")  # fmt: skip


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _postgres(stores: Stores) -> str:
    options = [
        "--network-alias",
        POSTGRES,
        "--volume",
        f"{stores.root}/tls:/tls:ro",
        "--env",
        f"POSTGRES_PASSWORD={_decoded(ADMIN)}",
    ]
    return stores.run("lab-managed-db", *options, "--entrypoint", "sh", tools.image("postgres"), "-ec", START_POSTGRES)


def _decoded(text: str) -> str:
    return text.replace("%25", "%")


@pytest.mark.parametrize(
    ("service", "line"),
    [
        pytest.param("mgd-cache", "redis_up 1", id="a Redis with an authority of its own, as a user"),
        pytest.param("mgd-url", "redis_up 1", id="a Redis by its provider's address, as the default user"),
        pytest.param("mgd-db", "pg_up 1", id="a Postgres whose certificate is checked"),
        pytest.param("mgd-db-plain", "pg_up 1", id="a Postgres of which the DSN says nothing about TLS"),
    ],
)
def test_a_managed_store_is_watched(service: str, line: str, lab: Lab) -> None:
    until(lambda: lab.shows(service, line), f"{line} of {service}; its log: {lab.log(service)}", seconds=60)


def test_a_wrong_password_of_a_postgres_is_in_the_exporters_log(lab: Lab) -> None:
    until(lambda: lab.shows("mgd-db-wrong", "pg_up 0"), "pg_up 0")
    until(lambda: "password authentication failed" in lab.log("mgd-db-wrong"), "the reason in the log")


def test_a_wrong_password_of_a_redis_is_in_the_exporters_metrics(lab: Lab) -> None:
    until(lambda: lab.shows("mgd-plain", "redis_up 0"), "redis_up 0")
    page = requests.get(f"{lab.urls['mgd-plain']}/metrics", timeout=60).text
    assert re.search(r'^redis_exporter_last_scrape_error{err="WRONGPASS [^"]*"} 1$', page, re.MULTILINE)


@pytest.mark.parametrize(
    ("service", "password", "said"),
    [
        ("mgd-cache", PASSWORD, "PONG"),
        ("mgd-wrong", WRONG, "WRONGPASS"),
        ("mgd-stranger", PASSWORD, "certificate verify failed"),
    ],
)
def test_the_runbooks_command_says_of_tls_what_the_exporter_keeps_to_itself(
    service: str, password: str, said: str, lab: Lab
) -> None:
    watched = next(each for each in lab.site.services if each.name == service)
    until(lambda: lab.shows(service, f"redis_up {int(said == 'PONG')}"), f"redis_up of {service}")
    command = [*shlex.split(redis_cli(watched)), "ping"]
    assert any(f"{redis_cli(watched)} ping" in each.markdown for pack in watched.packs for each in pack.runbooks)
    done = tools.docker("run", "--rm", f"--network={NETWORK}", "--workdir=/lab", "--env", f"REDISCLI_AUTH={password}",
                        "--volume", f"{lab.root}/secrets:/lab/secrets:ro", tools.image("redis"), *command)  # fmt: skip
    assert said in done.stdout + done.stderr


def test_no_password_is_in_the_environment_the_command_or_the_log_of_an_exporter(lab: Lab) -> None:
    for service in lab.urls:
        kind = "postgres" if "-db" in service else "redis"
        shown = tools.docker("inspect", f"{kind}-exporter-{service}").stdout + lab.log(service)
        for secret in (PASSWORD, WRONG, ADMIN, _decoded(ADMIN), "]Srs|^", "hunter2", "of the default user"):
            assert secret not in shown, service


def test_a_dsn_that_would_go_without_tls_is_refused_before_any_exporter_reads_it(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    dsn = f"postgresql://postgres:{WRONG}@{POSTGRES}/postgres?sslmode=disable"
    (tmp_path / "secrets/db_dsn").write_text(dsn)
    with pytest.raises(Problems) as caught:
        ensure_secrets(lab.site, tmp_path)
    assert any(
        "sslmode=disable would send the password unencrypted" in each.message for each in caught.value.diagnostics
    )
    assert WRONG not in str(caught.value)
