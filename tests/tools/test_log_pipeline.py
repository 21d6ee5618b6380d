"""From a line in a log file to a line found in Loki, with the real programs and the configuration as it is rendered.

A key that the collector does not know is ignored by it, so each operator is held to its effect here.
"""

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
import requests

from generator.apply.collector import compare_collector
from generator.apply.loki import compare_loki
from generator.artifact import Artifact
from generator.check.checkers import CheckedTree, check_collector
from generator.clients.tools import run_tool
from generator.conventions import (
    SEAL_FILE,
    logs_token,
)
from generator.parts.table import PORTS
from generator.render.collector.config import STATE, render_collector
from generator.render.collector.records import FIELDS
from generator.render.loki import render_loki
from generator.site.model import Budget, Logs, Service, Site
from tests.support.waiting import until
from tests.tools.log_lab import ContainerLog, Lab, Record, docker, why_not
from tests.unit.redaction_cases import LOOK_ALIKES, SECRETS
from tests.unit.sites import STACK, make_service, make_site
from tests.unit.tracebacks import TRACEBACKS

MIB: Final = 2**20
MEMORY: Final = {"loki": 256 * MIB, "collector": 144 * MIB}
TOKENS: Final = {"mobile": "token-of_mobile", "edge-fn": "-token--of_edge"}
HOUR: Final = 3600 * 10**9
DAY: Final = 24 * HOUR

WHY_NOT: Final = why_not()
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "it can be set up")


def rendered(site: Site) -> tuple[Artifact, ...]:
    return (*render_loki(site), *render_collector(site))


def shop(retention_days: int = 30, more: tuple[Service, ...] = ()) -> Site:
    """A site with a service for each way in which lines arrive."""
    services = (
        make_service("api"),
        make_service("batch", logs=Logs("file", "/var/log/batch/batch.log")),
        make_service("legacy", logs=Logs("file", "/var/log/legacy/app.log"), environment="staging"),
        make_service("mobile", logs=Logs("push")),
        make_service("edge-fn", logs=Logs("push")),
        *more,
    )
    stack = {name: getattr(STACK, name) for name in STACK.__slots__} | {"retention_logs": retention_days * 86400}
    budget = Budget(memory=MEMORY, metrics_disk=0, logs_disk=0, queue_disk=64 * MIB)
    return make_site(*services, stack=type(STACK)(**stack), budget=budget)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    made = Lab(tmp_path_factory.mktemp("logs"), MEMORY)
    made.configure(rendered(shop()))
    for name, token in TOKENS.items():
        made.secret(logs_token(name), token)
    made.secret(SEAL_FILE, "hmac-tokens")
    try:
        made.start()
        yield made
    finally:
        made.close()


def arrived(lab: Lab, service: str, count: int, seconds: float = 30) -> list[Record]:
    """The lines of a service, once there are as many as were written."""

    def check() -> list[Record]:
        found = lab.search(f'{{service_name="{service}"}}')
        assert len(found) >= count, f"{len(found)} of {count}"
        return found

    found: list[Record] = until(check, f"{count} lines of {service}", seconds)
    assert len(found) == count
    return found


def entry(**fields: Any) -> str:
    return json.dumps({"timestamp": "2026-11-21T10:00:00Z", "level": "info", "message": "done", **fields})


# --- a line on its way --------------------------------------------------------------------------------------


def test_the_programs_themselves_find_no_fault(tmp_path: Path) -> None:
    for artifact in rendered(shop()):
        path = tmp_path / artifact.path
        path.parent.mkdir(exist_ok=True)
        path.write_text(artifact.content)
    run = run_tool("loki", ["-config.file=loki/loki.yaml", "-verify-config"], tmp_path)
    assert run.code == 0, run.output
    assert check_collector(CheckedTree(tmp_path, shop(), {each.path: each for each in rendered(shop())})) == []


