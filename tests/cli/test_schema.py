"""The JSON Schema: it takes what the compiler takes, and marks in an editor what the shape alone shows to be
wrong."""

import random
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

from generator.diagnostics import Problems
from generator.pipeline import resolve_text
from generator.source.read import load_source
from generator.verbs.schema import json_schema
from tests.cli.test_malformed import CASES, INPUT, OUTPUT
from tests.cli.test_mutations import GOOD, mutated
from tests.docs.blocks import Block, proven_by
from tests.support.combinations import KINDS, PAIRS, file_of, full, plain

SCHEMA: Final = json_schema()
VALIDATOR: Final = Draft202012Validator(SCHEMA)
MUTATIONS: Final = 400

# What an editor has to mark: a file's lines, below a service that is right.
WRONG: Final = {
    "an unknown kind": "kind: fastapy",
    "an unknown kind among others": "kind: [fastapi, celry]",
    "an unknown key": "kind: fastapi\n    ownr: ana",
    "a parameter of another kind": "kind: redis\n    params: {http: {error_ratio_warning: 5%}}",
    "an unknown parameter": "kind: fastapi\n    params: {http: {error_ratio: 5%}}",
    "a ratio without a sign": "kind: fastapi\n    params: {http: {error_ratio_warning: 5}}",
    "a parameter under no kind, of another kind": "kind: redis\n    params: {error_ratio_warning: 5%}",
    "a parameter under no kind that there never was": "kind: fastapi\n    params: {memory_used: 5%}",
    "a duration without a unit": "kind: fastapi\n    detect_within: 60",
    "an unknown alert switched off": "kind: fastapi\n    off: [HttpErrorRatioHihg]",
    "an alert of another kind switched off": "kind: fastapi\n    off: RedisDown",
    "a severity of no alert": "kind: fastapi\n    severity: {HttpErrorRatioHihg: critical}",
    "a severity of an alert of another kind": "kind: fastapi\n    severity: {RedisDown: warning}",
    "a severity that an alert cannot have": "kind: fastapi\n    severity: {HttpErrorRatioHigh: page}",
    "a severity that there is not": "kind: fastapi\n    alerts: {Own: {expr: a > 1, severity: page, summary: s}}",
    "an alert without a summary": "kind: fastapi\n    alerts: {Own: {expr: a > 1, severity: info}}",
    "an alert's name in small letters": "kind: fastapi\n    alerts: {own: {expr: a > 1, severity: info, summary: s}}",
    "a password written out": "kind: redis\n    password: hunter2",
    "a secret's name with a dash": "kind: redis\n    password: secret:my-password",
    "a mode of logs that there is not": "kind: fastapi\n    logs: dockre",
    "a percentile that is none": "kind: fastapi\n    slo: {latency: {95: 300ms}}",
    "an objective that is no percentage": "kind: fastapi\n    slo: {availability: 0.05}",
    "no kind": "targets: [api:8000]",
}


def refused(text: str) -> list[str]:
    """What the schema says of a file."""
    return [error.json_path + ": " + error.message[:120] for error in VALIDATOR.iter_errors(data(text))]


def data(text: str) -> Any:
    return load_source(text, "services.yaml").data


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_it_takes_the_committed_services_yaml() -> None:
    assert refused(GOOD) == []


@pytest.mark.parametrize("block", proven_by("services"), ids=str)
def test_it_takes_every_example_of_the_guides(block: Block) -> None:
    assert refused(block.text) == []


@pytest.mark.parametrize("page", sorted(Path("docs/errors").rglob("*.md")), ids=str)
def test_it_takes_the_good_example_of_every_error(page: Path) -> None:
    blocks = [block for block in proven_by("error") if block.page == str(page) and block.language == "yaml"]
    for block in blocks[1:2]:
        assert refused(block.text) == []


@pytest.mark.parametrize("kinds", [*((kind,) for kind in KINDS), *PAIRS[:20]], ids=" and ".join)
def test_it_takes_every_kind_with_all_that_may_stand_beside_it(kinds: tuple[str, ...]) -> None:
    assert refused(file_of({"it": plain("it", kinds), "other": full("other", kinds)})) == []


def test_it_takes_every_mutation_that_the_compiler_takes() -> None:
    taken = 0
    for seed in range(MUTATIONS):
        text = mutated(GOOD, random.Random(seed))
        try:
            resolve_text(text, "services.yaml")
        except Problems:
            continue
        taken += 1
        assert refused(text) == [], f"seed {seed}"
    assert taken > MUTATIONS / 10


@pytest.mark.parametrize("lines", WRONG.values(), ids=WRONG)
def test_it_marks_what_is_wrong_at_sight(lines: str) -> None:
    text = f"services:\n  api:\n    {lines}\n"
    assert refused(text) != []
    with pytest.raises(Problems):
        resolve_text(text, "services.yaml")


def test_it_marks_most_malformed_files() -> None:
    """Those whose fault is not YAML's, and not a matter of several places that have to fit each other."""
    readable, marked = [], []
    for case in CASES:
        text = case.read_text().removeprefix(INPUT).split(OUTPUT)[0]
        try:
            read = data(text)
        except Problems:
            continue
        readable.append(case.stem)
        if any(VALIDATOR.iter_errors(read)):
            marked.append(case.stem)
    assert len(marked) >= 36, f"{len(marked)} of {len(readable)}"
