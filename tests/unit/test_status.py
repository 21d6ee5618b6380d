"""`make status`: what the table says, and when it says that something is wrong."""

from typing import Any

import pytest

from images.status import rows, table

TARGETS = [
    {"scrapeUrl": "http://collector:8888/metrics", "health": "up"},
    {"scrapeUrl": "http://redis-exporter-cache:9121/metrics", "health": "down"},
    {"scrapeUrl": "http://loki:3100/metrics", "health": "down"},
]


def container(service: str, state: str = "running", health: str = "") -> dict[str, Any]:
    return {"Service": service, "State": state, "Health": health}


@pytest.mark.parametrize(
    ("listed", "health", "well"),
    [
        pytest.param(container("loki", health="healthy"), "healthy", True, id="its own check counts, not the scrape"),
        pytest.param(container("loki", health="unhealthy"), "unhealthy", False, id="an ill one is not well"),
        pytest.param(container("loki", health="starting"), "starting", False, id="a starting one is not well yet"),
        pytest.param(container("collector"), "scraped", True, id="without a check Prometheus' scrape counts"),
        pytest.param(container("redis-exporter-cache"), "not scraped", False, id="and so does a failing scrape"),
        pytest.param(container("worker"), "no check", True, id="what nobody looks at only has to run"),
        pytest.param(container("worker", state="exited"), "no check", False, id="what has stopped is not well"),
        pytest.param(
            container("loki", "exited", "healthy"), "healthy", False, id="the last check of a stopped one is old"
        ),
    ],
)
def test_a_row(listed: dict[str, Any], health: str, well: bool) -> None:
    (row,) = rows([listed], TARGETS)
    assert (row.health, row.well) == (health, well)


def test_one_of_two_scrapes_that_fails_is_enough_to_be_told() -> None:
    again = [{"scrapeUrl": "http://collector:13133/", "health": "down"}, *TARGETS]
    (row,) = rows([container("collector")], again)
    assert row.health == "not scraped"


def test_the_table_is_sorted_and_marks_what_is_not_well() -> None:
    listed = [container("prometheus", health="healthy"), container("loki", "exited")]
    assert table(rows(listed, [])).splitlines() == [
        "   SERVICE     STATE    HEALTH",
        "!  loki        exited   no check",
        "   prometheus  running  healthy",
    ]
