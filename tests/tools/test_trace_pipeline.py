"""From an app's span to the store, through the real collector with the pipeline as it is rendered.

The collector is the host's tool. Of its configuration the pipeline of spans is run, with addresses on loopback; the
store is a stub that speaks OTLP.
"""

import io
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import requests
import structlog
import yaml
from fastapi import FastAPI
from fastapi.testclient import TestClient
from lookout_instrumentation import Settings
from lookout_instrumentation import fastapi as lookout_fastapi
from lookout_instrumentation.logs import configure_logging
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from generator.check.checkers import CheckedTree, check_collector
from generator.render.collector.config import render_collector
from tests.instrumentation.otlp_stub import OtlpStub, Received
from tests.support.servers import free_port
from tests.support.tools import tool
from tests.support.waiting import until
from tests.unit.redaction_cases import LOOK_ALIKES, SECRETS
from tests.unit.sites import STACK, make_service, make_site

RATE_SECONDS: Final = 60


def site() -> Any:
    stack = {name: getattr(STACK, name) for name in STACK.__slots__} | {"traces": True, "retention_traces": 604800}
    return make_site(make_service("api"), stack=type(STACK)(**stack))


@dataclass
class Pipeline:
    """The collector and the store behind it."""

    endpoint: str
    metrics: str
    store: OtlpStub

    def push(self, *spans: Span, **resource: str) -> int:
        """Send spans as an app of another user's making would; what the collector answers."""
        request = ExportTraceServiceRequest(resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=spans)])])
        request.resource_spans[0].resource.attributes.extend(pairs(resource))
        body, headers = request.SerializeToString(), {"Content-Type": "application/x-protobuf"}
        return requests.post(f"{self.endpoint}/v1/traces", data=body, headers=headers, timeout=60).status_code

    def arrived(self, wanted: Callable[[Received], bool], count: int) -> list[Received]:
        """The spans that are wanted, once there are as many."""

        def all_of_them() -> list[Received]:
            found = [span for span in self.store.spans if wanted(span)]
            assert len(found) >= count, f"{len(found)} of {count}"
            return found

        return until(all_of_them, f"{count} spans", RATE_SECONDS)


def pairs(values: dict[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=any_value(value)) for key, value in values.items()]


def any_value(value: Any) -> AnyValue:
    if isinstance(value, list):
        return AnyValue(array_value=ArrayValue(values=[any_value(item) for item in value]))
    if isinstance(value, dict):
        return AnyValue(kvlist_value=KeyValueList(values=pairs(value)))
    return AnyValue(int_value=value) if isinstance(value, int) else AnyValue(string_value=value)


def span(name: str, **attributes: Any) -> Span:
    now = time.time_ns()
    reported = pairs({key.replace("__", "."): value for key, value in attributes.items()})
    made = Span(name=name, attributes=reported, start_time_unix_nano=now, end_time_unix_nano=now + 10**6)
    made.trace_id, made.span_id = b"\x01" * 16, b"\x02" * 8
    return made


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    folder = tmp_path_factory.mktemp("traces")
    apps, metrics = free_port(), free_port()
    with OtlpStub() as store:
        config = yaml.safe_load(render_collector(site())[0].content)
        config["receivers"] = {"otlp/traces": config["receivers"]["otlp/traces"]}
        config["receivers"]["otlp/traces"]["protocols"]["http"]["endpoint"] = f"127.0.0.1:{apps}"
        config["exporters"] = {"otlp_http/traces": config["exporters"]["otlp_http/traces"]}
        config["exporters"]["otlp_http/traces"]["endpoint"] = store.endpoint
        wanted = config["service"]["pipelines"]["traces"]["processors"]
        config["processors"] = {name: config["processors"][name] for name in wanted}
        config["extensions"] = {}
        reader = config["service"]["telemetry"]["metrics"]["readers"][0]["pull"]["exporter"]["prometheus"]
        reader.update(host="127.0.0.1", port=metrics)
        config["service"].update(extensions=[], pipelines={"traces": config["service"]["pipelines"]["traces"]})
        (folder / "collector.yaml").write_text(yaml.safe_dump(config))
        with (folder / "log").open("wb") as log:
            command = [str(tool("otelcol-contrib")), "--config=collector.yaml"]
            process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
        try:
            made = Pipeline(f"http://127.0.0.1:{apps}", f"http://127.0.0.1:{metrics}/metrics", store)
            wait_until_up(made, process, folder / "log")
            yield made
        finally:
            process.terminate()
            process.wait(20)


def wait_until_up(pipeline: Pipeline, process: subprocess.Popen[bytes], log: Path) -> None:
    """Or say what it wrote: at once when it ended, else when it took too long."""
    with suppress(AssertionError):
        until(lambda: process.poll() is not None or pipeline.push() == 200, "the collector answers")
    assert process.poll() is None and pipeline.push() == 200, log.read_text()


