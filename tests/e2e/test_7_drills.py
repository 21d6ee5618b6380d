"""Real faults, one after the other: each brings exactly what was expected, in time, and is over when it is fixed."""

import re
import time

import pytest

from tests.e2e.drills import DRILLS, Drill, Outcome, run, settle, until_clear
from tests.e2e.stack import Stack
from tests.support.soak import SOAK

CHOSEN = [drill for drill in DRILLS if drill.quick or SOAK]
OUTCOMES: list[Outcome] = []
# The longest `keep_firing_for` of what the drills bring, and some.
ALL_CLEAR_SECONDS = 3600 if SOAK else 600
LEFT_BEHIND = "DatabaseConnectionFailures"
AFTERMATH_SECONDS = 90


@pytest.fixture(scope="module", autouse=True)
def settled(stack: Stack) -> None:
    """Other tests have just stopped Redis and Postgres."""
    settle(stack)


@pytest.mark.parametrize("drill", CHOSEN, ids=lambda drill: drill.name)
def test_a_fault_brings_what_was_expected(stack: Stack, drill: Drill) -> None:
    outcome = run(stack, drill)
    OUTCOMES.append(outcome)
    print(f"\n{outcome.row()}")
    assert outcome.unexpected == set(), "no one expected these"
    assert drill.expected <= outcome.seconds.keys(), "these did not come"


def test_what_an_outage_leaves_behind_makes_no_message(stack: Stack) -> None:
    """The apps lost connections while Postgres was away, and that alert is kept firing for minutes after it."""
    (postgres,) = [outcome for outcome in OUTCOMES if ("PostgresDown", "db") in outcome.drill.expected]
    ended = time.time() - (time.monotonic() - postgres.ended)
    time.sleep(max(0.0, ended + AFTERMATH_SECONDS - time.time()))  # in which no message may come
    since = int(time.time() - ended)
    assert stack.query(f'max_over_time(ALERTS{{alertname="{LEFT_BEHIND}",alertstate="firing"}}[{since}s])'), "it fires"
    reported = [m["text"] for m in stack.messages() if ended <= m["at"] <= ended + AFTERMATH_SECONDS]
    fires = re.compile(rf"^🟠 .* · {LEFT_BEHIND}$|^• {LEFT_BEHIND} since", re.MULTILINE)
    assert [text for text in reported if fires.search(text)] == []


def test_all_is_clear_again(stack: Stack) -> None:
    deadline = time.monotonic() + ALL_CLEAR_SECONDS
    late = [outcome for outcome in OUTCOMES if not until_clear(stack, outcome, deadline - time.monotonic())]
    print(
        "\n| fault | alert, seconds after the fault | all-clear, seconds after its end | also sent |\n|---|---|---|---|"
    )
    print("\n".join(outcome.row() for outcome in OUTCOMES))
    assert [outcome.drill.name for outcome in late] == []
