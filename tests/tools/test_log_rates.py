"""How much the log pipeline carries, what an outage costs, and how fast a request is found in a long history.

The real collector and Loki as the committed services.yaml renders them, with their memory limits. Small by default;
LOOKOUT_SOAK=1 takes the numbers that docs/measurements.md shows. Run with -s to read the figures.
"""

import heapq
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
import requests
import yaml

from generator.artifact import Artifact
from generator.pipeline import resolve_text
from generator.render.collector.config import render_collector
from generator.render.loki import render_loki
from generator.site.model import Site
from tests.support.soak import size
from tests.support.tables import Aim
from tests.support.waiting import until
from tests.tools.log_lab import ROOT, Lab, docker, why_not
from tests.tools.log_load import (
    SECOND,
    Writer,
    access_line,
    counted,
    cpu_seconds,
    peak_memory,
    push_history,
    stored_numbers,
    uuid7,
)

A_MINUTE: Final = 100_000
# The rate at which the history's searched hour was written, and at which an outage of an hour is counted.
USUAL: Final = 10_000
VOLUME_SECONDS: Final = size(20, 300)
# In an outage the machine also has to catch up.
OUTAGE_A_MINUTE: Final = size(30_000, A_MINUTE)
OUTAGE_SECONDS: Final = size(20, 120)
BACKLOG_LINES: Final = size(20_000, 60 * USUAL)
HISTORY_DAYS: Final = 30
THIN: Final = size(1, 20)
FULL_MINUTES: Final = size(5, 60)
# Seconds for `lookout logs --request-id`.
AIM: Final = 2.0
SERVICES: Final = ("api", "worker", "billing", "bot", "web")
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

WHY_NOT: Final = why_not()
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "it can be set up")


def demo() -> Site:
    """The committed site, but that the collector asks no Docker about containers: there is no proxy for it here."""
    text = (ROOT / "services.yaml").read_text(encoding="utf-8")
    site, _ = resolve_text(text.replace("stack:\n", "stack:\n  containers: false\n", 1), "services.yaml")
    return site


def for_history(artifacts: tuple[Artifact, ...]) -> tuple[Artifact, ...]:
    """As rendered, but that Loki takes lines as old as it keeps them: no history is written in a day otherwise."""
    made = []
    for artifact in artifacts:
        text = artifact.content
        if artifact.path == "loki/loki.yaml":
            config = yaml.safe_load(text)
            config["limits_config"]["reject_old_samples_max_age"] = f"{HISTORY_DAYS + 1}d"
            text = yaml.safe_dump(config)
        if artifact.path == "loki/overrides.yaml":
            overrides = yaml.safe_load(text)
            overrides["overrides"]["fake"] |= {"retention_period": "40d", "max_query_lookback": "40d"}
            text = yaml.safe_dump(overrides)
        made.append(Artifact(artifact.path, text))
    return tuple(made)


@contextmanager
def running(folder: Path, made: Callable[[tuple[Artifact, ...]], tuple[Artifact, ...]]) -> Iterator[Lab]:
    site = demo()
    lab = Lab(folder, {part: site.budget.memory[part] for part in ("loki", "collector")})
    lab.configure(made((*render_loki(site), *render_collector(site))))
    try:
        lab.start()
        yield lab
    finally:
        lab.close()


@pytest.fixture(scope="module")
def as_rendered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running(tmp_path_factory.mktemp("rates"), lambda artifacts: artifacts) as made:
        yield made


@pytest.fixture
def lab(as_rendered: Lab) -> Lab:
    """One for all: each test writes as a service of its own. Of one that failed in an outage the next sees nothing."""
    for container in as_rendered.containers.values():
        docker("start", container)
    as_rendered.wait_until_ready()
    return as_rendered


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Lab]:
    with running(tmp_path, for_history) as made:
        yield made


