"""secrets/: what is made, what is left alone, what each container is given, and that no value is ever shown."""

import getpass
import stat
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from generator.conventions import USER_HASH_KEY
from generator.diagnostics import Problems
from generator.secrets.files import ensure_secrets, missing_secrets, share_seal
from generator.secrets.needed import needed_secrets
from generator.site.model import Logs, Site
from generator.values.secret import SecretRef
from generator.verbs.logs.user_hash import read_key
from generator.verbs.secrets import main
from tests.unit.sites import STACK, make_job, make_service, make_site

PUBLIC = replace(STACK, domain="mon.acme.dev")
TOKEN = SecretRef("api_metrics_token")
LEAST = "services:\n  web: {kind: probe, targets: [https://example.com]}\n"
CHANNEL = LEAST + "channels:\n  ops: {slack: {channel: '#ops', webhook: secret:slack_ops}}\n"


def make_full_site(**overrides: Any) -> Site:
    job = make_job("api", token=TOKEN)
    partner = make_job("partner", basic_user="lookout", basic_password=SecretRef("partner_password"))
    return make_site(
        make_service("api", token=TOKEN, jobs=(job,)),
        make_service("partner", jobs=(partner,)),
        watchdog=SecretRef("healthchecks_url"),
        **overrides,
    )


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def shares(root: Path) -> set[str]:
    mounted = root / "secrets/.mounted"
    return {str(path.relative_to(mounted)) for path in mounted.glob("*/*")}


def test_every_use_of_a_secret_is_found_with_its_consumers_and_its_origin() -> None:
    found = {secret.name: (secret.origin, secret.consumers) for secret in needed_secrets(make_full_site())}
    assert found == {
        "api_metrics_token": ("made", ("api", "prometheus")),
        "grafana_admin_password": ("made", ("grafana",)),
        "healthchecks_url": ("given", ("alertmanager",)),
        "kuma_admin_password": ("made", ()),
        "kuma_api_key": ("later", ("prometheus",)),
        "partner_password": ("given", ("prometheus",)),
        "slack_ops": ("given", ("alertmanager",)),
        "telegram_token": ("given", ("alertmanager",)),
        "user_hash_key": ("made", ()),
    }


def test_every_app_with_the_library_is_given_the_one_key_of_user_hashes(tmp_path: Path) -> None:
    kinds = ("fastapi", "instrumentation")
    site = make_site(make_service("api", kinds=kinds), make_service("bot", kinds=kinds), make_service("other"))
    ensure_secrets(site, tmp_path)
    assert {"api/user_hash_key", "bot/user_hash_key"} <= shares(tmp_path)
    keys = {(tmp_path / "secrets/.mounted" / name / USER_HASH_KEY).read_text().strip() for name in ("api", "bot")}
    assert keys == {read_key(tmp_path).decode()}


def test_each_service_that_pushes_its_lines_has_a_token_and_so_has_the_collector(tmp_path: Path) -> None:
    site = make_site(make_service("edge-fn", logs=Logs("push")), make_service("bot", logs=Logs("push")))
    made = set(ensure_secrets(site, tmp_path).made)
    assert {"edge_fn_logs_token", "bot_logs_token"} <= made
    expected = {"collector/edge_fn_logs_token", "edge-fn/edge_fn_logs_token", "bot/bot_logs_token"}
    assert expected <= shares(tmp_path)
    assert "bot/edge_fn_logs_token" not in shares(tmp_path)


def test_the_collector_is_given_a_seal_of_its_tokens_that_changes_with_them_and_shows_none(tmp_path: Path) -> None:
    site = make_site(make_service("bot", logs=Logs("push")))
    ensure_secrets(site, tmp_path)
    path = tmp_path / "secrets/.mounted/collector/seal"
    first = path.read_text()
    assert first == share_seal(site, tmp_path, "collector")
    (tmp_path / "secrets/bot_logs_token").write_text("another-one\n")
    assert share_seal(site, tmp_path, "collector") != first
    ensure_secrets(site, tmp_path)
    assert path.read_text() == share_seal(site, tmp_path, "collector")
    (tmp_path / "secrets/user_hash_key").write_text("another key\n")
    assert share_seal(site, tmp_path, "collector") != path.read_text(), "without the key no one can try tokens out"


