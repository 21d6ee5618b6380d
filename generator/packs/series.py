"""A series as proofs name it, `metric{a="b"}`: its parts, and the whole of its parts."""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

_LABEL: Final = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')


def metric_of(series: str) -> str:
    """The metric's name."""
    return series.partition("{")[0]


@lru_cache(maxsize=4096)
def labels_of(series: str) -> Mapping[str, str]:
    """The labels with their values."""
    return {name: json.loads(f'"{value}"') for name, value in _LABEL.findall(series.partition("{")[2])}


def named(metric: str, labels: Mapping[str, str]) -> str:
    """The series of a metric with these labels."""
    inside = ",".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in sorted(labels.items()))
    return f"{metric}{{{inside}}}"
