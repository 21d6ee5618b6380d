"""A new pack as it is written: it keeps the contract, its proofs hold, and it says what its author still owes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from generator.diagnostics import Problems
from generator.verbs.new_pack.exposition import gauges, measure, up_like
from generator.verbs.new_pack.parts import MARK
from generator.verbs.new_pack.run import write_new_pack

REPOSITORY: Final = Path(__file__).resolve().parents[2]
PACKS: Final = REPOSITORY / "packs"
UP: Final = PACKS / "redis" / "fixtures" / "redis_exporter-1.86.0.prom"
LEVEL: Final = PACKS / "rabbitmq" / "fixtures" / "rabbitmq-4.3.6.prom"


@pytest.mark.parametrize("fixture", [UP, LEVEL], ids=["with something like up", "with numbers alone"])
def test_out_of_a_fixture_comes_a_pack_that_holds(fixture: Path, tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "generator", tmp_path / "generator", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(PACKS, tmp_path / "packs")
    shutil.copy(REPOSITORY / "versions.yaml", tmp_path)

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
        return subprocess.run(
            [sys.executable, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    written = run("-m", "generator", "new-pack", "mine", "--from", str(fixture))
    assert written.returncode == 0, written.stderr
    assert "the contract holds" in written.stderr
    assert f"packs/mine/pack.yaml:1{'2' if fixture == UP else '4'}: {MARK}" in written.stdout
    checked = run("-m", "generator", "check-pack", "mine")
    assert checked.returncode == 0, checked.stderr
    assert [line.split(":")[0].strip() for line in checked.stderr.splitlines()] == [
        "contract",
        "panels",
        "proofs",
        "mutants",
    ]
    (tmp_path / "services.yaml").write_text("services: {it: {kind: mine, targets: [it:9000]}}\n")
    rendered = run("-m", "generator", "render")
    assert rendered.returncode == 0, rendered.stderr


def test_without_a_fixture_the_contract_says_what_is_missing(tmp_path: Path) -> None:
    written = write_new_pack("mine", None, tmp_path)
    messages = {problem.message for problem in written.problems}
    assert {"the pack has no fixture", "no fixture has the required metric mine_up"} <= messages
    assert any("save /metrics of the real program as mine-VERSION.prom" in line for line in written.open)


def test_a_fixture_without_a_version_is_asked_for_one(tmp_path: Path) -> None:
    page = tmp_path / "metrics.txt"
    page.write_text("# TYPE mine_up gauge\nmine_up 1\n")
    written = write_new_pack("mine", page, tmp_path / "packs")
    assert written.problems == ()
    assert "fixtures/mine-0.prom" in written.files
    assert any("PROGRAM-VERSION.prom" in line for line in written.open)


@pytest.mark.parametrize(
    ("kind", "code", "hint"),
    [
        ("redis", "spec/reserved-name", "`kind: redis` in services.yaml uses it"),
        ("own", "spec/reserved-name", "choose another name"),
        ("MyQueue", "spec/bad-name", "such as 'my-queue'"),
        ("9to5", "spec/bad-name", "such as 'to'"),
        ("../x", "spec/bad-name", "such as 'nginx'"),
        ("a" * 40, "spec/bad-name", f"such as '{'a' * 31}'"),
    ],
)
def test_a_name_that_cannot_be_is_refused_and_nothing_is_written(
    kind: str, code: str, hint: str, tmp_path: Path
) -> None:
    (tmp_path / "redis").mkdir()
    with pytest.raises(Problems) as caught:
        write_new_pack(kind, None, tmp_path)
    assert (caught.value.diagnostics[0].code, caught.value.diagnostics[0].hint) == (code, hint)
    assert [path.name for path in tmp_path.iterdir()] == ["redis"]


def test_what_is_no_page_of_metrics_is_refused(tmp_path: Path) -> None:
    (tmp_path / "page").write_bytes(b"\xff\xfe")
    with pytest.raises(Problems):
        write_new_pack("mine", tmp_path / "page", tmp_path / "packs")
    assert not (tmp_path / "packs").exists()


def test_metrics_of_the_language_are_nothing_to_begin_with() -> None:
    text = '# TYPE go_threads gauge\ngo_threads 7\n# TYPE x_total counter\nx_total 3\n# TYPE y gauge\ny{a="b"} 2\n'
    assert [gauge.series.name for gauge in gauges(text)] == ["y"]
    assert up_like(gauges(text)) is None
    found = measure(gauges(text))
    assert found is not None
    assert (found.value, found.series.labels) == (2, {"a": "b"})