def test_a_services_own_secrets_are_made_and_shared_by_those_that_name_them(tmp_path: Path) -> None:
    password, key = SecretRef("db_password"), SecretRef("webhook_key")
    site = make_site(make_service("api", secrets=(password, key)), make_service("db", secrets=(password,)))
    assert {"db_password", "webhook_key"} <= set(ensure_secrets(site, tmp_path).made)
    assert shares(tmp_path) >= {"api/db_password", "api/webhook_key", "db/db_password"}
    assert "db/webhook_key" not in shares(tmp_path)


def test_the_public_endpoint_has_a_password_only_when_there_is_one() -> None:
    names = {secret.name for secret in needed_secrets(make_site(stack=PUBLIC))}
    assert {"web_password", "web_password_hash"} <= names


def test_a_secret_that_is_made_in_one_place_and_given_in_another_is_not_made_up() -> None:
    job = make_job("api", token=SecretRef("telegram_token"))
    merged = {secret.name: secret for secret in needed_secrets(make_site(make_service("api", jobs=(job,))))}
    assert merged["telegram_token"].origin == "given"
    assert merged["telegram_token"].consumers == ("alertmanager", "api", "prometheus")


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "UPPER", ".hidden", "a/b"])
def test_a_name_that_is_no_safe_file_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be the name"):
        needed_secrets(make_site(watchdog=SecretRef(name)))


def test_what_can_be_made_is_made_and_what_is_given_is_named(tmp_path: Path) -> None:
    report = ensure_secrets(make_full_site(), tmp_path)
    assert report.made == ("api_metrics_token", "grafana_admin_password", "kuma_admin_password", "user_hash_key")
    given = ["healthchecks_url", "partner_password", "slack_ops", "telegram_token"]
    assert [secret.name for secret in report.missing] == given
    values = {(tmp_path / "secrets" / name).read_text().strip() for name in report.made}
    assert len(values) == 4
    assert all(len(value) == 32 for value in values)


def test_a_second_run_changes_no_byte_and_no_inode(tmp_path: Path) -> None:
    ensure_secrets(make_full_site(stack=PUBLIC), tmp_path)
    before = {path: (path.stat().st_ino, path.read_bytes()) for path in tmp_path.rglob("*") if path.is_file()}
    report = ensure_secrets(make_full_site(stack=PUBLIC), tmp_path)
    after = {path: (path.stat().st_ino, path.read_bytes()) for path in tmp_path.rglob("*") if path.is_file()}
    assert (report.made, report.tightened) == ((), ())
    assert after == before


