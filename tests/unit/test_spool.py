"""Texts of a large site lie in a file: the artifacts are the same, and the tree that is written too."""

import errno
import gc
import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from generator import pipeline
from generator.artifact import Artifact, Spooled, spooled
from generator.diagnostics import Span
from generator.disk.spool import Spool
from generator.pipeline import compile_text
from generator.store.plan import plan_tree, write_plan

TEXTS = [f"{number}: \u2192 \u00fc " + "x" * number for number in range(200)]
TEXT = "services: {api: {kind: probe, owner: ana, url: 'https://api.acme.dev'}}\npeople: {ana: {}}\n"


def test_what_memory_should_not_hold_is_read_again_by_many_at_once() -> None:
    spool = Spool(held=0)
    artifacts = [
        spooled(Artifact(f"a/{n}", text, {"a": Span("f", n + 1, 1, 1)}), spool) for n, text in enumerate(TEXTS)
    ]
    assert all(isinstance(each, Spooled) for each in artifacts)
    with ThreadPoolExecutor(8) as pool:
        assert [*pool.map(lambda each: each.content, artifacts * 5)] == TEXTS * 5
    assert [(each.path, each.origins["a"].line) for each in artifacts] == [(f"a/{n}", n + 1) for n in range(len(TEXTS))]


def test_memory_holds_what_it_has_room_for() -> None:
    spool = Spool(held=10)
    kept = [spool.put(text) for text in ("12345", "12345", "1", "")]
    assert [each is None for each in kept] == [True, True, False, True]


def test_a_disk_that_takes_nothing_costs_memory_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(held=0)
    assert spooled(Artifact("a", "before"), spool).content == "before"

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "no space left")

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        assert type(spooled(Artifact("b", "meanwhile"), spool)) is Artifact
        patched.setattr(os, "pwrite", lambda *_: 3)
        assert type(spooled(Artifact("c", "half of it"), spool)) is Artifact
    after = spooled(Artifact("d", "after"), spool)
    assert isinstance(after, Spooled)
    assert after.content == "after"


def test_the_file_ends_with_the_last_text_of_it() -> None:
    def files() -> int:
        return len([*Path("/proc/self/fd").iterdir()])

    before, spool = files(), Spool(held=0)
    read = spool.put("text")
    assert files() == before + 1
    del spool
    assert read is not None
    assert read() == "text"
    del read
    gc.collect()
    assert files() == before


def test_a_tree_is_the_same_wherever_its_texts_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = compile_text(TEXT, "services.yaml")
    monkeypatch.setattr(pipeline, "Spool", partial(Spool, held=0))
    compiled = compile_text(TEXT, "services.yaml")
    assert all(isinstance(each, Spooled) for each in compiled.artifacts if each.path.startswith(("grafana/", "docs/")))
    assert [(each.path, each.content) for each in compiled.artifacts] == [(e.path, e.content) for e in held.artifacts]
    write_plan(plan_tree(compiled.artifacts, tmp_path))
    assert plan_tree(held.artifacts, tmp_path).pending == ()
    (tmp_path / "docs" / "runbooks" / "api.md").write_text("edited\n")
    (change,) = plan_tree(compiled.artifacts, tmp_path).pending
    assert (change.action, change.before) == ("edited", "edited\n")
    assert change.after == next(each.content for each in held.artifacts if each.path == change.path)