def test_a_json_line_is_found_by_its_fields(lab: Lab) -> None:
    fields = {"request_id": "r-1", "lead_id": 2**53 + 1, "duration_ms": 12.5, "error_type": "ValueError", "status": 500}
    line = entry(**fields, tenant={"id": 5}, extra="stays in the line", log={"file": "x"}).replace("info", "CRITICAL")
    at = time.time_ns()
    lab.log("fields").write(line, at=at)
    arrived(lab, "fields", 1)
    found = lab.search('{service_name="fields"} | request_id="r-1" | detected_level="fatal"')
    assert [(record.line, record.at) for record in found] == [(line, at)]
    assert found[0].fields == {
        "service_name": "fields",
        "environment": "production",
        "host_name": "server",
        "compose_project": "shop",
        "container": "shop-fields-1",
        "request_id": "r-1",
        "lead_id": "9007199254740993",
        "duration_ms": "12.5",
        "error_type": "ValueError",
        "status": "500",
        "severity_text": "FATAL",
        "severity_number": "21",
        "detected_level": "fatal",
    }


def test_every_field_that_is_expected_can_be_searched_by(lab: Lab) -> None:
    lab.log("expected").write(entry(**{name: f"value of {name}" for name in FIELDS}))
    (record,) = arrived(lab, "expected", 1)
    assert {name: record.fields.get(name) for name in FIELDS} == {name: f"value of {name}" for name in FIELDS}


@pytest.mark.parametrize(
    ("written", "number", "level"),
    [
        ({"level": "warning"}, "13", "warn"),
        ({"level": "x", "severity": "ERROR"}, "17", "error"),
        ({"level": None, "levelname": "DEBUG"}, "5", "debug"),
        ({"level": "notice"}, "9", "info"),
        ({"level": 20}, None, "unknown"),
    ],
    ids=["level", "severity", "levelname", "another word", "a number, which says something else in every library"],
)
def test_the_level_is_read_under_the_names_that_libraries_use(
    lab: Lab, written: dict[str, Any], number: str | None, level: str
) -> None:
    service = f"level-{level}"
    lab.log(service).write(entry(**written))
    fields = arrived(lab, service, 1)[0].fields
    assert (fields.get("severity_number"), fields["detected_level"]) == (number, level)


def test_a_line_that_docker_cut_is_whole_again(lab: Lab) -> None:
    """Even when the other stream of the same container writes in between."""
    long = entry(request_id="long", text="é" * 40_000)
    log = lab.log("cut")
    log.write(long[:20_000], ended=False)
    log.write("from stderr", stream="stderr")
    log.write(long[20_000:], "after it")
    lines = [record.line for record in arrived(lab, "cut", 3)]
    assert sorted(lines, key=len) == ["after it", "from stderr", long]
    assert lab.search('{service_name="cut"} | request_id="long"')[0].line == long


def test_a_line_longer_than_any_limit_arrives_in_pieces(lab: Lab) -> None:
    text = "x" * 700_000
    lab.log("huge").write(text)
    found = until(lambda: [r for r in [lab.search('{service_name="huge"}')] if len(r) >= 3], "the pieces")[0]
    assert "".join(record.line for record in found) == text


def test_lines_that_are_no_json_are_kept_as_they_are(lab: Lab) -> None:
    written = ["started", '{"broken": ', "[1, 2]", "  { indented }", "tab\there", "Done", "INFO: next"]
    log = lab.log("plain")
    log.write(written[0] + "\r", *written[1:])
    log.garbage('\x00\x00{"log":"half a rec')
    log.write("after the power cut")
    lines = [record.line for record in arrived(lab, "plain", len(written) + 1)]
    assert lines == [*written, "after the power cut"]


def test_the_lines_of_a_traceback_are_one_record(lab: Lab) -> None:
    """Of each stream on its own, whatever stands before and after; a JSON line is never part of one."""
    log = lab.log("traced")
    for name, text in TRACEBACKS.items():
        log.write(entry(request_id=name), *text.splitlines(), entry(request_id=f"after {name}"))
    log.write("crash", "Traceback (most recent call last):", '  File "y.py", line 1, in f')
    log.write("from the other stream", stream="stderr")
    log.write("KeyError: 'y'")
    found = arrived(lab, "traced", 3 * len(TRACEBACKS) + 3)
    assert [record.line for record in found if "request_id" not in record.fields][: len(TRACEBACKS)] == [
        text.rstrip("\n") for text in TRACEBACKS.values()
    ]
    assert {record.fields.get("request_id") for record in found} >= {f"after {name}" for name in TRACEBACKS}