def test_what_the_user_wrote_is_never_overwritten_and_reaches_the_container_without_its_newline(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/slack_ops").write_text("https://hooks.slack.com/services/T0/B0/one\r\n")
    report = ensure_secrets(make_full_site(), tmp_path)
    assert "slack_ops" not in [secret.name for secret in report.missing]
    assert (tmp_path / "secrets/slack_ops").read_bytes() == b"https://hooks.slack.com/services/T0/B0/one\r\n"
    assert (
        tmp_path / "secrets/.mounted/alertmanager/slack_ops"
    ).read_bytes() == b"https://hooks.slack.com/services/T0/B0/one"


def test_each_container_gets_its_share_and_nothing_else(tmp_path: Path) -> None:
    ensure_secrets(make_full_site(), tmp_path)
    assert shares(tmp_path) == {
        "alertmanager/healthchecks_url",
        "alertmanager/slack_ops",
        "alertmanager/telegram_token",
        "api/api_metrics_token",
        "caddy/delivery.json",
        "grafana/grafana_admin_password",
        "prometheus/api_metrics_token",
        "prometheus/kuma_api_key",
        "prometheus/partner_password",
    }
    assert (tmp_path / "secrets/.mounted/caddy").is_dir()
    # Not there yet, but the configuration that names it must load.
    assert (tmp_path / "secrets/.mounted/prometheus/kuma_api_key").read_text() == ""


def test_a_share_shrinks_with_the_site(tmp_path: Path) -> None:
    ensure_secrets(make_full_site(), tmp_path)
    ensure_secrets(make_site(), tmp_path)
    assert not (tmp_path / "secrets/.mounted/api").exists()
    assert "prometheus/api_metrics_token" not in shares(tmp_path)
    assert (tmp_path / "secrets/api_metrics_token").exists(), "the user's own copy stays"


def test_only_the_owner_enters_secrets_and_any_container_user_reads_its_share(tmp_path: Path) -> None:
    ensure_secrets(make_full_site(), tmp_path)
    folder = tmp_path / "secrets"
    assert mode(folder) == 0o700
    assert mode(folder / "grafana_admin_password") == 0o600
    assert mode(folder / ".mounted/grafana") == 0o755
    assert mode(folder / ".mounted/grafana/grafana_admin_password") == 0o444


def test_modes_that_are_too_open_are_closed_and_reported(tmp_path: Path) -> None:
    ensure_secrets(make_full_site(), tmp_path)
    (tmp_path / "secrets").chmod(0o755)
    (tmp_path / "secrets/grafana_admin_password").chmod(0o644)
    assert ensure_secrets(make_full_site(), tmp_path).tightened == ("secrets", "grafana_admin_password")
    assert mode(tmp_path / "secrets") == 0o700
    assert mode(tmp_path / "secrets/grafana_admin_password") == 0o600


def test_the_hash_follows_the_password_and_is_kept_while_it_fits(tmp_path: Path) -> None:
    site = make_site(stack=PUBLIC)
    ensure_secrets(site, tmp_path)
    hash_file, password = tmp_path / "secrets/web_password_hash", tmp_path / "secrets/web_password"
    first = hash_file.read_text()
    assert bcrypt.checkpw(password.read_text().strip().encode(), first.strip().encode())
    assert "web_password" not in {path.split("/")[1] for path in shares(tmp_path)}
    password.write_text("a new one\n")
    assert ensure_secrets(site, tmp_path).made == ("web_password_hash",)
    assert bcrypt.checkpw(b"a new one", (tmp_path / "secrets/.mounted/caddy/web_password_hash").read_bytes())


def test_a_password_that_bcrypt_would_cut_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/web_password").write_text("x" * 73)
    with pytest.raises(Problems, match="longer than 72 bytes"):
        ensure_secrets(make_site(stack=PUBLIC), tmp_path)


def test_a_place_that_cannot_be_written_is_a_diagnostic(tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text("a file, where the folder should be")
    with pytest.raises(Problems, match="secrets"):
        ensure_secrets(make_site(), tmp_path)


def test_what_is_missing_is_reported_without_touching_the_disk(tmp_path: Path) -> None:
    assert [secret.name for secret in missing_secrets(make_site(), tmp_path)] == ["slack_ops", "telegram_token"]
    assert list(tmp_path.iterdir()) == []


def run_main(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, *arguments: str) -> int:
    (tmp_path / "services.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    return main(arguments)


def test_make_secrets_says_in_one_line_what_only_the_user_has_and_shows_no_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_main(tmp_path, monkeypatch, CHANNEL, "--ask") == 0
    reported = capsys.readouterr()
    assert (
        "only you have: slack_ops (the Slack incoming webhook of ops); write each into secrets/<name>" in reported.out
    )
    for path in (tmp_path / "secrets").iterdir():
        if path.is_file():
            assert path.read_text().strip() not in reported.out + reported.err


def test_make_secrets_says_when_all_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_main(tmp_path, monkeypatch, LEAST) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "secrets: all there"


@pytest.mark.parametrize(
    "answer", ["https://hooks.slack.com/services/T0/B0/one", ""], ids=["an answer is kept", "none is for later"]
)
def test_someone_at_a_terminal_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(getpass, "getpass", lambda prompt: answer)
    assert run_main(tmp_path, monkeypatch, CHANNEL, "--ask") == 0
    written = tmp_path / "secrets/slack_ops"
    assert (written.read_text().strip() if written.exists() else "") == answer


def test_a_mistake_in_services_yaml_is_shown_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_main(tmp_path, monkeypatch, "services: {web: {kind: prob}}\n") == 1
    assert "services.yaml:1:" in capsys.readouterr().err


def test_a_services_yaml_that_is_not_there_is_an_error_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([]) == 1
    said = capsys.readouterr().err
    assert said.startswith("services.yaml:1:1: error[source/unreadable]") and "lookout init" in said
    assert not Path("secrets").exists()


def test_a_secret_that_is_no_text_is_named_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "services.yaml").write_text(CHANNEL)
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/slack_ops").write_bytes(b"hunter2\xff")
    assert main([]) == 1
    said = "".join(capsys.readouterr())
    assert "secrets/slack_ops is not UTF-8 text" in said
    assert "hunter2" not in said
