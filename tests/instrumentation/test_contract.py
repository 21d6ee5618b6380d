"""The contract of apps and packs, from both sides: what a pack asks for is exported, what is exported is asked for.

The apps are booted and asked for /metrics; nothing here is read from a fixture but what Prometheus itself prints.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import promql_parser
import pytest
from lookout_instrumentation.catalogue import BY_NAME, CATALOGUE

from generator.packs import Pack, load_packs
from generator.packs.contract import recorded
from generator.packs.fixtures import Series, read_exposition, read_fixtures, unmatched_selectors
from generator.packs.sample import sample_instance
from generator.promql.tree import parse, walk
from tests.instrumentation.whole import exposition_of_a_whole_app

PACKS: Final = load_packs()
FOLDER: Final = Path(__file__).parents[2] / "packs"
# Packs whose metrics apps export through the library, and through nothing else.
OF_APPS: Final = tuple(
    pack
    for pack in PACKS.values()
    if pack.name == "http" or {each.exporter for each in pack.spec.programs} == {"lookout_instrumentation"}
)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> list[Series]:
    """Every series of an app that uses all of the library."""
    return read_exposition(exposition_of_a_whole_app(tmp_path_factory.mktemp("whole")))


def selected(pack: Pack) -> dict[str, list[str]]:
    """Each expression of the pack's rules and panels, with the metrics that it names."""
    _, instance = sample_instance(pack)
    expressions = [*(rule.expr for rule in instance.records), *(rule.expr for rule in instance.alerts)]
    expressions += [
        query.expr.replace("$__rate_interval", "5m").replace("$__range", "1h")
        for row in instance.rows
        for panel in row.panels
        for query in panel.queries
        if query.datasource == "prometheus"
    ]
    return {expr: [*_names(parse(expr))] for expr in expressions}


def _names(tree: Any) -> Iterator[str]:
    """The metrics that an expression names, also by a pattern of names."""
    for node in walk(tree):
        if isinstance(node, promql_parser.VectorSelector):
            if node.name:
                yield node.name
            for matcher in node.matchers.matchers:
                if matcher.name == "__name__":
                    yield from (name for name in BY_NAME if re.fullmatch(matcher.value, name))


@pytest.mark.parametrize("pack", OF_APPS, ids=lambda pack: pack.name)
def test_what_a_pack_asks_for_is_exported(pack: Pack, exported: list[Series]) -> None:
    scraped = read_fixtures(sorted(FOLDER.glob("target/fixtures/prometheus-*.prom")))
    _, instance = sample_instance(pack)
    known = [*exported, *scraped, *recorded(instance)]
    missing = {expr: unmatched_selectors(parse(expr), known) for expr in selected(pack)}
    assert {expr: problems for expr, problems in missing.items() if problems} == {}


def test_what_is_exported_is_asked_for(exported: list[Series]) -> None:
    asked = {_family(name) for pack in PACKS.values() for names in selected(pack).values() for name in names}
    assert {_family(series.name) for series in exported} - asked == set()


def test_every_metric_of_the_catalogue_can_be_seen(exported: list[Series]) -> None:
    seen = {_family(series.name) for series in exported}
    assert {metric.name for metric in CATALOGUE} - seen == set()


def _family(name: str) -> str:
    """The metric that a series belongs to: a histogram has three names."""
    for end in ("_bucket", "_count", "_sum"):
        if name.removesuffix(end) in BY_NAME:
            return name.removesuffix(end)
    return name
