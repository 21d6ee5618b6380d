"""Every kind alone, in pairs and in threes: it compiles, gates find nothing, each alert is proven."""

import json
from collections.abc import Callable

import pytest

from generator.diagnostics import Problems
from generator.pipeline import Compiled, compile_text
from tests.support.combinations import (
    ADVISED,
    KINDS,
    PACKS,
    PAIRS,
    TRIPLES,
    Entry,
    file_of,
    full,
    objections,
    plain,
)
from tests.support.soak import SOAK

COMBINATIONS = (*((kind,) for kind in KINDS), *PAIRS, *TRIPLES)


def compiled(entry: Entry) -> Compiled:
    return compile_text(file_of({"it": entry}), "services.yaml")


def unproven(whole: Compiled) -> set[str]:
    """The alerts for which the manifest names no proof that was rendered."""
    artifacts = {artifact.path: artifact.content for artifact in whole.artifacts}
    manifest = json.loads(artifacts["prometheus/proofs/manifest.json"])
    return {
        f"{alert.service}/{alert.name}"
        for alert in whole.site.alerts
        if manifest.get(f"{alert.service}/{alert.name}") not in artifacts
    }


def test_every_kind_that_can_be_written_is_tried() -> None:
    assert len(KINDS) >= 30
    assert len(set(PAIRS)) >= 60


# Alone and as advised in both forms, the others in the one that holds more; `make soak` has both of all.
TRIED = tuple(
    pytest.param(form, kinds, id=f"{' and '.join(kinds)}, {form.__name__}")
    for kinds in COMBINATIONS
    for form in (plain, full)
    if form is full or SOAK or len(kinds) == 1 or kinds in ADVISED
)


@pytest.mark.parametrize(("form", "kinds"), TRIED)
def test_kinds_together_pass_the_gates(form: Callable[[str, tuple[str, ...]], Entry], kinds: tuple[str, ...]) -> None:
    whole = compiled(form("it", kinds))
    assert objections(whole) == []
    assert unproven(whole) == set()
    brought = {alert for kind in kinds for alert in PACKS[kind].alert_names}
    (it,) = (service for service in whole.site.services if service.name == "it")
    missing = {
        alert
        for alert in brought - {each.name for each in it.alerts} - set(it.off)
        if not any(spec.when for kind in kinds for spec in PACKS[kind].rules.alerts if spec.name == alert)
    }
    assert missing == set(), "only what has a condition may be left out"


@pytest.mark.parametrize("kinds", [("http", "django"), ("celery", "flower"), ("flask", "django", "starlette")])
def test_kinds_that_share_their_rules_are_one_pack_over_what_each_exports(kinds: tuple[str, ...]) -> None:
    whole = compiled(plain("it", kinds))
    (it,) = (service for service in whole.site.services if service.name == "it")
    assert len([pack for pack in it.packs if PACKS[pack.pack].source == PACKS[kinds[0]].source]) == 1
    (job,) = (job for job in it.jobs if job.name == "it")
    assert all(rule in job.relabel for kind in kinds for rule in PACKS[kind].relabel)
    names = {record.expr for pack in it.packs for record in pack.records}
    queries = {query.expr for pack in it.packs for row in pack.rows for panel in row.panels for query in panel.queries}
    if "flask" in kinds:
        assert any('status!=""' in query for query in queries | names), "what only flask's signals say is lost"


def test_a_proof_of_joined_kinds_is_not_taken_for_that_of_one() -> None:
    services = {"both": plain("both", ("flask", "django")), "one": plain("one", ("flask",))}
    whole = compile_text(file_of(services), "services.yaml")
    shapes = {alert.service: alert.shape for alert in whole.site.alerts if alert.name == "HttpErrorRatioHigh"}
    assert shapes["both"] != shapes["one"]


def test_a_probe_of_nothing_is_refused() -> None:
    text = file_of({"it": {"kind": ["probe", "http"], "targets": ["it:8000"]}})
    with pytest.raises(Problems) as caught:
        compile_text(text, "services.yaml")
    (problem,) = (each for each in caught.value.diagnostics if each.level == "error")
    assert problem.code == "spec/missing-target"
    assert problem.span is not None and text.splitlines()[problem.span.line - 1] == "  it:"
