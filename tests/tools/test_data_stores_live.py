"""Exporters as they are rendered, against a real Postgres and a Redis with a password: they log in by file, every alert
finds its series, and what is stopped is reported.

One network, two stores and their exporters for all; the tests run in their order.
"""

import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from generator.packs.fixtures import Series, read_exposition, read_fixtures, unmatched_selectors
from generator.packs.load import PACKS
from generator.pipeline import compile_text
from generator.promql.tree import parse
from generator.render.compose import COMPOSE_FILE
from generator.secrets.files import ensure_secrets
from generator.site.model import Alert, Site
from generator.verbs.connect.lines import connect_lines
from tests.support import tools
from tests.support.waiting import until
from tests.tools.stores_lab import Stores, url_of

TEXT = """\
services:
  lab-orders-db: {kind: postgres, address: "lab-orders-db:5432", dsn: secret:orders_dsn}
  lab-orders-cache: {kind: redis, address: "lab-orders-cache:6379", password: secret:cache_password}
"""
# All that a URL, JSON and a shell take for something else.
PASSWORD = "p\"a's/s@w:o%r?d$ &#{}"
NETWORK = "lab-orders"
# A transaction that holds a row and does nothing, one that waits for the row, and one at work.
BUSY = """
psql -U postgres -c 'create table item (id int); insert into item values (1)'
(echo 'begin; update item set id = 2;'; sleep 60) | psql -U postgres &
sleep 1
psql -U postgres -c 'update item set id = 3' &
psql -U postgres -c 'select pg_sleep(60)' &
wait
"""

WITH_SQL = [page for page in sorted(PACKS.glob("*/runbooks/*.md")) if "```sql" in page.read_text(encoding="utf-8")]


@dataclass(frozen=True, slots=True)
class Lab:
    """What runs."""

    root: Path
    site: Site
    urls: dict[str, str]

    def metrics(self, exporter: str) -> str:
        return requests.get(f"{self.urls[exporter]}/metrics", timeout=60).text

    def alerts(self, service: str) -> tuple[Alert, ...]:
        return next(each for each in self.site.services if each.name == service).alerts


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    root = tmp_path_factory.mktemp("stores")
    compiled = compile_text(TEXT, "services.yaml")
    (root / "secrets").mkdir(mode=0o700)
    (root / "secrets/cache_password").write_text(PASSWORD + "\n")
    ensure_secrets(compiled.site, root)
    for folder in (root, root / "secrets", root.parent):
        folder.chmod(0o755)
    rendered = next(each.content for each in compiled.artifacts if each.path == COMPOSE_FILE)
    services: dict[str, Any] = yaml.safe_load(rendered)["services"]
    stores, names = Stores(NETWORK, root), list[str]()
    try:
        assert tools.docker("network", "create", NETWORK).returncode == 0
        names += [_store(stores, "lab-orders-db", "postgres", {"POSTGRES_PASSWORD": "only-for-this-test"})]
        names += [_store(stores, "lab-orders-cache", "redis", {}, "redis-server", "--requirepass", PASSWORD)]
        exporters = {name: spec for name, spec in services.items() if "-exporter-lab-" in name}
        names += [stores.exporter(name, spec) for name, spec in exporters.items()]
        yield Lab(root, compiled.site, {name: url_of(name) for name in exporters})
    finally:
        tools.docker("rm", "--force", "--volumes", *names)
        tools.docker("network", "rm", NETWORK)


def _store(stores: Stores, name: str, image: str, environment: dict[str, str], *command: str) -> str:
    given = [word for key, value in environment.items() for word in ("--env", f"{key}={value}")]
    label = f"com.docker.compose.service={name}"
    return stores.run(name, "--label", label, *given, tools.image(image), *command)


def says(lab: Lab, exporter: str, line: str) -> Callable[[], bool]:
    return lambda: f"\n{line}\n" in lab.metrics(exporter)


