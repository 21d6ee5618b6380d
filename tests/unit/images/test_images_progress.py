"""What one who waits for images sees: lines that stay, and how many are done; on a terminal redrawn in place."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from images import Failed, progress
from images.progress import counted, step
from tests.support.terminal import all_of

ROOT: Final = Path(__file__).resolve().parents[3]
PROGRAM: Final = """
import time
from images.progress import counted, step, warn
with counted(3) as count:
    for name in ("loki", "caddy", "redis"):
        with step(name, "compiling"):
            time.sleep(1.2)
        warn(f"{name}: beside it")
        count()
"""


def on_a_terminal(**environment: str) -> str:
    ours, theirs = pty.openpty()
    run = subprocess.Popen([sys.executable, "-c", PROGRAM], cwd=ROOT, stdout=theirs,
                           env={**os.environ, "TERM": "xterm", "COLUMNS": "120", **environment})  # fmt: skip
    os.close(theirs)
    shown = all_of(ours)
    assert run.wait(timeout=30) == 0
    return shown.decode()


def test_on_a_terminal_what_is_under_way_is_redrawn_in_place() -> None:
    shown = on_a_terminal()
    assert "\x1b[2K" in shown, "the line is cleared before the next"
    assert re.search(r"redis +compiling \d s   2 of 3, about 10 s left", shown)
    for name in ("loki", "caddy", "redis"):
        lines = re.findall(rf"  {name} +compiling \d s\r\n\x1b\[1m!! {name}: beside it", shown)
        assert len(lines) == 1, "one line stays"


def test_a_terminal_that_cannot_redraw_gets_plain_lines() -> None:
    assert "\x1b[2K" not in on_a_terminal(TERM="dumb")


def test_elsewhere_each_line_is_printed_once(capsys: pytest.CaptureFixture[str]) -> None:
    with counted(3) as count:
        for name in ("loki", "caddy", "redis"):
            with step(name, "compiling"):
                pass
            count()
    assert capsys.readouterr().out.splitlines() == [
        f"  {'loki':<28} compiling 0 s",
        "  1 of 3, about 10 s left",
        f"  {'caddy':<28} compiling 0 s",
        "  2 of 3, about 10 s left",
        f"  {'redis':<28} compiling 0 s",
    ]


def test_one_image_alone_is_not_counted(capsys: pytest.CaptureFixture[str]) -> None:
    with counted(1) as count, step("loki", "compiling"):
        count()
    assert capsys.readouterr().out == f"  {'loki':<28} compiling 0 s\n"


def test_a_long_step_is_seen_to_live(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(progress, "_HEARTBEAT_SECONDS", 0.01)
    seen = ""
    with step("loki", "compiling"):
        while ".." not in seen:
            seen += capsys.readouterr().out
    assert seen.startswith(f"  {'loki':<28} compiling .")


def test_a_step_that_fails_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Failed), step("loki", "compiling"):
        raise Failed("no")
    with step("caddy", "asking") as said:
        said.append("refused after")
    assert capsys.readouterr().out.splitlines() == [
        f"  {'loki':<28} compiling failed after 0 s",
        f"  {'caddy':<28} asking refused after 0 s",
    ]