def test_a_traceback_that_is_still_being_written_is_waited_for(lab: Lab) -> None:
    """Even by a collector that was killed meanwhile, which has then read none of it."""
    log = lab.log("growing")
    log.write("ready")
    arrived(lab, "growing", 1)
    lines = TRACEBACKS["logging.exception"].splitlines()
    log.write(*lines[:3])
    time.sleep(0.3)  # the collector has read them, and holds them back
    docker("kill", lab.containers["collector"])
    log.write(*lines[3:])
    docker("start", lab.containers["collector"])
    lab.wait_for_collector()
    assert [record.line for record in arrived(lab, "growing", 2)][1] == "\n".join(lines)


def test_a_traceback_in_a_file_is_one_record_too(lab: Lab) -> None:
    folder = lab.folder / "host/var/log/batch"
    folder.mkdir(parents=True)
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    first, last = (entry(timestamp=now, request_id=name) for name in ("b-1", "b-2"))
    (folder / "batch.log").write_text(f"{first}\n{''.join(TRACEBACKS.values())}{last}\n")
    lines = [record.line for record in arrived(lab, "batch", len(TRACEBACKS) + 2)]
    assert sorted(lines) == sorted([first, last, *(text[:-1] for text in TRACEBACKS.values())])


def test_a_container_without_logging_labels_is_not_lost(lab: Lab) -> None:
    log = lab.log("nameless", labelled=False)
    log.write("who am I")
    query = f'{{service_name="unknown"}} | container="{log.id[:12]}"'
    assert [record.line for record in until(lambda: lab.search(query), "its line")] == ["who am I"]


def test_the_collectors_own_lines_are_left_out(lab: Lab) -> None:
    lab.log("collector", container=lab.containers["collector"]).write("about a line that failed")
    lab.log("after-collector").write("read later")
    arrived(lab, "after-collector", 1)
    assert lab.search('{service_name="collector"}') == []


def test_a_log_file_of_a_process_on_the_machine(lab: Lab) -> None:
    """With the time that the line says, from the rotated file too."""
    folder = lab.folder / "host/var/log/legacy"
    folder.mkdir(parents=True, exist_ok=True)
    minute = time.strftime("%Y-%m-%dT%H:%M", time.gmtime(time.time() - 600))
    (folder / "app.log.1").write_text(entry(timestamp=f"{minute}:01.5+00:00", request_id="f-1") + "\n")
    (folder / "app.log").write_text(entry(timestamp=f"{minute}:02Z", request_id="f-2") + "\nno json here\n")
    (folder / "app.log.2.gz").write_bytes(b"\x1f\x8b packed")
    found = arrived(lab, "legacy", 3)
    assert [record.fields.get("request_id") for record in found] == ["f-1", "f-2", None]
    assert found[1].at - found[0].at == 500_000_000
    assert {record.fields["environment"] for record in found} == {"staging"}


def test_a_time_that_loki_would_refuse_loses_no_line_and_looks_like_no_loss(lab: Lab) -> None:
    """Local time written as UTC counts as now; what is older than two weeks is left out."""
    folder = lab.folder / "host/var/log/legacy"
    folder.mkdir(parents=True, exist_ok=True)
    tomorrow = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86400))
    with (folder / "app.log").open("ab") as file:
        file.write(entry(timestamp=tomorrow, request_id="ahead").encode() + b"\n\xff\xfe no text\n")
    log = lab.log("old")
    log.write("three weeks old", at=time.time_ns() - 21 * DAY)
    log.write("new")
    until(lambda: lab.search('{service_name="legacy"} | request_id="ahead"'), "the line")
    assert [record.line for record in arrived(lab, "old", 1)] == ["new"]
    # The last line of a file waits for one that may belong to it.
    found = until(lambda: lab.search('{service_name="legacy"} |= "no text"'), "the line after it")
    assert len(found) == 1
    assert "otelcol_exporter_send_failed" not in requests.get(lab.url("collector", 8888, "/metrics"), timeout=60).text


