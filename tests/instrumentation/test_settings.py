"""Every setting can be stated by file and environment, and one that cannot be used ends the start with a line on it."""

import json
from dataclasses import fields
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from lookout_instrumentation import Settings, SettingsError
from lookout_instrumentation.settings import _VARIABLES, LABEL_BUDGETS

# Variable -> a value, what becomes of it, and values that are refused. One for each variable that there is.
CASES: dict[str, tuple[str, Any, tuple[str, ...]]] = {
    "LOOKOUT_SERVICE": ("shop", "shop", ()),
    "LOOKOUT_ENVIRONMENT": ("staging", "staging", ()),
    "LOOKOUT_RELEASE": ("1.2.3", "1.2.3", ()),
    "LOOKOUT_LOG_LEVEL": ("debug", "DEBUG", ("LOUD", "17")),
    "LOOKOUT_BUCKETS": ("0.3, 0.1,0.3", (0.1, 0.3), ("fast", "0", "-1", "inf", "0.1,,1")),
    "LOOKOUT_SERIES_BUDGET": ("900", 900, ("0", "-5", "1.5", "many")),
    "LOOKOUT_METRICS_TOKEN_FILE": ("/run/t", Path("/run/t"), ()),
    "LOOKOUT_METRICS_ALLOW": ("10.0.0.0/8", (ip_network("10.0.0.0/8"),), ("10.0.0.1/8", "home")),
    "LOOKOUT_METRICS_HOST": ("127.0.0.1", "127.0.0.1", ()),
    "LOOKOUT_METRICS_PORT": ("9000", 9000, ("0", "65536", "http", "-1")),
    "LOOKOUT_USER_HASH_KEY_FILE": ("/run/k", Path("/run/k"), ()),
    "LOOKOUT_ERRORS_SAMPLE_RATIO": ("0.5", 0.5, ("1.1", "-0.1", "half")),
    "LOOKOUT_ERRORS_IGNORE": ("KeyError, Gone", ("KeyError", "Gone"), ()),
    "LOOKOUT_ERRORS_SPOOL": ("/var/spool", Path("/var/spool"), ()),
    "LOOKOUT_PROFILES_RATIO": ("0.1", 0.1, ("2", "x")),
    "LOOKOUT_TRACES_ENDPOINT": ("http://collector:4318", "http://collector:4318", ()),
    "LOOKOUT_TRACES_RATIO": ("0", 0.0, ("1.01", "nan", "all")),
    "LOOKOUT_SLOW_QUERY_SECONDS": ("0.2", 0.2, ("0", "slow")),
    "LOOKOUT_HEALTH_TIMEOUT_SECONDS": ("2", 2.0, ("0", "nan")),
    "LOOKOUT_HEALTH_REFRESH_SECONDS": ("2", 2.0, ("-1", "inf")),
    "METRICS_TOKEN": ("a-token", "a-token", ()),
    "SENTRY_DSN": ("http://key@errors/1", "http://key@errors/1", ()),
    "WEB_CONCURRENCY": ("4", 4, ("0", "some")),
    "LOOKOUT_WORKERS": ("2", 2, ("0", "1.5")),
    "PROMETHEUS_MULTIPROC_DIR": ("/tmp/p", Path("/tmp/p"), ()),
}
REFUSED = [(name, value) for name, (_, _, values) in CASES.items() for value in values]


def test_the_cases_here_are_all_variables_there_are() -> None:
    assert CASES.keys() == _VARIABLES.keys() - {"LOOKOUT_SENTRY_DSN_FILE"}


@pytest.mark.parametrize("name", CASES)
def test_a_variable_sets_its_setting(name: str) -> None:
    value, expected, _ = CASES[name]
    assert getattr(Settings.load({name: f" {value} "}), _VARIABLES[name]) == expected


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_a_value_that_cannot_be_used_is_named_with_its_variable(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as error:
        Settings.load({name: value})
    assert str(error.value).startswith(f"{name}: {value!r} cannot be used")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", CASES)
def test_an_empty_variable_counts_as_unset(name: str) -> None:
    assert Settings.load({name: "  "}) == Settings()


def test_the_workers_that_are_reported_to_lookout_count_before_those_of_the_server() -> None:
    assert Settings.load({"WEB_CONCURRENCY": "4", "LOOKOUT_WORKERS": "1"}).workers == 1


# --- the file ---


def loaded(tmp_path: Path, stated: object, **env: str) -> Settings:
    file = tmp_path / "lookout.json"
    file.write_text(stated if isinstance(stated, str) else json.dumps(stated))
    return Settings.load({"LOOKOUT_CONFIG": str(file), **env})


def test_a_file_sets_what_it_names_and_the_environment_wins_over_it(tmp_path: Path) -> None:
    stated = {
        "service": "api",
        "environment": "production",
        "buckets": [0.1, 0.3],
        "series_budget": 700,
        "label_budgets": {"tenant": 7},
        "metrics_token_file": "/run/secrets/api_metrics_token",
        "traces": {"endpoint": "http://collector:4318", "ratio": 0.5},
        "log_level": "warning",
    }
    settings = loaded(tmp_path, stated, LOOKOUT_ENVIRONMENT="staging", LOOKOUT_TRACES_RATIO="1")
    assert (settings.service, settings.environment, settings.log_level) == ("api", "staging", "WARNING")
    assert (settings.buckets, settings.series_budget) == ((0.1, 0.3), 700)
    assert settings.label_budgets == {**LABEL_BUDGETS, "tenant": 7}
    assert (settings.traces_endpoint, settings.traces_ratio) == ("http://collector:4318", 1.0)
    assert settings.metrics_token_file == Path("/run/secrets/api_metrics_token")


@pytest.mark.parametrize(
    ("stated", "complaint"),
    [
        ("{", "is not JSON"),
        ("[]", "holds no JSON object"),
        ({"buckts": []}, "buckts is not a known setting"),
        ({"series_budget": "many"}, "series_budget: 'many' cannot be used"),
        ({"label_budgets": {"tenant": 0}}, "label_budgets: .* cannot be used"),
        ({"label_budgets": [1]}, "label_budgets: .* cannot be used"),
        ({"traces": "on"}, "traces: 'on' cannot be used"),
        ({"traces": {"speed": 1}}, "traces_speed is not a known setting"),
        ({"metrics_allow": 7}, "metrics_allow: 7 cannot be used"),
        ({"buckets": None}, "buckets: None cannot be used"),
        ({"multiproc_dir": "/tmp"}, "multiproc_dir is not a known setting"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, stated: object, complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint) as error:
        loaded(tmp_path, stated)
    assert "lookout.json" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"LOOKOUT_CONFIG: .*missing.json cannot be read"):
        Settings.load({"LOOKOUT_CONFIG": str(tmp_path / "missing.json")})


def test_a_dsn_is_read_from_its_file_and_is_in_no_text_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "dsn").write_text("http://secret@errors/1\n")
    settings = Settings.load({"LOOKOUT_SENTRY_DSN_FILE": str(tmp_path / "dsn")})
    assert settings.sentry_dsn == "http://secret@errors/1"
    assert "secret" not in repr(settings)
    assert Settings.load({"LOOKOUT_SENTRY_DSN_FILE": str(tmp_path / "missing")}).sentry_dsn == ""


def test_every_setting_has_a_default() -> None:
    assert {each.name for each in fields(Settings)} >= set(_VARIABLES.values()) - {"sentry_dsn_file"}
    assert Settings.load({}) == Settings()
