"""Where nothing may be skipped, a skip is a failure with its reason; elsewhere it is a skip, and is counted."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
SKIPS: Final = {
    "called": "def test_it():\n    pytest.skip('no daemon')\n",
    "marked": "@pytest.mark.skip(reason='no daemon')\ndef test_it():\n    pass\n",
    "by a condition": "@pytest.mark.skipif(True, reason='no daemon')\ndef test_it():\n    pass\n",
    "by a fixture": "@pytest.fixture\ndef lab():\n    pytest.skip('no daemon')\n\ndef test_it(lab):\n    pass\n",
    "the whole module": "pytest.skip('no daemon', allow_module_level=True)\n",
    "a missing module": "pytest.importorskip('no_daemon', reason='no daemon')\n",
    "expected to fail": "@pytest.mark.xfail(reason='no daemon')\ndef test_it():\n    assert False\n",
    "expected to fail, and does not": "@pytest.mark.xfail(reason='no daemon')\ndef test_it():\n    pass\n",
    "no parameters": "@pytest.mark.parametrize('it', [])\ndef test_it(it):\n    pass\n",
}


PLUGINS: Final = ("-p", "tests.support.strict", "-p", "no:cacheprovider")
COMMAND: Final = (sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", ".", "-rsfE", *PLUGINS)


def run(folder: Path, strict: str, *options: str) -> subprocess.CompletedProcess[str]:
    outer = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    environment = {**outer, "PYTHONPATH": str(ROOT), "LOOKOUT_STRICT": strict, "COLUMNS": "200"}
    return subprocess.run(
        [*COMMAND, *options], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a strict run says of all of them, each in a file of its own."""
    folder = tmp_path_factory.mktemp("strict")
    for number, text in enumerate(SKIPS.values()):
        (folder / f"test_{number}.py").write_text(f"import pytest\n\n{text}")
    done = run(folder, "1", "--continue-on-collection-errors")
    assert done.returncode == 1, done.stdout
    return done.stdout


@pytest.mark.parametrize("name", SKIPS)
def test_a_skip_is_a_failure_where_nothing_may_be_skipped(name: str, refused: str) -> None:
    (line,) = re.findall(rf"^(?:FAILED|ERROR) test_{[*SKIPS].index(name)}\.py.*", refused, re.MULTILINE)
    assert "skipped, where nothing may be" in line
    assert ("empty parameter set" if name == "no parameters" else "no daemon") in line


def test_none_is_left(refused: str) -> None:
    assert "0 skipped, 0 xfailed, 0 xpassed" in refused


def test_under_several_processes_too(tmp_path: Path) -> None:
    (tmp_path / "test_one.py").write_text(f"import pytest\n\n{SKIPS['called']}")
    done = run(tmp_path, "1", "-n", "1")
    assert done.returncode == 1, done.stdout
    assert "skipped, where nothing may be: Skipped: no daemon" in done.stdout


def test_elsewhere_it_is_a_skip_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "test_one.py").write_text(f"import pytest\n\n{SKIPS['called']}")
    done = run(tmp_path, "")
    assert done.returncode == 0, done.stdout
    assert "no daemon" in done.stdout
    assert "1 skipped, 0 xfailed, 0 xpassed" in done.stdout


def test_make_test_is_where_nothing_may_be_skipped() -> None:
    assert "\nexport LOOKOUT_STRICT=1\n" in (ROOT / "scripts" / "test.sh").read_text()
