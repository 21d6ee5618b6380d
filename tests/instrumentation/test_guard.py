"""/metrics is for who has the token, from an address that is allowed, and for no one when in doubt."""

from pathlib import Path

import pytest
from lookout_instrumentation import Settings
from lookout_instrumentation.guard import refusal

from tests.instrumentation.apps import TOKEN, settings_in


@pytest.mark.parametrize(
    ("header", "status"),
    [
        pytest.param(f"Bearer {TOKEN}", None, id="the right token"),
        pytest.param(f"bearer {TOKEN}", None, id="the scheme has no case"),
        pytest.param(f"Bearer {TOKEN}x", 401, id="a longer token"),
        pytest.param(f"Bearer {TOKEN[:-1]}", 401, id="a shorter token"),
        pytest.param("Bearer ", 401, id="an empty token"),
        pytest.param(f"Basic {TOKEN}", 401, id="another scheme"),
        pytest.param(TOKEN, 401, id="no scheme"),
        pytest.param("Bearer caf\u00e9", 401, id="letters that are no ASCII"),
        pytest.param("Bearer \udce9", 401, id="bytes that are no UTF-8"),
        pytest.param("", 401, id="no header"),
    ],
)
def test_metrics_are_for_who_has_the_token(tmp_path: Path, header: str, status: int | None) -> None:
    refused = refusal(settings_in(tmp_path), header, "10.0.0.1")
    assert (refused[0] if refused else None) == status


@pytest.mark.parametrize("content", [None, "", " \n"], ids=["missing", "empty", "blank"])
def test_without_a_usable_token_file_no_one_gets_in(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "other"
    if content is not None:
        file.write_text(content)
    for settings in (settings_in(tmp_path, metrics_token_file=file), Settings()):
        for header in ("Bearer ", "Bearer None", f"Bearer {TOKEN}"):
            assert refusal(settings, header, "10.0.0.1") is not None


def test_where_secrets_are_variables_the_token_is_one(tmp_path: Path) -> None:
    nowhere = Settings(metrics_token=TOKEN, metrics_token_file=tmp_path / "none")
    assert refusal(nowhere, f"Bearer {TOKEN}", "") is None
    assert refusal(nowhere, "Bearer x", "") is not None
    assert TOKEN not in repr(nowhere)
    other = settings_in(tmp_path, metrics_token="other")
    assert refusal(other, "Bearer other", "") is not None, "a file wins"


def test_a_changed_token_counts_without_a_restart(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    assert settings.metrics_token_file is not None
    settings.metrics_token_file.write_text("new")
    assert refusal(settings, f"Bearer {TOKEN}", "") is not None
    assert refusal(settings, "Bearer new", "") is None


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("10.1.2.3", True),
        ("10.2.0.1", False),
        ("::ffff:10.1.0.9", True),
        ("fd00::7", True),
        ("fd01::7", False),
        ("", False),
        ("unix:", False),
        ("10.1.2.3, 8.8.8.8", False),
    ],
)
def test_a_list_of_networks_is_asked_besides_the_token(tmp_path: Path, address: str, allowed: bool) -> None:
    networks = Settings.load({"LOOKOUT_METRICS_ALLOW": "10.1.0.0/16, fd00::/32"}).metrics_allow
    settings = settings_in(tmp_path, metrics_allow=networks)
    refused = refusal(settings, f"Bearer {TOKEN}", address)
    assert (refused is None) == allowed
    assert allowed or (refused and refused[0] == 403)
    wrong = refusal(settings, "Bearer wrong", address)
    assert wrong is not None and wrong[0] == (401 if allowed else 403)
