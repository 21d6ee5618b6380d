"""A render whose outcome is known compiles nothing; whatever could change the outcome makes it unknown."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from generator import pipeline
from generator.diagnostics import Problems
from generator.store import known
from generator.verbs.render import render_file

ROOT = Path(__file__).resolve().parents[2]
GOOD = "services:\n  site: {kind: probe, targets: [https://acme.dev]}\nchannels: {ops: {telegram: 1}}\n"
SPEC = Path("services.yaml")
RULES = "prometheus/rules/site/probe.yml"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A rendered tree, the first one in its home folder."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    root = tmp_path / "site"
    root.mkdir()
    monkeypatch.chdir(root)
    SPEC.write_text(GOOD)
    assert render_file(SPEC, root, force=False)[0].pending
    return root


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows with each text that is compiled."""
    texts: list[str] = []

    def counted(text: str, file: str, real: Callable[..., pipeline.Compiled] = pipeline.compile_text) -> object:
        texts.append(text)
        return real(text, file)

    monkeypatch.setattr(pipeline, "compile_text", counted)
    return texts


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_the_same_text_is_not_compiled_again(here: Path, compiled: list[str]) -> None:
    before = files(here)
    plan, problems = render_file(SPEC, here, force=False)
    assert (compiled, plan.pending, problems) == ([], (), ())
    assert files(here) == before
    assert len(plan.changes) == len(before) - len({"services.yaml", "generated.lock"})


def test_a_mark_holds_for_another_tree_with_the_same_files(here: Path, compiled: list[str], tmp_path: Path) -> None:
    other = tmp_path / "other"
    here.rename(other)
    assert render_file(SPEC, other, force=False)[0].pending == () == tuple(compiled)


def edit(root: Path) -> None:
    (root / RULES).write_text((root / RULES).read_text() + "# mine\n")


def test_an_edited_file_is_noticed_and_force_brings_it_back(here: Path, compiled: list[str]) -> None:
    before = files(here)
    edit(here)
    with pytest.raises(Problems) as raised:
        render_file(SPEC, here, force=False)
    assert [each.code for each in raised.value.diagnostics] == ["store/edited"]
    render_file(SPEC, here, force=True)
    assert len(compiled) == 2
    assert files(here) == before


def test_a_file_that_is_closed_to_the_containers_is_opened(here: Path, compiled: list[str]) -> None:
    (here / RULES).chmod(0o600)
    render_file(SPEC, here, force=False)
    assert ((here / RULES).stat().st_mode & 0o777, compiled) == (0o644, [])


def put_a_folder(root: Path) -> None:
    (root / RULES).unlink()
    (root / RULES).mkdir()


def change_marks(content: bytes) -> None:
    for path in known.marks_folder().iterdir():
        path.write_bytes(content)


UNKNOWN: dict[str, Callable[[Path], object]] = {
    "another text": lambda root: (root / SPEC).write_text(GOOD.replace("acme", "example")),
    "a comment": lambda root: (root / SPEC).write_text(GOOD + "# why\n"),
    "a file is gone": lambda root: (root / RULES).unlink(),
    "no list": lambda root: (root / "generated.lock").unlink(),
    "a shorter list": lambda root: (root / "generated.lock").write_text(
        "".join(line for line in (root / "generated.lock").read_text().splitlines(True) if RULES not in line)
    ),
    "a folder in a file's place": put_a_folder,
    "no marks": lambda _: shutil.rmtree(known.marks_folder()),
    "an empty mark": lambda _: change_marks(b""),
    "a mark that is none": lambda _: change_marks(b"\xff"),
}


@pytest.mark.parametrize("change", UNKNOWN.values(), ids=UNKNOWN)
def test_what_is_not_certain_is_compiled(here: Path, compiled: list[str], change: Callable[[Path], object]) -> None:
    change(here)
    try:
        render_file(SPEC, here, force=False)
    except Problems as problems:
        assert {each.code for each in problems.diagnostics} <= {"store/foreign", "store/unreadable"}
    assert len(compiled) == 1


@pytest.mark.parametrize("what", ["code", "a pack", "a package"])
def test_another_lookout_compiles(
    what: str, here: Path, compiled: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    product = tmp_path / "product"
    for folder in known.SOURCES:
        (product / folder / "inner").mkdir(parents=True)
    monkeypatch.setattr(known, "_ROOT", product)
    monkeypatch.syspath_prepend(tmp_path)
    known.lookout_digest.cache_clear()
    render_file(SPEC, here, force=False)
    render_file(SPEC, here, force=False)
    assert len(compiled) == 1
    changed = {"code": "generator/inner/new.py", "a pack": "packs/inner/pack.yaml", "a package": "../x-1.dist-info"}
    (product / changed[what]).write_text("")
    known.lookout_digest.cache_clear()
    render_file(SPEC, here, force=False)
    assert len(compiled) == 2
    known.lookout_digest.cache_clear()


def test_compiled_modules_of_python_are_no_other_lookout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "_ROOT", tmp_path)
    for folder in known.SOURCES:
        (tmp_path / folder / "__pycache__").mkdir(parents=True)
    digests = set()
    for content in (b"1", b"2"):
        (tmp_path / "generator/__pycache__/x.pyc").write_bytes(content)
        known.lookout_digest.cache_clear()
        digests.add(known.lookout_digest())
    known.lookout_digest.cache_clear()
    assert len(digests) == 1


def test_a_warning_is_said_each_time(here: Path, compiled: list[str]) -> None:
    SPEC.write_text("services:\n  site: {kind: probe, targets: [https://acme.dev]}\n")
    first = render_file(SPEC, here, force=False)[1]
    assert first == render_file(SPEC, here, force=False)[1] != ()
    assert len(compiled) == 2


def test_a_home_that_takes_nothing_costs_time_alone(
    here: Path, compiled: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "full").write_text("")
    monkeypatch.setenv("HOME", str(tmp_path / "full"))
    for _ in range(2):
        assert render_file(SPEC, here, force=False)[0].pending == ()
    assert len(compiled) == 2


def test_old_marks_go(here: Path) -> None:
    old = known.marks_folder() / "old"
    old.write_text("old")
    os.utime(old, (0, 0))
    SPEC.write_text(GOOD + "# again\n")
    render_file(SPEC, here, force=False)
    assert not old.exists()
    assert len([*known.marks_folder().iterdir()]) == 2


def test_compiling_reads_nothing_that_a_mark_does_not_stand_for() -> None:
    program = f"""
import sys
opened = set()
sys.addaudithook(lambda event, values: opened.add(str(values[0])) if event == "open" else None)
from generator.pipeline import compile_text
compile_text({GOOD!r}, "services.yaml")
for path in sorted(opened):
    print(path)
"""
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    ours = [Path(line).relative_to(ROOT) for line in run.stdout.splitlines() if Path(line).is_relative_to(ROOT)]
    assert len(ours) > 200
    assert {path.parts[0] for path in ours} == {*known.SOURCES}
