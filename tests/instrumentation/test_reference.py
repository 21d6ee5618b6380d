"""The committed reference of metrics is what the catalogue says, and the catalogue is sound."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from lookout_instrumentation.catalogue import BY_NAME, CATALOGUE, Metric
from lookout_instrumentation.reference import PARTS, reference

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs" / "reference" / "app-metrics.md"


def test_the_committed_page_is_fresh() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "lookout_instrumentation.reference"],
        cwd=REPOSITORY / "instrumentation",
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert PAGE.read_text(encoding="utf-8") == printed


def test_every_metric_is_on_the_page_once() -> None:
    listed = re.findall(r"^\| `(\w+)` \| (?:counter|gauge|histogram) \|", reference(), re.MULTILINE)
    assert sorted(listed) == sorted(metric.name for metric in CATALOGUE)


def test_every_part_has_its_words_and_its_metrics() -> None:
    assert {metric.part for metric in CATALOGUE} == PARTS.keys()


def test_no_name_is_given_twice() -> None:
    assert len(BY_NAME) == len(CATALOGUE)


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_a_metric_keeps_the_rules_of_its_type(metric: Metric) -> None:
    assert metric.name.endswith("_total") == (metric.type == "counter")
    assert re.fullmatch(r"[a-z][a-z0-9_]*", metric.name)
    assert metric.help.endswith(".")
    assert "|" not in metric.help
    assert bool(metric.merge) == (metric.type == "gauge")
    assert list(metric.buckets) == sorted(set(metric.buckets))
    assert len(set(metric.labels)) == len(metric.labels)
