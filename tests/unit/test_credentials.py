"""What exporters log in with: what is made, in which form each reads it, and what is said when it cannot be read."""

import json
import os
import re
import stat
import subprocess
from pathlib import Path

import pytest

from generator.diagnostics import Problems
from generator.pipeline import compile_text, resolve_text
from generator.secrets.credentials import in_form
from generator.secrets.files import ensure_secrets, missing_secrets
from generator.site.model import Credential, CredentialForm, Site
from generator.values.secret import SecretRef
from generator.verbs.connect.lines import connect_lines

DB = "services:\n  db: {kind: postgres, address: 'db:5432', dsn: secret:db_dsn}\n"
STORE = "services:\n  store: {kind: redis, address: 'store:6379', password: secret:store_password}\n"
MADE = STORE.replace("}", ", secrets: [secret:store_password]}")


def site_of(text: str) -> Site:
    return resolve_text(text, "services.yaml")[0]


def share(root: Path, exporter: str) -> dict[str, str]:
    folder = root / "secrets/.mounted" / exporter
    return {path.name: path.read_text() for path in folder.iterdir()}


def credential(form: CredentialForm) -> Credential:
    return Credential("FILE", form, SecretRef("db_dsn"), "store:6379")


def test_a_dsn_is_made_and_its_exporter_is_given_the_parts(tmp_path: Path) -> None:
    ensure_secrets(site_of(DB), tmp_path)
    dsn = (tmp_path / "secrets/db_dsn").read_text().strip()
    found = re.fullmatch(r"postgresql://lookout:([0-9a-f]{32})@db:5432/postgres\?sslmode=disable", dsn)
    assert found
    assert share(tmp_path, "postgres-exporter-db") == {
        "dsn.user": "lookout",
        "dsn.password": found[1],
        "dsn.address": "db:5432/postgres?connect_timeout=3&sslmode=disable",
    }
    assert missing_secrets(site_of(DB), tmp_path) == ()


@pytest.mark.parametrize(
    ("address", "mode"),
    [("db:5432", "disable"), ("host.docker.internal:5432", "disable"), ("10.0.0.5:5432", "disable"),
     ("pg.acme.dev:5432", "require")],
)  # fmt: skip
def test_beyond_this_machine_and_its_networks_a_connection_wants_tls(address: str, mode: str) -> None:
    (service,) = (each for each in site_of(DB.replace("db:5432", address)).services if each.name == "db")
    assert service.dsn and service.dsn.made.endswith(f"@{address}/postgres?sslmode={mode}")


def test_a_database_of_ones_own_may_have_the_dsn_in_its_share_to_make_the_role(tmp_path: Path) -> None:
    ensure_secrets(site_of(DB.replace("}", ", secrets: [secret:db_dsn]}")), tmp_path)
    given = share(tmp_path, "db")["db_dsn"]
    assert given.startswith("postgresql://lookout:")
    assert share(tmp_path, "postgres-exporter-db")["dsn.password"] in given


def test_the_password_stays_when_the_address_moves_and_a_dsn_of_the_users_own_is_left_alone(tmp_path: Path) -> None:
    ensure_secrets(site_of(DB), tmp_path)
    before = share(tmp_path, "postgres-exporter-db")["dsn.password"]
    ensure_secrets(site_of(DB.replace("db:5432", "pg.acme.dev:5433")), tmp_path)
    moved = (tmp_path / "secrets/db_dsn").read_text().strip()
    assert moved == f"postgresql://lookout:{before}@pg.acme.dev:5433/postgres?sslmode=require"
    own = "postgres://watch%40er:a%2Fb@db.acme.dev/shop?sslmode=verify-full&connect_timeout=9\n"
    (tmp_path / "secrets/db_dsn").write_text(own)
    ensure_secrets(site_of(DB), tmp_path)
    assert (tmp_path / "secrets/db_dsn").read_text() == own
    assert share(tmp_path, "postgres-exporter-db") == {
        "dsn.user": "watch@er",
        "dsn.password": "a/b",
        "dsn.address": "db.acme.dev/shop?connect_timeout=9&sslmode=verify-full",
    }


@pytest.mark.parametrize(
    "text", ["hunter2", "mysql://a:hunter2@db/x", "postgresql://a@db/x", "host=db password=hunter2"]
)
def test_what_is_no_dsn_is_reported_without_its_value(text: str, tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/db_dsn").write_text(text)
    with pytest.raises(Problems) as caught:
        ensure_secrets(site_of(DB), tmp_path)
    (problem,) = caught.value.diagnostics
    assert problem.message.startswith("secrets/db_dsn is no DSN")
    assert "hunter2" not in str(caught.value)


def test_a_redis_password_is_the_users_to_give_unless_it_is_listed_among_those_that_are_made(tmp_path: Path) -> None:
    ensure_secrets(site_of(STORE), tmp_path)
    assert [secret.name for secret in missing_secrets(site_of(STORE), tmp_path) if "store" in secret.name] == [
        "store_password"
    ]
    assert share(tmp_path, "redis-exporter-store") == {"password.by_address": "{}"}, "no password, and readable"
    ensure_secrets(site_of(MADE), tmp_path)
    made = (tmp_path / "secrets/store_password").read_text().strip()
    assert json.loads(share(tmp_path, "redis-exporter-store")["password.by_address"]) == {"redis://store:6379": made}
    assert share(tmp_path, "store") == {"store_password": made}


def test_a_password_of_any_characters_survives() -> None:
    awkward = "p\"a's/s@w:o%r?d$ &#{}"
    assert json.loads(in_form(credential("password.by_address"), awkward)) == {"redis://store:6379": awkward}


def test_others_read_none_of_it(tmp_path: Path) -> None:
    ensure_secrets(site_of(DB), tmp_path)
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "secrets/db_dsn").stat().st_mode) == 0o600


