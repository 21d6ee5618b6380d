"""What the demo's own lines say; what every app writes is tested with the library."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.demo_api import ITEM, Demo, captured, running, settings_in


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    with running(settings_in(tmp_path)) as demo:
        yield demo


def test_every_line_of_a_request_carries_its_id_and_what_was_done(demo: Demo) -> None:
    with captured() as records:
        first = demo.client.post("/analyze", json={"text": "one"}).headers["X-Request-ID"]
        second = demo.client.post("/analyze", json={"text": "two"}).headers["X-Request-ID"]
    ids = [record["request_id"] for record in records if record.get("action") == "analyze"]
    assert ids == [first, first, second, second]


def test_a_crash_is_one_error_line_with_its_type_and_one_access_line(demo: Demo) -> None:
    demo.switch(errors=1)
    with captured() as records:
        demo.client.get("/items/1")
    lines = {record["level"]: record for record in records if record.get("route") == ITEM}
    assert lines.keys() == {"error", "warning"}
    assert lines["error"]["error_type"] == "InjectedFault"
    assert "Traceback" in lines["error"]["exception"]


def test_a_lead_is_a_line_with_its_site(demo: Demo) -> None:
    with captured() as records:
        demo.client.post("/leads", json={"site": 2}, headers=demo.log_in())
    (line,) = [record for record in records if record["message"] == "lead noted"]
    assert (line["tenant"], line["site"], line["action"]) == ("acme", "acme-2", "lead")


def test_the_error_of_a_browser_is_a_line_with_its_type(demo: Demo) -> None:
    with captured() as records:
        demo.client.post("/client-errors", json={"kind": "TypeError", "message": "x is undefined"})
    (line,) = [record for record in records if record["logger"] == "demo.product"]
    assert (line["level"], line["error_type"]) == ("warning", "TypeError")
