"""How long `./lookout` takes to begin, beyond what Python itself takes: that is what one waits for at each TAB."""

import resource
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.bench.conftest import Show
from tests.support.tables import Aim, table

ROOT: Final = Path(__file__).resolve().parents[2]
TURNS: Final = 5
# Seconds of CPU.
BOUND: Final = 0.3
TAB: Final = ("_LOOKOUT_COMPLETE=bash_complete", "COMP_CWORD=2")
COMMANDS: Final = {
    "`./lookout --help`": ("./lookout", "--help"),
    "`./lookout explain` of a code": ("./lookout", "explain", "store/edited"),
    "TAB after `lookout connect`": ("env", *TAB, "COMP_WORDS=lookout connect ", "./lookout"),
    "TAB after `lookout explain`": ("env", *TAB, "COMP_WORDS=lookout explain ", "./lookout"),
}


def cpu_of(command: tuple[str, ...]) -> float:
    """CPU seconds of a command in its quietest turn: neighbours make it longer, never shorter."""
    taken = []
    for _ in range(TURNS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(taken)


def test_the_command_line_begins_at_once(show: Show) -> None:
    bare = cpu_of((sys.executable, "-c", "pass"))
    figures = {title: cpu_of(command) - bare for title, command in COMMANDS.items()}
    rows = [("Python alone", f"{bare:.2f} s", "none", "")]
    rows += [(title, *Aim(taken, BOUND).cells()) for title, taken in figures.items()]
    show("start", table(("", "CPU beyond Python's own", "aim", ""), rows))
    assert {title: taken for title, taken in figures.items() if taken > BOUND} == {}
