"""Where a record ends: the pattern that the collector is given, read as the collector reads it.

That its own expressions and the real files agree with this reading is in tests/tools/test_log_pipeline.py.
"""

import itertools
import json
import re
from collections.abc import Iterator

import pytest

from generator.render.collector.tracebacks import docker_records, joined_operator, plain_records
from tests.unit.tracebacks import TRACEBACKS

JSON = '{"level": "info", "message": "done"}'


def cut(text: str, pattern: str) -> Iterator[str]:
    """The records of a text: from one match to the beginning of the next one that does not touch it."""
    # Go's \\z is Python's \\Z.
    found = re.compile("(?m)" + pattern.replace(r"\z", r"\Z"))
    while text:
        first, *others = itertools.islice(found.finditer(text), 3)
        second = next((match for match in others if match.start() > first.end()), None)
        if second is None:
            yield text
            return
        yield text[: second.start()]
        text = text[second.start() :]


def waiting(text: str, pattern: str) -> str:
    """What of a text that is still growing is not cut yet."""
    return list(cut(text, pattern))[-1]


def docker_line(text: str, stream: str = "stderr") -> str:
    part = {"log": text, "stream": stream, "attrs": {"tag": "{x}"}, "time": "2026-11-21T10:00:00.1Z"}
    return json.dumps(part, ensure_ascii=False, separators=(",", ":")) + "\n"


def docker_texts(text: str) -> list[str]:
    """The records of Docker's file, each with the text that is left when its lines are joined."""
    operator = joined_operator()
    texts = []
    for record in cut(text, docker_records()["line_start_pattern"]):
        joined = re.sub(operator["regex"], lambda _: operator["replace_with"], record.strip())
        texts.append(json.loads(joined)["log"])
    return texts


def in_docker(*lines: str) -> list[str]:
    return docker_texts("".join(docker_line(line + "\n") for line in lines))


def test_each_traceback_is_one_record_whatever_stands_around_it() -> None:
    for text in TRACEBACKS.values():
        assert in_docker(JSON, *text.splitlines(), JSON, "plain") == [f"{JSON}\n", text, f"{JSON}\n", "plain\n"]
        around = [f"{JSON}\n", text, f"{JSON}\n", "plain\n"]
        assert list(cut("".join(around), plain_records()["line_start_pattern"])) == around


def test_tracebacks_that_follow_each_other_are_apart() -> None:
    expected = list(TRACEBACKS.values())
    assert in_docker(*"".join(expected).splitlines()) == expected
    assert list(cut("".join(expected), plain_records()["line_start_pattern"])) == expected


@pytest.mark.parametrize(
    "lines",
    [
        (JSON, JSON),
        (JSON, "  " + JSON, "\t" + JSON),
        ("INFO: one", "INFO: two", "ValueError is what it said", "Done"),
        (JSON, "Traceback (most recent call last):"),
        ("GET /a", "http://x.y/z", "main.py:3", "[1, 2]", "}"),
    ],
    ids=["JSON", "indented JSON", "plain lines", "JSON before a traceback", "what looks a little like one"],
)
def test_lines_that_do_not_belong_together_stay_apart(lines: tuple[str, ...]) -> None:
    assert in_docker(*lines) == [line + "\n" for line in lines]
    text = "".join(line + "\n" for line in lines)
    assert list(cut(text, plain_records()["line_start_pattern"])) == [line + "\n" for line in lines]


def test_the_two_streams_of_a_container_are_apart() -> None:
    text = docker_line("crash\n") + docker_line("  of the other\n", "stdout") + docker_line("Traceback (most recent\n")
    assert docker_texts(text) == ["crash\n", "  of the other\n", "Traceback (most recent\n"]


def test_a_part_of_a_line_that_docker_cut_is_joined_to_none() -> None:
    text = docker_line("plain, and its first 16 KiB") + docker_line("  and the rest\n") + docker_line("next\n")
    assert docker_texts(text) == ["plain, and its first 16 KiB", "  and the rest\n", "next\n"]


def test_what_is_not_written_to_its_end_is_not_cut() -> None:
    """At whatever byte the file ends for now, from the second line of a traceback on."""
    for name, text in TRACEBACKS.items():
        whole = "".join(docker_line(line + "\n") for line in text.splitlines())
        begun = whole.index("\n") + 1
        for end in range(begun, len(whole)):
            so_far = whole[:end]
            assert waiting(so_far, docker_records()["line_start_pattern"]) == so_far, name


def test_control_characters_are_read_as_either_docker_writes_them() -> None:
    lines = docker_line("java.lang.Error: x\n") + docker_line("\tat a.B(C.java:1)\n").replace("\\t", "\\u0009")
    assert docker_texts(lines) == ["java.lang.Error: x\n\tat a.B(C.java:1)\n"]
