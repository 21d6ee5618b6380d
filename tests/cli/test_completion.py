"""What TAB offers: verbs, services, alerts and codes, as click asks for them. A broken file offers nothing."""

import os
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from generator.cli import cli
from generator.diagnostics import CODES
from generator.verbs.stages import compile_file

REPOSITORY = Path(__file__).resolve().parents[2]
OWN = """services:
  api:
    kind: http
    targets: [api:80]
    alerts: {OrdersStuck: {expr: vector(1)}}
  db: {kind: postgres}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "services.yaml").write_text(OWN)
    return tmp_path


def offered(*words: str) -> list[str]:
    *before, typed = words
    shell = ShellComplete(cli, {}, "lookout", "_LOOKOUT_COMPLETE")
    return [item.value for item in shell.get_completions(before, typed)]


def test_verbs_are_offered() -> None:
    assert offered("p") == ["plan"]
    assert {name for name, command in cli.commands.items() if not command.hidden} == set(offered(""))


@pytest.mark.parametrize(
    "words",
    [
        ("connect", ""),
        ("backup-check", ""),
        ("explain", "--service", ""),
        ("backtest", "--service", ""),
        ("logs", "--service", "api", "--service", ""),
    ],
)
def test_services_are_offered_where_a_service_is_asked_for(here: Path, words: tuple[str, ...]) -> None:
    assert offered(*words) == ["api", "db"]


def test_services_are_those_of_the_file_that_is_named(here: Path) -> None:
    (here / "other.yaml").write_text("services: {shop: {kind: http}}")
    assert offered("connect", "-f", "other.yaml", "") == ["shop"]


def test_alerts_and_codes_are_offered_to_explain(here: Path) -> None:
    assert offered("explain", "Orders") == ["OrdersStuck"]
    assert offered("explain", "store/") == [code for code in CODES if code.startswith("store/")]
    assert "ServiceDown" in offered("backtest", "--alert", "Service")


def test_every_alert_of_the_demo_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    alerts = {alert.name for alert in compile_file(Path("services.yaml")).site.alerts}
    assert alerts <= set(offered("explain", ""))


@pytest.mark.parametrize(
    "text", ["services: [", "\x00", "services: 3", "services: {1: {}, api: 2}", "[]", None, b"\xff\xfe\xff"]
)
def test_a_file_that_cannot_be_read_offers_what_it_can(
    here: Path, text: str | bytes | None, capfd: pytest.CaptureFixture[str]
) -> None:
    (here / "services.yaml").unlink()
    if text is not None:
        (here / "services.yaml").write_bytes(os.fsencode(text))
    assert offered("connect", "") == (["1", "api"] if text and b"api" in os.fsencode(text) else [])
    assert "ServiceDown" in offered("explain", "ServiceD")
    assert capfd.readouterr() == ("", "")
