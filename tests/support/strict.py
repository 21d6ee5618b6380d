"""pytest's plugin: under LOOKOUT_STRICT=1, which `make test` sets, a test that is skipped has failed.

Elsewhere a machine may lack Docker or an image, and a skip says so. In both cases the last lines count them.
"""

import os
from collections.abc import Generator
from typing import Any

import pytest

STRICT = os.environ.get("LOOKOUT_STRICT") == "1"


def reason_of(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Why a test was skipped, or was expected to fail."""
    if expected := getattr(report, "wasxfail", ""):
        return f"expected to fail: {expected}"
    place = report.longrepr
    return str(place[2]) if isinstance(place, tuple) else str(place)


def refuse(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Make a failure of what was skipped, or expected to fail."""
    if report.outcome == "skipped" or hasattr(report, "wasxfail"):
        reason = reason_of(report)
        report.outcome = "failed"
        report.longrepr = f"skipped, where nothing may be: {reason}"
        vars(report).pop("wasxfail", None)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if STRICT:
        refuse(report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if STRICT:
        refuse(report)
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The count, also when it is none."""
    words = ("skipped", "xfailed", "xpassed")
    counted = {word: len(terminalreporter.stats.get(word, ())) for word in words}
    terminalreporter.write_line(", ".join(f"{number} {word}" for word, number in counted.items()))
