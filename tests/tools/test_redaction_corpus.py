"""No planted secret is anywhere on the way from an app to Loki, with the real collector and the real Loki.

What an app with the library writes is looked at in the container's log file, in the collector's queue on disk and in
Loki; what an app without it writes in the last two, as the collector is then the only one that masks.
"""

import json
from collections.abc import Iterator
from typing import Final

import pytest
import structlog
from lookout_instrumentation.redaction import REDACTOR

from generator.render.collector.config import STATE, render_collector
from generator.render.loki import render_loki
from tests.instrumentation.corpus import LOOK_ALIKES, PLANTED, Call, say
from tests.instrumentation.listening import listening
from tests.support.waiting import until
from tests.tools.log_lab import ContainerLog, Lab, Record, docker, why_not
from tests.unit.sites import make_service, make_site

MEMORY: Final = {"loki": 320 * 2**20, "collector": 160 * 2**20}
SECRETS: Final = [secret for call in PLANTED for secret in {call.secret, json.dumps(call.secret)[1:-1]}]
WHY_NOT: Final = why_not()
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "it can be set up")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    made = Lab(tmp_path_factory.mktemp("corpus"), MEMORY)
    site = make_site(make_service("api"))
    made.configure((*render_loki(site), *render_collector(site)))
    try:
        made.start()
        yield made
    finally:
        made.close()


def by_the_library(calls: list[Call]) -> list[str]:
    with listening() as captured:
        logger = structlog.get_logger("own")
        for call in calls:
            say(logger, call)
        captured.logs.flush()
    return captured.stream.getvalue().split("\n")[:-1]


def through(lab: Lab, service: str, lines: list[str], log: ContainerLog | None = None) -> list[Record]:
    """What Loki holds of these lines of a service."""
    (log or lab.log(service)).write(*lines)
    query = f'{{service_name="{service}"}}'

    def all_there() -> list[Record]:
        found = lab.search(query)
        assert len(found) == len(lines), f"{len(found)} of {len(lines)}"
        return found

    return until(all_there, "all lines", 60)


def leaks(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


def everything(records: list[Record]) -> str:
    return "\n".join(f"{record.line}\n{record.fields}" for record in records)


def test_what_an_app_with_the_library_writes_holds_no_secret_anywhere(lab: Lab) -> None:
    lines = by_the_library(PLANTED)
    log = lab.log("library")
    found = through(lab, "library", lines, log)
    file = (lab.folder / "containers" / log.id / f"{log.id}-json.log").read_text()
    assert file.count("\n") >= len(PLANTED)
    assert leaks(file) == []
    assert leaks(everything(found)) == []


def test_what_an_app_without_it_writes_is_masked_by_the_collector(lab: Lab) -> None:
    """And the collector makes of each line exactly what the table's reading in Python says."""
    lines = [call.raw() for call in PLANTED]
    assert len(leaks("\n".join(lines))) >= len(PLANTED)
    found = through(lab, "raw", lines)
    assert leaks(everything(found)) == []
    assert [record.line for record in found] == [REDACTOR.text(line, checked=False) for line in lines]


def test_no_secret_waits_in_the_queue_on_disk(lab: Lab) -> None:
    docker("pause", lab.containers["loki"])
    try:
        log = lab.log("queued")
        log.write(*(call.raw() for call in PLANTED), "the last of all")

        def on_disk() -> str:
            return "".join(content.decode("latin-1") for content in lab.files("collector", STATE).values())

        until(lambda: "the last of all" in on_disk(), "the lines in the queue")
        assert leaks(on_disk()) == []
    finally:
        docker("unpause", lab.containers["loki"])


def test_what_only_looks_like_a_secret_arrives_as_it_was(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [call.raw() for call in LOOK_ALIKES]
    plain = through(lab, "look-alikes", lines)
    written = by_the_library(LOOK_ALIKES)
    both = through(lab, "look-alikes-library", written)
    touched = [call.name for call, line, record in zip(LOOK_ALIKES, lines, plain, strict=True) if record.line != line]
    twice = [
        call.name
        for call, record in zip(LOOK_ALIKES, both, strict=True)
        if any(json.loads(record.line)[name] != json.loads(call.raw())[name] for name in ("message", *call.fields))
    ]
    with capsys.disabled():
        print(
            f" {len(LOOK_ALIKES)} look-alikes: {len(touched)} touched by the collector, {len(twice)} on the whole way"
        )
    assert len(touched) <= 0.02 * len(LOOK_ALIKES)
    assert len(twice) <= 0.02 * len(LOOK_ALIKES)
