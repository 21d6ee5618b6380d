"""Accounts of the demo: who gets in, what they pay, what providers call back, and what is counted of it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from demo.made_up import DECLINED_CARD, REFUSED_CODE
from demo.models import PaymentRow, Session, User
from demo.signing import HEADER, sign
from sqlalchemy import select
from sqlalchemy.orm import Session as Sessions

from tests.support.waiting import until
from tests.unit.demo_api import PASSWORD, Demo, captured, running, settings_in


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    with running(settings_in(tmp_path)) as demo:
        yield demo


def rows(demo: Demo, table: type[Any]) -> list[Any]:
    with Sessions(demo.engine) as session:
        return list(session.scalars(select(table)))


def test_who_registers_is_logged_in_welcomed_and_counted(demo: Demo) -> None:
    me = demo.client.get("/me", headers=demo.log_in())
    assert me.json() == {"tier": "free", "tenant": "acme"}
    assert demo.value("business_registrations_total") == 1
    assert demo.value("business_funnel_total", step="free") == 1


def test_neither_password_nor_token_is_kept_as_it_was_given(demo: Demo) -> None:
    token = demo.log_in()["Authorization"].removeprefix("Bearer ")
    kept = [rows(demo, User)[0].password, rows(demo, Session)[0].token_hash]
    assert all(PASSWORD not in each and token not in each for each in kept)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        pytest.param("/register", {"email": "ana@acme.test", "password": PASSWORD, "tenant": "acme"}, 409, id="taken"),
        pytest.param("/register", {"email": "bo@acme.test", "password": PASSWORD, "tenant": "none"}, 422, id="tenant"),
        pytest.param("/register", {"email": "bo@acme.test", "password": "short", "tenant": "acme"}, 422, id="short"),
        pytest.param("/login", {"email": "ana@acme.test", "password": PASSWORD}, 200, id="right password"),
        pytest.param("/login", {"email": "ana@acme.test", "password": "wrong"}, 401, id="wrong password"),
        pytest.param("/login", {"email": "bo@acme.test", "password": PASSWORD}, 401, id="no-receiver"),
    ],
)
def test_who_gets_in(demo: Demo, path: str, body: dict[str, str], status: int) -> None:
    demo.log_in()
    assert demo.client.post(path, json=body).status_code == status
    if path == "/login":
        assert demo.value("business_logins_total", result="ok" if status == 200 else "failed") == 1


def test_another_provider_vouches_for_someone_who_then_has_one_account(demo: Demo) -> None:
    body = {"provider": "github", "code": "abc", "tenant": "acme"}
    assert [demo.client.post("/login/oauth", json=body).status_code for _ in range(2)] == [200, 200]
    assert len(rows(demo, User)) == 1
    assert demo.client.post("/login/oauth", json=body | {"code": REFUSED_CODE}).status_code == 401
    assert demo.value("oauth_logins_total", provider="github", result="ok") == 2
    assert demo.value("oauth_logins_total", provider="github", result="failed") == 1


@pytest.mark.parametrize("path", ["/upgrade", "/cancel", "/exports", "/leads"])
def test_accounts_alone_may(demo: Demo, path: str) -> None:
    body = {"tier": "basic", "card": "tok_visa"} if path == "/upgrade" else None
    assert demo.client.post(path, json=body).status_code == 401
    assert demo.client.post(path, json=body, headers={"Authorization": "Bearer guessed"}).status_code == 401


def test_a_line_names_who_asked_by_a_hash_and_never_by_address(demo: Demo) -> None:
    with captured() as records:
        demo.client.get("/me", headers=demo.log_in())
    (line,) = [record for record in records if record.get("route") == "/me"]
    assert (line["tenant"], line["tier"]) == ("acme", "free")
    assert len(line["user_id"]) == 16 and line["session_id"]
    assert "ana@acme.test" not in json.dumps(records)


def test_a_plan_is_paid_for_confirmed_by_the_provider_and_can_be_given_back(demo: Demo) -> None:
    ana = demo.log_in()
    bought = demo.client.post("/upgrade", json={"tier": "premium", "card": "tok_visa"}, headers=ana).json()
    assert demo.client.get("/me", headers=ana).json()["tier"] == "premium"
    assert (demo.value("payments_total", provider="stripe", result="ok"),) == (1,)
    assert demo.value("payment_amount_usd_total", result="ok") == 29

    (payment,) = rows(demo, PaymentRow)
    assert call_back(demo, {"type": "charge.succeeded", "charge": payment.charge}) == 204
    assert rows(demo, PaymentRow)[0].confirmed

    assert demo.client.post(f"/payments/{bought['payment']}/refund", headers=ana).status_code == 200
    assert demo.client.post(f"/payments/{bought['payment']}/refund", headers=ana).status_code == 404, "only once"
    assert demo.client.get("/me", headers=ana).json()["tier"] == "free"
    assert demo.value("payments_total", provider="stripe", result="refunded") == 1
    assert demo.value("business_churned_total", tier="premium") == 1


def test_a_payment_of_another_user_cannot_be_given_back(demo: Demo) -> None:
    body = {"tier": "basic", "card": "tok_visa"}
    bought = demo.client.post("/upgrade", json=body, headers=demo.log_in()).json()
    answer = demo.client.post(f"/payments/{bought['payment']}/refund", headers=demo.log_in("bo"))
    assert answer.status_code == 404


@pytest.mark.parametrize(("card", "fault", "status"), [(DECLINED_CARD, "ok", 402), ("tok_visa", "5xx", 503)])
def test_a_payment_that_fails_is_counted_and_changes_no_plan(demo: Demo, card: str, fault: str, status: int) -> None:
    ana = demo.log_in()
    demo.fault("payments", fault)
    assert demo.client.post("/upgrade", json={"tier": "basic", "card": card}, headers=ana).status_code == status
    assert demo.client.get("/me", headers=ana).json()["tier"] == "free"
    assert demo.value("payments_total", provider="stripe", result="failed") == 1
    assert rows(demo, PaymentRow)[0].status == "failed"


def call_back(demo: Demo, event: Any, key: bytes = b"hush", body: bytes | None = None) -> int:
    body = json.dumps(event).encode() if body is None else body
    answer = demo.client.post("/webhooks/payments", content=body, headers={HEADER: sign(body, key)})
    return answer.status_code


def test_only_what_a_provider_signed_is_believed(demo: Demo) -> None:
    assert call_back(demo, {"charge": "ch_1"}, key=b"guessed") == 401
    assert call_back(demo, None, body=b"{") == 422
    assert call_back(demo, ["no", "event"]) == 422
    assert demo.value("webhooks_total", source="payments", result="rejected") == 3
    assert call_back(demo, {"type": "charge.succeeded", "charge": "ch_unknown"}) == 204
    assert demo.value("webhooks_total", source="payments", result="processed") == 1
    assert demo.client.post("/webhooks/bank", content=b"{}").status_code == 422


def test_the_figures_of_the_business_follow_from_the_database(demo: Demo) -> None:
    ana = demo.log_in()
    demo.log_in("bo")
    demo.client.post("/upgrade", json={"tier": "basic", "card": "tok_visa"}, headers=ana)
    demo.client.post("/analyze", json={"text": "Hello."}, headers=ana)
    until(lambda: demo.value("cost_spent_usd", provider="openai"), "the cost of the analysis", 5)
    assert demo.value("business_mrr_usd") == 9
    users = [demo.value("business_users", tier=tier) for tier in ("free", "basic", "premium")]
    assert users == [1, 1, 0]
    assert [demo.value("business_active_users", window=window) for window in ("1d", "30d")] == [2, 2]
    assert demo.value("tenant_active_sites", tenant="borealis") == 2
    assert (demo.value("cost_spent_usd", provider="openai") or 0) > 0
    assert demo.value("business_refresh_failures_total") == 0


def test_what_browsers_and_tenants_do_is_counted(demo: Demo) -> None:
    ana = demo.log_in()
    assert demo.client.post("/client-errors", json={"kind": "TypeError"}).status_code == 204
    assert demo.client.post("/client-errors", json={"kind": "<script>"}).status_code == 422
    demo.client.post("/leads", json={"site": 1}, headers=ana)
    demo.client.post("/exports", headers=ana)
    demo.client.get("/items/1", headers=ana)
    for _ in range(2):
        demo.client.get("/search?q=oak")
    assert demo.value("web_js_errors_total", kind="TypeError") == 1
    for event in ("lead", "export", "page_view"):
        assert demo.value("tenant_events_total", tenant="acme", event=event) == 1
    assert demo.value("usage_total", what="search", name="oak") == 1