def test_the_pasted_lines_make_the_role_and_the_exporter_logs_in(lab: Lab) -> None:
    # The entry point starts it twice, and the first time for itself alone: without a port.
    over_tcp = ("exec", "lab-orders-db", "pg_isready", "--host", "127.0.0.1")
    until(lambda: tools.docker(*over_tcp).returncode == 0, "Postgres is ready", 60)
    text = connect_lines(lab.site, "lab-orders-db", str(lab.root))
    script = text[text.index("ROLE=") : text.index("\nSQL\n") + len("\nSQL\n")]
    for _ in range(2):
        done = subprocess.run(["sh", "-ec", script], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    until(says(lab, "postgres-exporter-lab-orders-db", "pg_up 1"), "the exporter logs in")
    role = _psql("select rolsuper, rolcreatedb, rolconnlimit from pg_roles where rolname = 'lookout'").stdout
    assert role.strip() == "f|f|5"
    denied = _psql("create table secret (id int); set role lookout; select * from secret")
    assert "permission denied" in denied.stderr


def _psql(sql: str) -> "subprocess.CompletedProcess[str]":
    return tools.docker("exec", "lab-orders-db", "psql", "-U", "postgres", "-Atc", sql)


def test_a_redis_with_a_password_is_watched(lab: Lab) -> None:
    until(says(lab, "redis-exporter-lab-orders-cache", "redis_up 1"), "the exporter logs in")


def test_every_alert_finds_its_series(lab: Lab) -> None:
    assert tools.docker("exec", "--detach", "lab-orders-db", "sh", "-c", BUSY).returncode == 0
    waiting = 'wait_event_type="Lock"} 1'
    until(lambda: waiting in lab.metrics("postgres-exporter-lab-orders-db"), "someone waits for a lock")
    page = lab.metrics("postgres-exporter-lab-orders-db")
    slots = {"PostgresSlotKeepsWal"}  # this one has no replication slot
    assert set(unmatched(lab.alerts("lab-orders-db"), page)) == slots
    replica = {"RedisReplicaCutOff"}  # this one is no replica
    page = lab.metrics("redis-exporter-lab-orders-cache")
    assert set(unmatched(lab.alerts("lab-orders-cache"), page)) == replica


@pytest.mark.parametrize("page", WITH_SQL, ids=lambda page: page.stem)
def test_sql_of_the_runbooks_runs(page: Path, lab: Lab) -> None:
    for block in re.findall(r"```sql\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        # A role that is no one's, so that nothing is ended.
        assert "ERROR" not in _psql(block).stderr, block


def unmatched(alerts: tuple[Alert, ...], page: str) -> dict[str, list[str]]:
    """What each alert asks for that neither the page nor Prometheus itself has."""
    known: list[Series] = [*read_exposition(page), *read_fixtures(sorted(PACKS.glob("*/fixtures/prometheus-*.prom")))]
    found = {alert.name: unmatched_selectors(parse(alert.expr), known) for alert in alerts}
    return {name: problems for name, problems in found.items() if problems}


def test_no_password_is_in_the_environment_the_command_or_the_log_of_an_exporter(lab: Lab) -> None:
    dsn = (lab.root / "secrets/orders_dsn").read_text()
    secret = re.findall(r"//lookout:([0-9a-f]{32})@", dsn)[0]
    for exporter in lab.urls:
        shown = tools.docker("inspect", exporter).stdout + "".join(_log(exporter))
        assert secret not in shown and PASSWORD not in shown and "a's/s@w" not in shown


def _log(container: str) -> tuple[str, str]:
    done = tools.docker("logs", container)
    return done.stdout, done.stderr


def test_what_is_stopped_is_reported(lab: Lab) -> None:
    assert tools.docker("stop", "--time=1", "lab-orders-db", "lab-orders-cache").returncode == 0
    until(says(lab, "postgres-exporter-lab-orders-db", "pg_up 0"), "Postgres is said to be down")
    until(says(lab, "redis-exporter-lab-orders-cache", "redis_up 0"), "Redis is said to be down")


def test_a_database_that_hangs_lets_the_scrape_run_out(lab: Lab) -> None:
    """What the third branch of PostgresDown stands on: the exporter waits on the connection that it keeps."""
    assert tools.docker("start", "lab-orders-db").returncode == 0
    until(says(lab, "postgres-exporter-lab-orders-db", "pg_up 1"), "Postgres is back", seconds=60)
    timeout = lab.site.stack.timing.scrape_timeout
    assert tools.docker("pause", "lab-orders-db").returncode == 0
    try:
        with pytest.raises(requests.ReadTimeout):
            requests.get(f"{lab.urls['postgres-exporter-lab-orders-db']}/metrics", timeout=timeout)
    finally:
        tools.docker("unpause", "lab-orders-db")
