"""Words that mean something to a tool on the way: each comes out as it was written, or is refused where it stands."""

import json
import os
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

import pytest
import yaml

from generator.diagnostics import Problems
from generator.pipeline import Compiled, compile_text
from tests.support.combinations import objections

ROOT: Final = Path(__file__).resolve().parents[2]
HOSTILE: Final = {
    "a Go template": "{{ .X }}",
    "the end of one": "}}",
    "a placeholder of packs": "<<service>>",
    "a block of packs": "<% for x in y %>",
    "a variable of a shell": "${HOME}",
    "a variable of Grafana": "$service",
    "the other form of it": "[[service]]",
    "a quote": "it's",
    "a double quote": 'say "x"',
    "a backtick": "`id`",
    "a backslash": "a\\b",
    "a line's end": "a\nb",
    "a tag": "<blink>x</blink>",
    "a percentage": "50%",
    "a comment": "a # b",
    "a document's end": "---",
    "from right to left": "\u202eabc\u200f",
    "very long": "x" * 3000,
    "nothing readable": "a\x07b",
    "half a character": "a\ud800b",
}
_OWN: Final = "alerts: {Own: {expr: 'a > 1', severity: info, summary: s, "
# What stands before the text, what the text begins with, and what stands behind it.
SINKS: Final = {
    "summary": ("alerts: {Own: {expr: 'a > 1', severity: info, summary: ", "", "}}"),
    "description": (f"{_OWN}description: ", "", "}}"),
    "runbook": (f"{_OWN}runbook: ", "", "}}"),
    "unit": (f"{_OWN}unit: ", "", "}}"),
    "expression": ("alerts: {Own: {severity: info, summary: s, expr: ", "a > 1 # ", "}}"),
    "url": ("url: ", "https://a.example.com/", ""),
    "target": ("targets: [", "https://a.example.com/", "]"),
    "metrics path": ("metrics: {path: ", "/", "}"),
    "log file": ("logs: {file: ", "/var/log/", "}"),
    "budget": ("budgets: {", "GET /", ": 2s}"),
    "funnel": ("params: {business: {funnel: ", "", "}}"),
    "left out": ("params: {usage: {left_out: ", "", "}}"),
    "slow models": ("params: {llm: {slow_models: ", "", "}}"),
    "counter": ("slo: {x: {objective: 99%, good: ", "", ", total: t}}"),
}


def file_with(sink: str, text: str) -> str:
    """A services.yaml with the text in this place, after what has to stand before it."""
    head, start, rest = SINKS[sink]
    line = head + json.dumps(start + text) + rest
    targets = "" if sink == "target" else "    targets: [api:8000]\n"
    kind = {"funnel": "business", "left out": "usage", "slow models": "llm"}.get(sink, "http")
    channels = "channels: {ops: {slack: {channel: '#ops'}}}\nhosts: {}\n"
    return f"{channels}services:\n  api:\n    kind: {kind}\n{targets}    {line}\n"


def rendered(text: str) -> Compiled | None:
    """What the file compiles to; None when it is refused in a place of its own."""
    try:
        return compile_text(text, "services.yaml")
    except Problems as problems:
        errors = [each for each in problems.diagnostics if each.level == "error"]
        assert errors
        assert all(each.span is not None and each.span.file == "services.yaml" for each in errors), errors
        return None


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)


@cache
def assert_readable(ending: str, content: str) -> None:
    """What the file's own format says of a text. Of thousands of files a few hundred differ: each is read once."""
    if ending in ("yml", "yaml"):
        list(yaml.safe_load_all(content))
    elif ending == "json":
        json.loads(content)
    elif ending == "html":
        page = _Words()
        page.feed(content)
        assert "blink" not in page.tags, "a tag of the user's"


def own_annotation(whole: Compiled, name: str) -> str:
    """What the rendered rule of Own says, as Prometheus reads it."""
    (path,) = (each.path for each in whole.artifacts if each.path.startswith("prometheus/rules/api/own"))
    (text,) = (each.content for each in whole.artifacts if each.path == path)
    rules = [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]
    (own,) = (rule for rule in rules if rule.get("alert") == "Own")
    return str(own["annotations"][name])


@pytest.mark.parametrize("sink", SINKS)
def test_a_word_comes_out_as_it_is_or_is_refused(sink: str) -> None:
    taken = 0
    for text in HOSTILE.values():
        whole = rendered(file_with(sink, text))
        if whole is None:
            continue
        taken += 1
        assert objections(whole) == [], text
        for artifact in whole.artifacts:
            assert_readable(artifact.path.rpartition(".")[2], artifact.content)
        if sink in ("summary", "description"):
            assert " ".join(own_annotation(whole, sink).split()) == " ".join(text.split())
    assert taken < len(HOSTILE), "what cannot be read is refused everywhere"


WORDS: Final = ("a\udcff", "", "9" * 400, "{{x}}", "$(id)", "-", "\u202e", "x" * 5000, "../../etc", "a\nb")
VERBS: Final = (
    ("record", "jobs_done_total", "1", "a={}"),
    ("record", "{}", "1"),
    ("record", "jobs_done_total", "{}"),
    ("record", "jobs_done_total", "1", "--every", "{}"),
    ("explain", "{}"),
    ("explain", "{}", "-f", "{}"),
    ("connect", "{}"),
    ("new-pack", "{}"),
    ("backtest", "{}"),
    ("backtest", "--since", "{}"),
    ("logs", "{}"),
    ("logs", "--since", "{}"),
    ("plan", "-o", "{}"),
    ("check", "-f", "{}"),
)


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_no_argument_gives_a_traceback(verb: tuple[str, ...], tmp_path: Path) -> None:
    script = (
        "import json, os, sys\n"
        "from generator.cli import main\n"
        "for words in json.loads(os.environ['WORDS']):\n"
        "    try:\n"
        "        main(words)\n"
        "    except SystemExit as left:\n"
        "        assert left.code in (0, 1, 2, 3, None), (words, left.code)\n"
        "    except BaseException as error:\n"
        "        print('TRACEBACK', ascii(words), ascii(error))\n"
    )
    lines = [[part.replace("{}", word) for part in verb] for word in WORDS]
    (tmp_path / "services.yaml").write_text("services:\n  api: {kind: fastapi, targets: [api:8000]}\n")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "WORDS": json.dumps(lines), "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert "TRACEBACK" not in done.stdout, done.stdout
    assert "internal error" not in done.stderr, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