def test_the_collector_finds_no_fault(tmp_path: Path) -> None:
    rendered = render_collector(site())
    for artifact in rendered:
        path = tmp_path / artifact.path
        path.parent.mkdir(exist_ok=True)
        path.write_text(artifact.content)
    assert check_collector(CheckedTree(tmp_path, site(), {each.path: each for each in rendered})) == []


def test_a_request_is_found_in_the_store_by_the_trace_of_its_line(pipeline: Pipeline) -> None:
    app, lines = FastAPI(), io.StringIO()
    settings = Settings(service="shop", traces_endpoint=pipeline.endpoint, traces_ratio=1.0)
    lookout = lookout_fastapi.init(app, settings=settings, logging=False)
    logs = configure_logging(settings, lookout.metrics, lines)

    @app.get("/orders/{number}")
    def order(number: int) -> dict[str, int]:
        with lookout.span("price", items=number):
            structlog.get_logger("shop").info("priced")
        return {"number": number}

    with TestClient(app) as client:
        request_id = client.get("/orders/7").headers["X-Request-ID"]
    lookout.close()
    logs.stop()
    written = [json.loads(line) for line in lines.getvalue().splitlines()]
    (priced,) = (line for line in written if line["message"] == "priced")
    (access,) = (line for line in written if line["message"] == "request" and line["route"] == "/orders/{number}")
    found = pipeline.arrived(lambda span: span.trace_id == priced["trace_id"], 2)
    assert {span.name: span.span_id for span in found} == {
        "price": priced["span_id"],
        "GET /orders/{number}": access["span_id"],
    }
    assert {span.attributes.get("request_id") for span in found} == {None, request_id}
    assert found[0].resource == {
        "service.name": "shop",
        "service.version": "unknown",
        "deployment.environment.name": "production",
    }


def test_no_secret_arrives_and_look_alikes_do(pipeline: Pipeline) -> None:
    """Wherever it stands, from whatever sends it: the table is that of log lines."""
    texts = {name: text for name, (text, _) in SECRETS.items()}
    for number, text in enumerate(texts.values()):
        made = span(f"secret {number}", note=text)
        made.events.append(Span.Event(name="exception", attributes=pairs({"exception.message": text})))
        assert pipeline.push(made, **{"service.name": "other"}) == 200
    for number, text in enumerate(LOOK_ALIKES.values()):
        pipeline.push(span(f"alike {number}", note=text))
    found = pipeline.arrived(lambda span: span.name.startswith(("secret", "alike")), len(texts) + len(LOOK_ALIKES))
    notes = {span.name: span.attributes["note"] for span in found}
    expected = {f"secret {number}": SECRETS[name][1] for number, name in enumerate(texts)}
    expected |= {f"alike {number}": text for number, text in enumerate(LOOK_ALIKES.values())}
    assert notes == expected
    said = {span.name: span.events[0]["exception.message"] for span in found if span.events}
    assert said == {name: text for name, text in expected.items() if name.startswith("secret")}


def test_a_secret_is_found_in_names_states_lists_maps_and_resources(pipeline: Pipeline) -> None:
    made = span(
        "GET /login?password=hunter2",
        password="hunter2",
        http__request__header__authorization=["Bearer hunter2-hunter2-hunter2"],
        deep={"token": "hunter2", "note": "password=hunter2"},
        count=3,
    )
    made.status.CopyFrom(Status(code=Status.STATUS_CODE_ERROR, message="no such password=hunter2"))
    reported = {"service.name": "leaky", "process.command_line": "serve --password hunter2"}
    assert pipeline.push(made, **reported) == 200
    (found,) = pipeline.arrived(lambda span: span.resource.get("service.name") == "leaky", 1)
    assert found.resource == {"service.name": "leaky"}
    assert found.attributes["count"] == 3
    assert not any(b"hunter2" in body for body in pipeline.store.bodies)


def test_spans_wait_while_the_store_is_away_and_the_app_does_not(pipeline: Pipeline) -> None:
    pipeline.store.status = 503
    began = time.monotonic()
    for number in range(50):
        assert pipeline.push(span(f"waiting {number}")) == 200
    taken = time.monotonic() - began
    time.sleep(2)  # in which none may come
    assert not any(span.name.startswith("waiting") for span in pipeline.store.spans)
    pipeline.store.status = 200
    pipeline.arrived(lambda span: span.name.startswith("waiting"), 50)
    assert taken < 30  # each that waits for the store would take five seconds


def test_what_is_refused_for_good_is_counted(pipeline: Pipeline) -> None:
    pipeline.store.status = 400
    assert pipeline.push(span("refused")) == 200
    counter = "otelcol_exporter_send_failed_spans"
    until(lambda: counter in requests.get(pipeline.metrics, timeout=5).text, "the count", RATE_SECONDS)
    pipeline.store.status = 200