def test_only_three_labels_make_streams(lab: Lab) -> None:
    lab.log("streams").write(entry(request_id="s-1"), entry(request_id="s-2"))
    arrived(lab, "streams", 2)
    expected = {"service_name": "streams", "environment": "production", "host_name": "server"}
    assert lab.series('{service_name="streams"}') == [expected]


# --- what must not arrive -----------------------------------------------------------------------------------


def test_secrets_never_arrive_and_look_alikes_do(lab: Lab) -> None:
    """The collector makes of every line exactly what the table says, as the Python reading does."""
    log = lab.log("redaction")
    log.write(*(text for text, _ in SECRETS.values()), *LOOK_ALIKES.values())
    expected = [*(masked for _, masked in SECRETS.values()), *LOOK_ALIKES.values()]
    # An indented line is part of the record before it.
    records = sum(not text.startswith(" ") for text in expected)
    lines = "\n".join(record.line for record in arrived(lab, "redaction", records)).split("\n")
    assert lines == expected


def test_secrets_in_fields_do_not_arrive_either(lab: Lab) -> None:
    texts = {name: text for name, (text, _) in SECRETS.items() if not text.startswith("{")}
    log = lab.log("fields-redaction")
    log.write(*(entry(request_id=str(number), action=text) for number, text in enumerate(texts.values())))
    found = arrived(lab, "fields-redaction", len(texts))
    expected = {str(number): SECRETS[name][1] for number, name in enumerate(texts)}
    assert {record.fields["request_id"]: record.fields["action"] for record in found} == expected


def test_no_secret_waits_in_the_queue_on_disk(lab: Lab) -> None:
    docker("pause", lab.containers["loki"])
    try:
        lab.log("queue").write("password=hunter2-on-disk", "token=[redacted]")

        def on_disk() -> bytes:
            return b"".join(lab.files("collector", STATE).values())

        until(lambda: b"[redacted:secret]" in on_disk(), "a line in the queue")
        assert b"hunter2-on-disk" not in on_disk()
    finally:
        docker("unpause", lab.containers["loki"])