def all_arrived(lab: Lab, writer: Writer, service: str, began: int, seconds: float) -> tuple[int, int]:
    """Wait until every line is there: how many are there more than once, and how many there are too many."""

    def all_there() -> Counter[int]:
        # Counting all is cheap; which they are is asked once there can be enough.
        count = counted(lab, service, (time.time_ns() - began) // MINUTE + 10)
        assert count >= writer.written, f"{count} lines"
        seen = stored_numbers(lab, service, began)
        missing = sorted(set(range(writer.written)) - seen.keys())
        assert not missing, f"{len(missing)} are missing, the first is {missing[0]}"
        return seen

    seen = until(all_there, f"{writer.written} lines of {service}", seconds, every=1)
    return sum(count > 1 for count in seen.values()), seen.total() - writer.written


def test_a_hundred_thousand_lines_a_minute_arrive_each_once(lab: Lab) -> None:
    writer, began = Writer(lab.log("load")), time.time_ns()
    took = writer.at_rate(A_MINUTE, VOLUME_SECONDS)
    ended = time.monotonic()
    twice, too_many = all_arrived(lab, writer, "load", began, 60 + VOLUME_SECONDS)
    lag = time.monotonic() - ended
    print(
        f"\nvolume: {writer.written:,} lines in {took:.1f} s ({writer.written / took * 60:,.0f} a minute), all in Loki "
        f"at most {lag:.1f} s later; collector {cpu_seconds(lab, 'collector'):.1f} CPU-s "
        f"({writer.written / cpu_seconds(lab, 'collector'):,.0f} lines a CPU-second), "
        f"peak {peak_memory(lab, 'collector')} MiB; Loki {cpu_seconds(lab, 'loki'):.1f} CPU-s, "
        f"peak {peak_memory(lab, 'loki')} MiB"
    )
    assert (twice, too_many) == (0, 0)
    assert counted(lab, "load", 30) == writer.written


def test_an_outage_of_loki_in_which_the_collector_is_killed_loses_nothing(lab: Lab) -> None:
    writer, began = Writer(lab.log("outage")), time.time_ns()
    writer.at_rate(OUTAGE_A_MINUTE, 3)
    docker("kill", lab.containers["loki"])
    kills = [OUTAGE_SECONDS / 3, OUTAGE_SECONDS * 2 / 3]

    def kill(elapsed: float) -> None:
        if kills and elapsed > kills[0]:
            kills.pop(0)
            docker("kill", "--signal=KILL", lab.containers["collector"])
            docker("start", lab.containers["collector"])

    writer.at_rate(OUTAGE_A_MINUTE, OUTAGE_SECONDS, kill)
    down = writer.written
    docker("start", lab.containers["loki"])
    back = time.monotonic()
    writer.at_rate(OUTAGE_A_MINUTE, 3)
    docker("kill", "--signal=KILL", lab.containers["collector"])
    docker("start", lab.containers["collector"])
    twice, too_many = all_arrived(lab, writer, "outage", began, 120 + 3 * OUTAGE_SECONDS)
    print(
        f"\noutage: Loki away for {OUTAGE_SECONDS} s at {OUTAGE_A_MINUTE:,} lines a minute, the collector killed twice "
        f"meanwhile and once after it: {writer.written:,} of {writer.written:,} lines there, {twice} more than once "
        f"({too_many} too many); {down:,} were waiting, all there {time.monotonic() - back:.1f} s after Loki was back"
    )
    assert not kills
    assert too_many <= writer.written // 100


def test_the_backlog_of_a_long_outage_drains(lab: Lab) -> None:
    """As many lines as an outage of an hour leaves behind at the usual rate, written as fast as they can be."""
    writer, began = Writer(lab.log("backlog")), time.time_ns()
    writer.write(1000)
    all_arrived(lab, writer, "backlog", began, 30)
    docker("kill", lab.containers["loki"])
    while writer.written < BACKLOG_LINES // 2:
        writer.write(2000)
    docker("kill", "--signal=KILL", lab.containers["collector"])
    docker("start", lab.containers["collector"])
    while writer.written < BACKLOG_LINES:
        writer.write(2000)
    docker("start", lab.containers["loki"])
    back = time.monotonic()
    twice, too_many = all_arrived(lab, writer, "backlog", began, 120 + BACKLOG_LINES / 500)
    print(
        f"\nbacklog: {BACKLOG_LINES:,} lines, as of {BACKLOG_LINES / USUAL:.0f} min at {USUAL:,} a minute, drained in "
        f"{time.monotonic() - back:.0f} s; none lost, {twice} more than once ({too_many} too many); collector peak "
        f"{peak_memory(lab, 'collector')} MiB, Loki peak {peak_memory(lab, 'loki')} MiB"
    )


def one_request(middle: int, request_id: str) -> Iterator[tuple[str, int, str]]:
    """Three lines of three services."""
    for second, service in enumerate(SERVICES[:3]):
        yield service, middle + second * SECOND, access_line(1, middle, request_id)


def history(now: int, full_from: int) -> Iterator[tuple[str, int, str]]:
    """Thirty days at a thin rate, one stretch of it at the full one; in the order of time."""
    number, at = 0, now - HISTORY_DAYS * DAY + HOUR
    full_to = full_from + FULL_MINUTES * MINUTE
    while at < now:
        yield SERVICES[number % len(SERVICES)], at, access_line(number, at)
        number += 1
        at += MINUTE // (USUAL if full_from <= at < full_to else THIN)


def test_a_request_in_a_history_of_thirty_days_is_found_in_seconds(old: Lab, tmp_path: Path) -> None:
    now = time.time_ns()
    full_from = now - 20 * DAY
    middle = full_from + FULL_MINUTES * MINUTE // 2
    request_id = uuid7(middle)
    written = heapq.merge(history(now, full_from), one_request(middle, request_id), key=lambda line: line[1])
    total = push_history(old, written)
    requests.post(old.url("loki", 3100, "/flush"), timeout=120)
    # From the disk, as weeks later: nothing of it is in Loki's memory.
    docker("restart", old.containers["loki"])
    old.wait_until_ready()

    narrow: list[float] = []

    def met() -> bool:
        narrow.append(_look(old, tmp_path, request_id))
        return len(narrow) >= 3 and min(narrow) < AIM

    # The first one finds a Loki that has just started, and others use these cores: what is slow then says nothing.
    until(met, f"a request is found in {AIM:g} s", 60, every=1)
    wide, gave_up = _wide(old, request_id)
    print(
        f"\nhistory: {total:,} lines in {HISTORY_DAYS} days, {THIN} a minute, {FULL_MINUTES} min of it at {USUAL:,}: "
        f"lookout logs --request-id {'; '.join(', '.join(Aim(seconds, AIM).cells()) for seconds in narrow)}; "
        f"the stock query over {HISTORY_DAYS} days {wide:.2f} s{', when Loki gave up' * gave_up}: "
        f"{wide / min(narrow):.1f} times as long"
    )
    assert min(narrow) < wide


def _look(lab: Lab, folder: Path, request_id: str) -> float:
    """The seconds that the verb takes, from its start to its end."""
    environment = {**os.environ, "LOKI_ADDR": lab.url("loki", 3100, ""), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "generator", "logs", "--request-id", request_id]
    began = time.monotonic()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - began
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 3, done.stdout
    return seconds


def _wide(lab: Lab, request_id: str) -> tuple[float, bool]:
    """The seconds that Loki takes for the same over everything it keeps, and whether it gave up after them."""
    end = time.time_ns()
    parameters = {
        "query": f'{{service_name=~".+"}} | request_id="{request_id}"',
        "start": str(end - HISTORY_DAYS * DAY),
        "end": str(end),
        "limit": "500",
    }
    began = time.monotonic()
    answer = requests.get(lab.url("loki", 3100, "/loki/api/v1/query_range"), params=parameters, timeout=120)
    seconds = time.monotonic() - began
    if not answer.ok:
        assert "deadline exceeded" in answer.text or answer.status_code == 504, answer.text
        return seconds, True
    assert sum(len(stream["values"]) for stream in answer.json()["data"]["result"]) == 3
    return seconds, False
