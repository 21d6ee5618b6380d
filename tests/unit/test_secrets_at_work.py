"""A secret that is not what it should be: which verb says so, and that nothing is changed before."""

import getpass
import sys
from pathlib import Path

import pytest

from generator.diagnostics import Problems
from generator.pipeline import resolve_text
from generator.secrets.files import ensure_secrets
from generator.site.model import Site
from generator.verbs import stages as verbs
from generator.verbs.secrets import main

TEXT = """\
channels:
  ops: {slack: {webhook: secret:slack_ops}}
  phone: {telegram: {chat: 1, token: secret:telegram_token}}
services:
  api: {kind: fastapi, targets: [api:8000], metrics: {token: secret:api_token}}
  db: {kind: postgres, address: "db:5432", dsn: secret:db_dsn}
"""
BAD = {
    "slack_ops": "https://discord.com/api/webhooks/1/planted",
    "telegram_token": "-1001234567890",
    "api_token": "Bearer planted",
    "db_dsn": "postgresql://u:p@planted/x@db/y",
    "grafana_admin_password": "two\nlines planted",
}
GOOD = "https://hooks.slack.com/services/T0/B0/abc"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "services.yaml").write_text(TEXT)
    (tmp_path / "secrets").mkdir(mode=0o700)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(verbs, "check_tree", lambda *_: [])
    return tmp_path


def write(here: Path, values: dict[str, str]) -> None:
    for name, value in values.items():
        (here / "secrets" / name).write_text(value)


def files(here: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in here.rglob("*") if path.is_file()}


def test_make_secrets_refuses_all_that_do_not_fit_in_one_run_and_makes_nothing(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(here, BAD)
    before = files(here)
    assert main([]) == 1
    said = "".join(capsys.readouterr())
    for name in BAD:
        assert f"error[apply/secret-form]: secrets/{name} is no " in said
    assert "expected: https://hooks.slack.com/services/T…/B…/…" in said
    assert "it looks like a chat's id" in said and "it looks like the address of a Discord webhook" in said
    assert "planted" not in said and "1001234567890" not in said
    assert files(here) == before


@pytest.mark.parametrize("name", BAD)
def test_apply_refuses_one_before_anything_is_written_and_plan_says_so(name: str, here: Path) -> None:
    write(here, {name: BAD[name]})
    before = files(here)
    said: list[str] = []
    with pytest.raises(Problems) as caught:
        verbs.apply_file(Path("services.yaml"), here, False, said.append)
    (problem,) = (each for each in caught.value.diagnostics if each.level == "error")
    assert (problem.code, f"secrets/{name}" in problem.message) == ("apply/secret-form", True)
    planned = verbs.plan_file(Path("services.yaml"), here)
    assert problem in planned.problems
    assert files(here) == before


def test_what_is_asked_for_at_a_terminal_is_asked_again_until_it_fits(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = iter(["not a url", BAD["slack_ops"], f'"{GOOD}"', "wrong", "still wrong", "and again"])
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(getpass, "getpass", lambda prompt: next(answers))
    assert main(["--ask"]) == 0
    assert (here / "secrets/.mounted/alertmanager/slack_ops").read_text() == GOOD
    assert not (here / "secrets/telegram_token").exists(), "three answers that do not fit are enough"
    assert "planted" not in "".join(capsys.readouterr())


def test_an_address_that_was_made_is_no_error_after_its_service_moved(here: Path) -> None:
    remote = TEXT.replace("db:5432", "db.acme.dev:5432")
    ensure_secrets(site(remote.replace("dsn: secret:db_dsn", "dsn: secret:db_dsn, insecure: a lab")), here)
    made = (here / "secrets/db_dsn").read_text()
    assert "sslmode=disable" in made
    ensure_secrets(site(remote), here)
    assert (here / "secrets/db_dsn").read_text() == made.replace("disable", "require")


def test_a_value_that_is_used_in_two_ways_fits_both(here: Path) -> None:
    text = TEXT + '  cache: {kind: redis, address: "c:1", password: secret:api_token}\n'
    write(here, {"api_token": "with spaces, as a password may be"})
    with pytest.raises(Problems, match="is no token"):
        ensure_secrets(site(text), here)


def site(text: str) -> Site:
    return resolve_text(text, "services.yaml")[0]
