"""The marks that come with Lookout: each is of a rule as it is by default, and each holds when promtool runs it. Names
are no part of a mark: a site of other people and services has them too.
"""

from pathlib import Path
from typing import Final

import pytest

from generator.check.checkers import CheckedTree, trial_of
from generator.pipeline import compile_text
from generator.prove.nameless import without_names
from generator.prove.proving import Trial
from generator.prove.verdicts import Verdicts, mark_of, shipped_marks
from tests.support import tools
from tests.support.marks import complaints, default_trials

HEAD: Final = "people: {ana: {}, max: {}, zoe: {}}\nservices:\n"
LINE: Final = "  NAME: {kind: redis, owner: OWNER, address: 'NAME:6379'}\n"


@pytest.fixture(autouse=True)
def promtool() -> None:
    tools.tool("promtool")


def marks_of(name: str, owner: str, head: str = HEAD, more: str = "}") -> set[str]:
    """The marks of the proofs of a Redis."""
    line = LINE.replace("NAME", name).replace("OWNER", owner).replace("}", more)
    compiled = compile_text(head + line, "services.yaml")
    tree = CheckedTree(Path(), compiled.site, {each.path: each for each in compiled.artifacts})
    paths = tree.paths(f"prometheus/proofs/{name}/", ".yml")
    return {mark_of(*trial_of(tree, path).nameless()) for path in paths}


def test_every_mark_is_of_a_default_rule_and_holds_when_it_is_run() -> None:
    trials = default_trials()
    assert shipped_marks() == trials.keys(), "rules or proofs have changed: make marks"
    assert complaints(trials) == {}


def test_a_person_or_a_service_of_another_name_proves_nothing_again() -> None:
    first = marks_of("keys7", "ana")
    assert first and first <= shipped_marks()
    assert marks_of("store9", "zoe") == first
    assert (
        marks_of("store9", "zoe", f"stack: {{name: acme, domain: mon.acme.dev, environment: staging}}\n{HEAD}") == first
    )


@pytest.mark.parametrize("name", ["sum", "rate", "stale", "a"])
def test_a_name_may_be_a_word_of_promql(name: str) -> None:
    assert len(marks_of(name, "max")) == len(marks_of("keys7", "ana"))


def test_another_parameter_is_another_mark_of_its_rule_alone() -> None:
    first, other = marks_of("keys7", "ana"), marks_of("keys7", "ana", more=", params: {redis: {hit_ratio: 71%}}}")
    assert 0 < len(other - first) < len(first)


def test_the_same_name_has_the_same_mark_in_rules_and_proof() -> None:
    """A proof that expects another service than its rule's is another proof."""
    names = frozenset({"api", "db"})
    right, wrong = Trial("a", "x: api", "y: api", names), Trial("a", "x: api", "y: db", names)
    assert right.nameless() == Trial("a", "x: db", "y: db", names).nameless() != wrong.nameless()
    assert without_names({"rate"}, 'rate(x{service="rate"})') == ('rate(x{service="@0@"})',)


def test_a_shipped_mark_stands_for_exactly_what_it_names(tmp_path: Path) -> None:
    kept = Verdicts(tmp_path, shipped=frozenset({mark_of("rules", "proof")}))
    assert kept.said("rules", "proof") == ""
    assert kept.said("rules ", "proof") is kept.said("rules", "proof ") is None
