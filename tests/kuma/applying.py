"""A process that applies again and again, on a word for each: `ROOT FILE KUMA_PORT`. test_at_once.py runs two.

What is played: the tools' checks, Docker Compose, and all parts that run but Uptime Kuma.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from generator.apply import reconcilers, run
from generator.diagnostics import Problems
from generator.verbs import stages as verbs


def _compose(log: Path) -> Any:
    """Docker Compose, which two must not run at once: each `up` leaves the time at which it began and ended."""

    def compose(root: Path, *words: str, **_: object) -> subprocess.CompletedProcess[str]:
        if words[0] == "up":
            began = time.monotonic()
            time.sleep(0.05)
            with log.open("a") as file:
                file.write(f"{began} {time.monotonic()}\n")
        return subprocess.CompletedProcess(words, 0, "", "")

    return compose


def main(log: Path) -> None:
    """Answer each word with how it went: `{"codes": [...], "said": [...]}`."""
    uptime_kuma = tuple(each for each in reconcilers.RECONCILERS if each.name == "uptime-kuma")
    played = {
        "compose": _compose(log),
        "running_services": lambda _: frozenset({"uptime-kuma"}),
        "follow_profile": lambda *_: [],
        "open_mounts": lambda _: [],
        "mark_up": lambda _: None,
        "start_stale_parts": lambda *_: [],
        "apps_to_restart": lambda *_: [],
        "RECONCILERS": uptime_kuma,
    }
    for name, part in played.items():
        setattr(run, name, part)
    vars(verbs)["check_tree"] = lambda *_: ()
    print("ready", flush=True)
    for line in sys.stdin:
        root, file, port = line.split()
        os.environ["LOOKOUT_KUMA_PORT"] = port
        said: list[str] = []
        try:
            found = verbs.apply_file(Path(file), Path(root), False, said.append)[1]
        except Problems as problems:
            found = problems.diagnostics
        codes = [problem.code for problem in found if problem.level == "error"]
        print(json.dumps({"codes": codes, "said": said}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
