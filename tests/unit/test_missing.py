"""`lookout check --live`: what the running targets do not export. Its words are the rule's own."""

import json
from collections.abc import Callable
from typing import Any, Final

import pytest

from generator.clients.http import TooLarge
from generator.diagnostics import Diagnostic, exit_code
from generator.pipeline import resolve_text
from generator.verbs import missing
from generator.verbs.missing import check_live, missing_of

SHOP: Final = (
    'channels: {ops: {slack: {channel: "#ops"}}}\nservices:\n  api: {kind: [http, llm], targets: [api:8000]}\n'
)
HANDLER: Final = "http_request_duration_seconds_bucket{handler}"
UP: Final = 'up{service="api"} == 1'
ANSWERS: Final = [{"metric": {"instance": "api:8000"}, "value": [0, "1"]}]


def lack(**labels: str) -> list[dict[str, Any]]:
    return [{"metric": labels, "value": [0, "1"]}]


def found(monkeypatch: pytest.MonkeyPatch, answer: Callable[[str], list[dict[str, Any]]]) -> tuple[Diagnostic, ...]:
    def ask(url: str, path: str, parameters: dict[str, str]) -> dict[str, Any]:
        assert (url, path) == ("http://prometheus", "query")
        return {"result": json.loads(json.dumps(answer(parameters["query"])))}

    monkeypatch.setattr(missing, "ask", ask)
    return missing_of(resolve_text(SHOP, "services.yaml")[0], "http://prometheus")


def test_each_lack_is_an_error_with_the_alerts_that_cannot_fire(monkeypatch: pytest.MonkeyPatch) -> None:
    site, _ = resolve_text(SHOP, "services.yaml")
    (rule,) = (alert.expr for alert in site.alerts if alert.name == "MetricsMissing" and alert.service == "api")

    def answer(query: str) -> list[dict[str, Any]]:
        if query == UP:
            return ANSWERS
        return lack(missing=HANDLER) if query == rule else lack(__name__="llm_requests_total")

    (problem,) = found(monkeypatch, answer)
    assert problem.code == "check/missing"
    assert problem.message == f"'api' exports no {HANDLER}"
    assert problem.notes == ("alerts that cannot fire: HttpEndpointSlow",)
    assert problem.span is not None and problem.span.line == 3
    assert exit_code([problem]) == 1


def test_a_target_that_exports_nothing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = "metric that alerts read"
    note, problem = found(
        monkeypatch, lambda query: ANSWERS if query == UP else lack(missing=nothing, instance="api:8000", __name__="x")
    )
    assert problem.message == f"api:8000 exports no {nothing}"
    assert problem.notes == ("alerts that cannot fire: all that read metrics of http, llm",)
    assert note.level == "note"


def test_what_waits_for_its_first_event_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    (note,) = found(monkeypatch, lambda query: ANSWERS if query == UP else [])
    assert note.level == "note" and "llm_requests_total yet" in note.message
    assert exit_code([note]) == 0


def test_of_a_service_that_does_not_answer_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    (note,) = found(monkeypatch, lambda _query: [])
    assert (note.level, note.message) == ("note", "no target of 'api' answers now")


def test_a_prometheus_that_takes_too_long_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(_query: str) -> list[dict[str, Any]]:
        raise TooLarge("query timed out")

    (note,) = found(monkeypatch, answer)
    assert note.level == "note" and "takes too long" in note.message


def test_the_file_is_compiled_and_the_stack_beside_it_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    file = tmp_path / "services.yaml"
    file.write_text(SHOP, encoding="utf-8")
    monkeypatch.setenv("PROMETHEUS_URL", "http://elsewhere/")
    asked: list[str] = []

    def ask(url: str, _path: str, _parameters: dict[str, str]) -> dict[str, Any]:
        asked.append(url)
        return {"result": []}

    monkeypatch.setattr(missing, "ask", ask)
    assert [each.level for each in check_live(file, tmp_path)] == ["note"]
    assert set(asked) == {"http://elsewhere"}
