"""Each end-to-end test runs in one lane of `make test`: a new file that stands in none would never run."""

import re
import subprocess
from collections import Counter
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
LANE = re.compile(r"^.*\blane \d+ \w+ (?P<files>[^;\n]+)", re.MULTILINE)


def test_each_end_to_end_file_is_in_one_lane() -> None:
    script = (REPOSITORY / "scripts/test.sh").read_text()
    (prefix,) = re.findall(r"^E2E=.*$", script, re.MULTILINE)
    lanes = LANE.findall(script)
    words = f"{prefix}; printf '%s\\n' {' '.join(lanes)}"
    expanded = subprocess.run(["bash", "-c", words], capture_output=True, text=True, check=True).stdout.split()
    present = sorted(str(path.relative_to(REPOSITORY)) for path in (REPOSITORY / "tests/e2e").glob("test_*.py"))
    assert len(lanes) == 3
    assert Counter(expanded) == Counter(present)
