"""What the end-to-end tests read out of messages is what stands in them."""

import pytest

from tests.docs.blocks import proven_by
from tests.support.notified import firing

GROUP = """🟠 P1 WARNING · api · 2 alerts
• HttpErrorSurge since 10:21:43 UTC on 21 Nov: 12 requests failed
• LlmRateLimited since 10:21:50 UTC on 21 Nov: 40 calls were refused
✅ SlowQueries lasted 2m 0s, 10:00:00 to 10:02:00 UTC on 21 Nov
Runbook · Dashboard · Logs · Silence · demo · production"""


def test_the_messages_in_the_documentation_name_their_alert() -> None:
    read = {block.arguments: firing(block.text) for block in proven_by("message")}
    assert read == {("firing",): {("ServiceDown", "api")}, ("resolved",): set()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (GROUP, {("HttpErrorSurge", "api"), ("LlmRateLimited", "api")}),
        (
            "🔴 P0 CRITICAL · db · PostgresDown \N{MULTIPLICATION SIGN}2\n• PostgresDown since 1",
            {("PostgresDown", "db")},
        ),
        ("• HttpErrorSurge since 10:21", set()),
    ],
)
def test_alerts_of_a_group_are_those_of_its_lines(text: str, expected: set[tuple[str, str]]) -> None:
    assert firing(text) == expected
