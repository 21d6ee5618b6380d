"""Malformed files, each with all that is said about it. Renew what is expected with UPDATE_CASES=1, then read it."""

import os
from pathlib import Path

import pytest

from generator.cli import main
from generator.packs import load_packs
from generator.resolve.services import IMPLIED

FOLDER = Path(__file__).parent / "malformed"
CASES = sorted(FOLDER.glob("*.txt"))
INPUT, OUTPUT = "-- services.yaml --\n", "-- stderr --\n"
# A new pack leaves the cases alone.
ALL_KINDS = ", ".join(sorted(set(load_packs()) - IMPLIED))


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_a_malformed_file_gets_its_diagnostic_and_writes_nothing(
    case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text, expected = case.read_text().removeprefix(INPUT).split(OUTPUT)
    monkeypatch.chdir(tmp_path)
    Path("services.yaml").write_text(text)
    with pytest.raises(SystemExit) as left:
        main(["render", "-o", "tree"])
    printed = capsys.readouterr()
    said = printed.err.replace(f"known: {ALL_KINDS}\n", "known: (all kinds)\n")
    if os.environ.get("UPDATE_CASES"):
        case.write_text(INPUT + text + OUTPUT + said)
        expected = said
    assert said == expected
    assert printed.out == ""
    assert left.value.code == 1
    assert not Path("tree").exists()
    assert "error[" in expected
    assert "Traceback" not in printed.err


def test_there_are_at_least_forty_cases() -> None:
    assert len(CASES) >= 40