def test_a_pushed_record_comes_out_like_the_others(lab: Lab) -> None:
    def attributes(**values: Any) -> list[dict[str, Any]]:
        return [{"key": key.replace("__", "."), "value": value} for key, value in values.items()]

    body = {"kvlistValue": {"values": attributes(message={"stringValue": "paid by bob@example.com"})}}
    record = {
        "timeUnixNano": str(time.time_ns()),
        "severityNumber": 17,
        "body": body,
        "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
        "attributes": attributes(
            password={"stringValue": "hunter2"},
            note={"stringValue": "Bearer abcdefghijklmnopqrst"},
            user={"kvlistValue": {"values": attributes(id={"intValue": "7"}, apiKey={"stringValue": "s3cret"})}},
        ),
    }
    reported = {
        "service__name": "another user",
        "deployment__environment": "beta",
        "host__name": "fly-1",
        "process__pid": "1",
    }
    resource = {"attributes": attributes(**{key: {"stringValue": value} for key, value in reported.items()})}
    push = {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": [record]}]}]}
    assert pushed(lab, push, TOKENS["mobile"]) == 200
    (found,) = arrived(lab, "mobile", 1)
    assert found.line == '{"message":"paid by [redacted:email]"}'
    assert found.fields == {
        "service_name": "mobile",
        "environment": "beta",
        "host_name": "remote",
        "note": "Bearer [redacted:secret]",
        "user_id": "7",
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "severity_number": "17",
        "detected_level": "error",
    }


def pushed(lab: Lab, push: dict[str, Any], token: str | None) -> int:
    """What the collector answers to a push with this token."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}".rstrip()}
    return requests.post(lab.url("collector", 4318, "/v1/logs"), json=push, headers=headers, timeout=60).status_code


def one_line(text: str, service: str = "") -> dict[str, Any]:
    """A push of one line by someone who calls himself `service`."""
    record = {"timeUnixNano": str(time.time_ns()), "body": {"stringValue": text}}
    named = [{"key": "service.name", "value": {"stringValue": service}}] if service else []
    return {"resourceLogs": [{"resource": {"attributes": named}, "scopeLogs": [{"logRecords": [record]}]}]}


def test_no_one_pushes_without_the_token_of_a_service(lab: Lab) -> None:
    refused = {
        token: pushed(lab, one_line("let me in", "mobile"), token) for token in (None, "", "x", "token-of_mobil")
    }
    assert set(refused.values()) == {401}
    assert pushed(lab, one_line("whose am I"), TOKENS["edge-fn"]) == 200
    assert pushed(lab, one_line("I am mobile", "mobile"), TOKENS["edge-fn"]) == 200
    lines = [record.line for record in arrived(lab, "edge-fn", 2)]
    assert lines == ["whose am I", "I am mobile"]
    assert lab.search('{service_name=~".+"} |= "let me in"') == []


def test_no_token_is_stored_or_logged(lab: Lab) -> None:
    printed = docker("logs", lab.containers["collector"])
    metrics = requests.get(lab.url("collector", 8888, "/metrics"), timeout=60).text
    for token in TOKENS.values():
        assert lab.search(f'{{service_name=~".+"}} |= "{token}"') == []
        assert token not in printed + metrics


# --- when something is down ---------------------------------------------------------------------------------


def count(lab: Lab, service: str) -> dict[str, int]:
    """How often each line of a service is in Loki."""
    seen: dict[str, int] = {}
    for record in lab.search(f'{{service_name="{service}"}}'):
        seen[record.line] = seen.get(record.line, 0) + 1
    return seen


def numbered(log: ContainerLog) -> Callable[[int], list[str]]:
    """A writer of numbered lines; each call returns all that were written so far."""
    written: list[str] = []

    def write(amount: int) -> list[str]:
        lines = [f"line {len(written) + number} {'.' * 300}" for number in range(amount)]
        log.write(*lines)
        written.extend(lines)
        return written

    return write


def test_no_line_is_lost_or_doubled_while_loki_and_the_collector_die(lab: Lab) -> None:
    """Both killed, files rotated meanwhile; then the collector killed alone, while lines are under way."""
    log = lab.log("outage")
    write = numbered(log)
    write(500)
    arrived(lab, "outage", 500)
    docker("kill", lab.containers["loki"])
    for _ in range(3):
        write(600)
        log.rotate()
        time.sleep(0.7)  # more than the time between two looks at the folder
    docker("kill", lab.containers["collector"])
    write(500)
    log.rotate()
    docker("start", lab.containers["collector"])
    write(500)
    docker("start", lab.containers["loki"])
    lab.wait_for_collector()
    write(500)
    time.sleep(0.4)  # some lines are on their way
    docker("kill", lab.containers["collector"])
    docker("start", lab.containers["collector"])
    written = write(100)
    once = dict.fromkeys(written, 1)
    until(lambda: len(count(lab, "outage")) == len(once), "all lines after the outage", 45)
    time.sleep(2)  # in which a line that is sent twice would come
    assert count(lab, "outage") == once


def test_a_collector_that_is_killed_again_and_again_loses_and_doubles_nothing(lab: Lab) -> None:
    """At whatever moment: what was read and not handed on is read again."""
    log = lab.log("killed")
    write = numbered(log)
    for moment in range(6):
        for _ in range(10):
            written = write(150)
            time.sleep(0.05)
        time.sleep(0.06 * moment)  # another one each time
        docker("kill", lab.containers["collector"])
        docker("start", lab.containers["collector"])
    once = dict.fromkeys(written, 1)
    until(lambda: len(count(lab, "killed")) == len(once), "all lines", 60)
    time.sleep(2)  # in which a line that is sent twice would come
    assert count(lab, "killed") == once


def follows(lab: Lab, artifacts: tuple[Artifact, ...]) -> bool:
    """Whether the collector says that it has this configuration."""
    reported = requests.get(lab.url("collector", PORTS["collector"], "/metrics"), timeout=2).text
    return compare_collector({artifact.path: artifact for artifact in artifacts}, reported, "hmac-tokens") == []


def test_a_new_configuration_is_taken_by_a_signal_and_no_line_is_lost_or_doubled(lab: Lab) -> None:
    """While lines are under way; its own metrics then name the configuration that it has."""
    usual = rendered(shop())
    other = rendered(shop(more=(make_service("late", logs=Logs("file", "/var/log/late/app.log")),)))
    until(lambda: follows(lab, usual), "the first configuration")
    started = docker("inspect", "-f", "{{.State.StartedAt}}", lab.containers["collector"])
    log = lab.log("reloaded")
    write = numbered(log)
    for wanted in (other, usual):
        write(300)
        lab.configure(wanted)
        docker("kill", "--signal", "HUP", lab.containers["collector"])
        for _ in range(10):
            written = write(50)
            time.sleep(0.1)
        until(partial(follows, lab, wanted), "the new configuration")
    once = dict.fromkeys(written, 1)
    until(lambda: len(count(lab, "reloaded")) == len(once), "all lines")
    time.sleep(2)  # in which a line that is sent twice would come
    assert count(lab, "reloaded") == once
    assert docker("inspect", "-f", "{{.State.StartedAt}}", lab.containers["collector"]) == started


def test_another_retention_is_read_by_loki_itself_and_read_back(lab: Lab) -> None:
    def differs(artifacts: tuple[Artifact, ...]) -> list[str]:
        reported = requests.get(lab.url("loki", PORTS["loki"], "/metrics"), timeout=60).text
        return compare_loki({artifact.path: artifact for artifact in artifacts}, reported)

    usual, other = rendered(shop()), rendered(shop(retention_days=33))
    assert (differs(usual), differs(other)) == ([], ["its limits are not the rendered ones"])
    lab.configure(other)
    until(lambda: not differs(other), "the new limits", 25)
    lab.configure(usual)
    until(lambda: not differs(usual), "the usual limits", 25)


def test_lines_hours_behind_their_stream_are_taken(lab: Lab) -> None:
    """As when one of two containers was read first after a long stop."""
    log = lab.log("behind")
    log.write("now")
    arrived(lab, "behind", 1)
    lab.log("behind").write("five hours ago", at=time.time_ns() - 5 * HOUR)
    until(lambda: len(lab.search('{service_name="behind"}', hours=6)) == 2, "the old line")


def test_both_show_how_they_are(lab: Lab) -> None:
    metrics = requests.get(lab.url("collector", 8888, "/metrics"), timeout=60).text
    for name in ("otelcol_exporter_queue_size", "otelcol_exporter_sent_log_records_total"):
        assert f"{name}{{" in metrics
    assert docker("exec", lab.containers["loki"], "/usr/bin/loki", "-health") == "Loki is healthy"


def test_a_shorter_retention_is_followed_without_a_restart_and_deletes(lab: Lab) -> None:
    lab.log("expiring").write("twelve days old", at=time.time_ns() - 12 * DAY)

    def stored() -> list[Record]:
        requests.post(lab.url("loki", 3100, "/flush"), timeout=60)
        return lab.search('{service_name="expiring"}', hours=13 * 24)

    until(stored, "the old line")
    docker("stop", lab.containers["loki"])
    docker("rm", "--volumes", lab.containers.pop("loki"))
    # As rendered, but for the ten minutes between two looks.
    lab.create("loki", {lab.volumes["loki"]: "/loki"}, "-compactor.compaction-interval=2s")
    until(lambda: _day_index(lab, 12), "the index of that day")
    time.sleep(5)  # two looks of the compactor
    assert _day_index(lab, 12), "within the retention nothing is deleted"
    lab.configure(rendered(shop(retention_days=10)))
    until(lambda: not _day_index(lab, 12), "the end of that day's index")
    assert docker("inspect", "-f", "{{.RestartCount}}", lab.containers["loki"]) == "0"


def _day_index(lab: Lab, days_ago: int) -> list[str]:
    day = int(time.time() // 86400) - days_ago
    return [name for name in lab.files("loki", f"/loki/chunks/index/index_{day}") if name.endswith(".gz")]
