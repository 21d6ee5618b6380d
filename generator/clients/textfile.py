"""Textfile metrics of jobs, as files that node exporter reads: one for each series, replaced in one step.

Owns the folder and the contents of its files. Jobs call it from cron: only the standard library is imported here. The
rules for names are in generator.verbs.record.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from generator.diagnostics import Diagnostic, Problems
from generator.disk.atomic import sweep_drafts, write_file

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = Path("data/facts")
# Another folder, for tests and for machines that keep their data elsewhere.
FOLDER_VARIABLE: Final = "LOOKOUT_FACTS"
EVERY: Final = 86_400
# More files than this mean a label with unlimited values.
MOST_METRICS: Final = 1000
# What earlier versions left when they were killed.
_FORMER_DRAFT: Final = re.compile(r"\.[a-z0-9_]{8}\.part")


@dataclass(frozen=True)
class TextfileMetric:
    """One number about one thing. `every` is how often it is recorded, in seconds; 0 when there is no rhythm."""

    name: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)
    every: int = EVERY

    @property
    def file(self) -> str:
        """The name of its file: the same for the same name and labels."""
        digest = hashlib.sha256("\0".join(f"{k}\0{v}" for k, v in sorted(self.labels.items())).encode()).hexdigest()
        return f"{self.name}-{digest[:12]}.prom"


def write_metric(metric: TextfileMetric, folder: Path, now: float) -> Path:
    """Write the metric where node exporter reads it, in one step. Raises Problems when that cannot be done."""
    target = folder / metric.file
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not target.exists() and sum(1 for _ in folder.glob("*.prom")) >= MOST_METRICS:
            message = f"{folder} holds {MOST_METRICS} textfile metrics already: a label has too many values"
            raise Problems([Diagnostic("record/not-written", message, hint="put ids of things into no label")])
        sweep_drafts(folder, _FORMER_DRAFT)
        write_file(target, exposition(metric, now), 0o644)
    except OSError as error:
        raise _not_written(error, target) from error
    return target


def remove_metric(metric: TextfileMetric, folder: Path) -> bool:
    """Remove the metric; whether there was one. Raises Problems when its file cannot be removed."""
    try:
        (folder / metric.file).unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _not_written(error, folder / metric.file) from error
    return True


def recorded(metric: TextfileMetric, folder: Path) -> float | None:
    """The present value under the metric's name and labels; None if there is none."""
    try:
        lines = (folder / metric.file).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _not_written(error, folder / metric.file) from error
    return float(lines[2].rpartition(" ")[2])


def exposition(metric: TextfileMetric, now: float) -> str:
    """The file's text: the metric, and when it was recorded."""
    kind = "counter" if metric.name.endswith("_total") else "gauge"
    lines = _series(metric.name, kind, "Recorded by a job with `lookout record`.", metric.labels, metric.value)
    about = {"fact": metric.name, **metric.labels}
    lines += _series(
        "lookout_record_timestamp_seconds", "gauge", "When a textfile metric was last recorded.", about, now
    )
    if metric.every:
        text = "How often a textfile metric is recorded, as its job declares."
        lines += _series("lookout_record_every_seconds", "gauge", text, about, metric.every)
    return "\n".join(lines) + "\n"


def default_folder() -> Path:
    """The folder of textfile metrics on this machine."""
    return textfile_folder(ROOT)


def textfile_folder(root: Path) -> Path:
    """The folder of textfile metrics of the stack in `root`."""
    return Path(os.environ.get(FOLDER_VARIABLE) or root / FOLDER)


def _series(name: str, kind: str, text: str, labels: Mapping[str, str], value: float) -> list[str]:
    inside = ",".join(f'{key}="{_escaped(word)}"' for key, word in sorted(labels.items()))
    shown = repr(int(value)) if float(value).is_integer() else repr(float(value))
    series = f"{name}{{{inside}}}" if inside else name
    return [f"# HELP {name} {text}", f"# TYPE {name} {kind}", f"{series} {shown}"]


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _not_written(error: OSError, path: Path) -> Problems:
    message = f"{path} cannot be written: {error.strerror or error}"
    hint = f"run it as the user who installed Lookout, or set {FOLDER_VARIABLE}"
    return Problems([Diagnostic("record/not-written", message, hint=hint)])