@pytest.mark.parametrize("text", [DB, STORE], ids=["postgres", "redis"])
def test_no_rendered_file_holds_more_than_the_files_names(text: str) -> None:
    artifacts = {each.path: each.content for each in compile_text(text, "services.yaml").artifacts}
    rendered = artifacts["compose.rendered.yaml"]
    name = "postgres-exporter-db" if "postgres" in text else "redis-exporter-store"
    assert f"${{LOOKOUT_SECRETS:-./secrets}}/.mounted/{name}:/run/secrets:ro" in rendered
    assert "postgresql://" not in "".join(artifacts.values())
    assert "/run/secrets/dsn.password" in rendered or "/run/secrets/password.by_address" in rendered


def test_a_store_without_a_password_is_given_no_file() -> None:
    text = "services:\n  store: {kind: redis, address: 'store:6379'}\n"
    artifacts = compile_text(text, "services.yaml").artifacts
    (rendered,) = (each.content for each in artifacts if each.path == "compose.rendered.yaml")
    assert "REDIS_PASSWORD_FILE" not in rendered and ".mounted/redis-exporter" not in rendered


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (DB.replace(", dsn: secret:db_dsn", ""), "spec/missing-target", "write dsn: secret:db_dsn"),
        (STORE.replace("password:", "dsn:"), "spec/bad-value", "kinds that do: postgres"),
        (DB.replace("}", ", password: secret:x}"), "spec/bad-value", "kinds that do: flower, redis"),
    ],
    ids=["a postgres without a dsn", "a redis with a dsn", "a postgres with a password"],
)
def test_a_credential_that_is_missing_or_that_no_one_reads_is_an_error(text: str, code: str, said: str) -> None:
    with pytest.raises(Problems) as caught:
        site_of(text)
    (problem,) = (each for each in caught.value.diagnostics if each.level == "error")
    assert problem.code == code
    assert said in "\n".join([problem.hint, *problem.notes])


def test_connect_prints_sql_and_no_secret(tmp_path: Path) -> None:
    ensure_secrets(site_of(DB), tmp_path)
    text = connect_lines(site_of(DB), "db", str(tmp_path))
    for wanted in ("GRANT pg_monitor TO", "CONNECTION LIMIT 5", f"{tmp_path}/secrets/db_dsn"):
        assert wanted in text
    password = share(tmp_path, "postgres-exporter-db")["dsn.password"]
    assert password not in text
    line = next(line for line in text.splitlines() if line.startswith("PASSWORD="))
    shown = subprocess.run(["sh", "-c", f"{line}; printf %s $PASSWORD"], capture_output=True, text=True, check=True)
    assert shown.stdout == password


def test_connect_says_of_a_store_elsewhere_that_this_machine_asks_it() -> None:
    text = connect_lines(site_of(DB.replace("db:5432", "pg.acme.dev:5432")), "db", "/srv/lookout")
    assert "PGSSLMODE=require psql -h pg.acme.dev -p 5432" in text and "public address of this machine" in text
    assert "/metrics" not in text and "docker" not in text
    assert "psql -h localhost" in connect_lines(
        site_of(DB.replace("db:5432", "host.docker.internal:5432")), "db", "/srv/lookout"
    )
    assert """'query={__name__=~".+_up",service="db"}'""" in text


def test_the_printed_sql_holds_the_password_decoded_and_quoted(tmp_path: Path) -> None:
    site = site_of(DB.replace("db:5432", "localhost:5432"))
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/db_dsn").write_text("postgresql://m'on:]Srs|^[P-x'%40$HOME`id`\\@localhost:5432/postgres\n")
    ensure_secrets(site, tmp_path)
    text = connect_lines(site, "db", str(tmp_path))
    script = text[text.index("ROLE=") : text.index("\nSQL\n") + len("\nSQL\n")]
    (tmp_path / "psql").write_text(f"#!/bin/sh\ncat > {tmp_path}/sql\n")
    (tmp_path / "psql").chmod(0o755)
    path = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    subprocess.run(["sh", "-ec", script], check=True, env=path)
    sql = (tmp_path / "sql").read_text()
    assert "format('ALTER ROLE %I LOGIN PASSWORD %L', 'm''on', ']Srs|^[P-x''@$HOME`id`\\')" in sql
    assert "rolname = 'm''on'" in sql


def test_what_is_written_again_unchanged_keeps_its_time(tmp_path: Path) -> None:
    site = site_of(DB)
    ensure_secrets(site, tmp_path)
    path = tmp_path / "secrets/.mounted/postgres-exporter-db/dsn.password"
    os.utime(path, (1, 1))
    ensure_secrets(site, tmp_path)
    assert path.stat().st_mtime == 1
