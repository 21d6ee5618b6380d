"""`lookout record NAME VALUE [label=value...]`: what a job has to say, checked and recorded.

Owns the rules for names, and the errors for a metric that cannot be recorded. Called by cron, so it starts with the
standard library alone: nothing of the compiler is imported. Whether a value is good or bad is for alerts.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Final

from generator.clients.textfile import ROOT, TextfileMetric, default_folder, remove_metric, write_metric
from generator.diagnostics import Diagnostic, Problems, did_you_mean, is_text
from generator.report import render_text

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)+")
_LABEL: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_MOST_LABELS: Final = 6
_LONGEST_VALUE: Final = 200
# What the machine, the programs and Lookout itself export.
_OTHERS: Final = ("go_", "lookout_", "node_", "process_", "prometheus_", "promhttp_", "python_", "scrape_", "up_")
# What Prometheus, the scrape or these files themselves set.
_TAKEN: Final = frozenset({"environment", "fact", "host", "instance", "job", "le", "owner", "quantile", "severity"})
# Prometheus measures in base units: what to write instead, and what to multiply by.
_BASE: Final[Mapping[str, tuple[str, float]]] = {
    **dict.fromkeys(("ms", "millis", "milliseconds"), ("seconds", 0.001)),
    **dict.fromkeys(("sec", "secs", "second", "s"), ("seconds", 1.0)),
    **dict.fromkeys(("min", "mins", "minutes"), ("seconds", 60.0)),
    **dict.fromkeys(("hours", "hrs"), ("seconds", 3600.0)),
    "days": ("seconds", 86400.0),
    **dict.fromkeys(("kb", "kib", "kilobytes"), ("bytes", 1024.0)),
    **dict.fromkeys(("mb", "mib", "megabytes"), ("bytes", 1024.0**2)),
    **dict.fromkeys(("gb", "gib", "gigabytes"), ("bytes", 1024.0**3)),
    **dict.fromkeys(("percent", "pct", "percentage"), ("ratio", 0.01)),
}
_SPAN: Final = re.compile(r"(\d+)([smhdw])")
_SPAN_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def read_metric(name: str, value: str, labels: Sequence[str], every: str, known: Collection[str]) -> TextfileMetric:
    """A textfile metric from the words of the command line. Raises Problems with all that is wrong with them.

    `known` are the services that there are; nothing is known of them when it is empty.
    """
    problems: list[Diagnostic] = []
    number = _number(value, problems)
    _check_name(name, number, problems)
    found = _labels(labels, problems)
    service = found.get("service")
    if known and service is not None and service not in known:
        hint = did_you_mean(service, sorted(known))
        notes = (f"known: {', '.join(sorted(known))}",)
        problems.append(
            Diagnostic("record/unknown-service", f"no service is called '{service}'", hint=hint, notes=notes)
        )
    seconds = _every(every, problems)
    if problems:
        raise Problems(problems)
    return TextfileMetric(name, number, found, seconds)


def known_services(root: Path = ROOT) -> frozenset[str]:
    """The services that rules are rendered for; reading services.yaml would take ten times as long."""
    try:
        return frozenset(path.stem for path in (root / "prometheus/rules").iterdir())
    except OSError:
        return frozenset()


def _number(text: str, problems: list[Diagnostic]) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        plain = re.fullmatch(r"(-?[\d.]+)\s*[^\d\s].*", text)
        hint = f"write {plain[1]}; the unit belongs into the name" if plain else ""
        problems.append(Diagnostic("record/bad-value", f"'{text}' is not a number", hint=hint))
        return math.nan
    return number


def _check_name(name: str, value: float, problems: list[Diagnostic]) -> None:
    problem, hint = "", ""
    *_, last = name.split("_")
    if not _NAME.fullmatch(name):
        snake = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()).strip("_")
        problem = f"'{name}' cannot be the name of a metric; write small letters, digits and _, the unit at the end"
        hint = f"write '{snake}'" if _NAME.fullmatch(snake) else "such as import_duration_seconds or import_rows"
    elif name.startswith(_OTHERS):
        problem = f"names that begin with {name.split('_')[0]}_ are of others"
        hint = f"write 'job_{name.split('_', 1)[1]}'"
    elif last in _BASE:
        unit, factor = _BASE[last]
        problem = f"'{name}' is not in a base unit"
        hint = f"write '{name[: -len(last)]}{unit}{'' if math.isnan(value) else f' {value * factor:g}'}'"
    if problem:
        problems.append(Diagnostic("record/bad-name", problem, hint=hint))


def _labels(words: Sequence[str], problems: list[Diagnostic]) -> dict[str, str]:
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if message := _label_problem(word, name, equals, value, found):
            hint = f"write '{name.lower().replace('-', '_')}={value}'" if "cannot be" in message and name else ""
            problems.append(Diagnostic("record/bad-label", message, hint=hint))
            continue
        found[name] = value
    if len(found) > _MOST_LABELS:
        message = f"{len(found)} labels are too many; {_MOST_LABELS} are the most"
        problems.append(Diagnostic("record/bad-label", message))
    return found


def _label_problem(word: str, name: str, equals: str, value: str, found: Collection[str]) -> str:
    if not equals:
        return f"'{word}' is no label; write name=value"
    if name in _TAKEN or name.startswith("exported_"):
        return f"the label '{name}' is set by Lookout"
    if not _LABEL.fullmatch(name):
        return f"'{name}' cannot be the name of a label"
    if name in found:
        return f"the label '{name}' is given twice"
    if not value or len(value) > _LONGEST_VALUE or any(ord(letter) < 32 for letter in value):
        return f"the value of '{name}' must be text of 1 to {_LONGEST_VALUE} characters in one line"
    return ""


def _every(text: str, problems: list[Diagnostic]) -> int:
    if text == "never":
        return 0
    parts = _SPAN.findall(text)
    seconds = sum(int(count) * _SPAN_SECONDS[unit] for count, unit in parts)
    if "".join(count + unit for count, unit in parts) != text or seconds == 0:
        message = f"--every '{text}' is not a time; write for example 1h, 1d or never"
        problems.append(Diagnostic("record/bad-value", message))
    return seconds


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lookout record",
        description="Record a textfile metric of a job. An alert fires when the job stops recording it.",
        epilog="example: lookout record import_duration_seconds 12.5 service=shop table=orders --every 1h",
    )
    parser.add_argument("name", metavar="NAME", help="the metric's name, its unit at the end: import_duration_seconds")
    parser.add_argument("value", metavar="VALUE", nargs="?", help="a number, in that unit")
    parser.add_argument("labels", metavar="LABEL=VALUE", nargs="*", help="what it is about; service=S says whose")
    parser.add_argument("--service", metavar="S", help="the same as service=S")
    parser.add_argument("--every", default="1d", metavar="1d", help="how often it is recorded, or never; default 1d")
    parser.add_argument("--remove", action="store_true", help="remove the metric; its labels stand in VALUE's place")
    parser.add_argument("--folder", type=Path, default=None, help=argparse.SUPPRESS)
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run the verb; the exit code."""
    parser = _parser()
    if not all(map(is_text, arguments)):
        parser.error("an argument is not UTF-8 text")
    options = parser.parse_intermixed_args(list(arguments))
    labels = [*options.labels, *([f"service={options.service}"] if options.service else [])]
    value = options.value
    if options.remove:
        labels, value = [*([value] if value is not None else []), *labels], "0"
    elif value is None:
        parser.error("the following arguments are required: VALUE")
    folder = options.folder or default_folder()
    try:
        # What is to be forgotten may belong to a service that is gone.
        metric = read_metric(options.name, value, labels, options.every, () if options.remove else known_services())
        if not options.remove:
            write_metric(metric, folder, time.time())
        elif not remove_metric(metric, folder):
            print(f"nothing is recorded as {metric.name} with these labels", file=sys.stderr)
            return 1
    except Problems as problems:
        print(render_text(problems.diagnostics, {}), file=sys.stderr, end="")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
