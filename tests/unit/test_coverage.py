"""The coverage matrix: which ways of failing a service has, what covers each, and complaints about holes."""

import pytest

from generator.diagnostics import Diagnostic, Problems
from generator.packs.coverage import coverage_of
from generator.pipeline import resolve_text


def matrix(text: str, name: str) -> dict[str, list[str]]:
    site, _ = resolve_text(text, "services.yaml")
    service = next(each for each in site.services if each.name == name)
    return {cell.mode: [alert.name for alert in cell.alerts] for cell in coverage_of(service, site.named)}


def holes(text: str) -> list[Diagnostic]:
    try:
        _, found = resolve_text(text, "services.yaml")
    except Problems as problems:
        found = problems.diagnostics
    return [each for each in found if each.code == "spec/uncovered"]


API = "services:\n  api: {kind: http, targets: [api:8000]}\n"


def test_an_app_can_be_gone_slow_wrong_and_silent_and_an_alert_covers_each() -> None:
    cells = matrix(API, "api")
    assert {"down", "slow", "errors", "silent"} <= cells.keys()
    assert "ServiceDown" in cells["down"]
    assert "HttpErrorRatioCritical" in cells["errors"]
    assert all(cells.values())
    assert holes(API) == []


@pytest.mark.parametrize(
    ("declared", "mode", "alert"),
    [
        ("url: https://api.acme.dev", "certificate", "CertificateExpiring"),
        ("uses: [cache]", "dependency", "RedisDown"),
        ("logs: push", "silent", "MetricsMissing"),
    ],
)
def test_what_is_declared_brings_ways_of_failing(declared: str, mode: str, alert: str) -> None:
    cache = "  cache: {kind: redis, address: cache:6379}\n"
    text = f"services:\n  api: {{kind: http, targets: [api:8000], off: [HttpNotReady], {declared}}}\n{cache}"
    assert alert in matrix(text, "api")[mode]


def test_a_plain_address_has_no_certificate_that_could_run_out() -> None:
    text = "services:\n  web: {kind: probe, targets: [http://web.acme.dev]}\n"
    assert "certificate" not in matrix(text, "web")


@pytest.mark.parametrize(("tier", "level"), [("", "warning"), (", tier: critical", "error")])
def test_a_hole_is_a_warning_and_an_error_where_the_service_is_critical(tier: str, level: str) -> None:
    off = "off: [CertificateExpiring, CertificateExpiresNow]"
    (hole,) = holes(f"services:\n  web: {{kind: probe, targets: [https://web.acme.dev], {off}{tier}}}\n")
    assert hole.level == level
    assert hole.message == "'web' can fail so that its certificate runs out (certificate), and no alert covers it"


def test_a_data_store_without_a_checked_backup_has_a_hole() -> None:
    db = "services:\n  db: {kind: %s, address: db:5432, dsn: secret:dsn}\n"
    (hole,) = holes(db % "postgres")
    remedy = "kind backup beside its own brings one: kind: [postgres, backup]"
    assert hole.notes == (remedy, "when none is needed, off: [backup]")
    assert holes(db.replace("}", ", off: [backup]}") % "postgres") == []
    assert holes(db % "[postgres, backup]") == []
