"""What is masked in a log line, and what must stay readable: the table, and its reading by the collector."""

import re

import pytest
from lookout_instrumentation.redaction import Redactor

from generator.render.collector.redaction import ottl_statements, ottl_string, table, unbounded
from generator.render.collector.redaction_rules import DIGITS, RULES, WORDS
from tests.unit.redaction_cases import LOOK_ALIKES, SECRETS

REDACTOR = Redactor(table())
RULE_NAMES = [rule.name for rule in RULES]


def redact(text: str) -> str:
    """As the collector reads the table."""
    return REDACTOR.text(text, checked=False)


@pytest.mark.parametrize(("text", "expected"), SECRETS.values(), ids=SECRETS)
def test_a_secret_is_masked_and_the_rest_of_the_line_kept(text: str, expected: str) -> None:
    assert redact(text) == expected


@pytest.mark.parametrize("text", LOOK_ALIKES.values(), ids=LOOK_ALIKES)
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize("text", [text for text, _ in SECRETS.values()], ids=SECRETS)
def test_redacting_twice_is_redacting_once(text: str) -> None:
    assert redact(redact(text)) == redact(text)


def test_several_secrets_in_one_line_are_all_masked() -> None:
    line = " ".join(text for text, _ in SECRETS.values() if "{" not in text and "BEGIN" not in text)
    redacted = redact(line)
    for secret in ("hunter2", "abc123", "dXNlcjpwYXNz", "4111111111111111", "bob.smith", "333 123"):
        assert secret not in redacted


@pytest.mark.parametrize("rule", RULE_NAMES)
def test_without_this_rule_a_secret_would_get_through(rule: str) -> None:
    rest = {**table(), "rules": [each for each in table()["rules"] if each["name"] != rule]}
    assert len(rest["rules"]) == len(RULES) - 1
    without = Redactor(rest)
    assert any(without.text(text, checked=False) != expected for text, expected in SECRETS.values())


def test_patterns_are_such_as_both_engines_read() -> None:
    for rule in RULES:
        assert not re.search(r"\(\?[=!<P]|\\[1-9ZQ]|[*+?]\+", rule.pattern), rule.name
        groups = [int(number) for number in re.findall(r"\$\{(\d)\}", rule.mask)]
        assert re.compile(rule.pattern).groups == max(groups, default=0), rule.name


def test_a_rule_is_tried_wherever_it_can_match() -> None:
    """Gates and hints only save time: without them the result is the same."""
    for rule in RULES:
        assert rule.hints or rule.gate, rule.name
        for text in (*(text for text, _ in SECRETS.values()), *LOOK_ALIKES.values()):
            for match in re.finditer(rule.pattern, text, re.ASCII):
                found = match[0].lower()
                assert not rule.hints or any(hint in found for hint in rule.hints), (rule.name, found)
                assert rule.gate != "named" or any(word in found for word in WORDS), (rule.name, found)
                assert rule.gate != "digits" or re.search(DIGITS, found), (rule.name, found)


def test_each_rule_is_applied_to_the_body_and_to_the_attributes() -> None:
    statements = ottl_statements()
    for rule in RULES:
        literal = ottl_string(unbounded(rule.pattern))
        assert [s.partition("(")[0] for s in statements if literal in s] == ["replace_pattern", "replace_all_patterns"]


def test_bounds_are_for_engines_that_backtrack_and_change_nothing_else() -> None:
    rules = [{**rule, "pattern": unbounded(str(rule["pattern"]))} for rule in table()["rules"]]
    assert sum(a["pattern"] != b["pattern"] for a, b in zip(rules, table()["rules"], strict=True)) > 5
    without = Redactor({**table(), "rules": rules})
    for text in (*(text for text, _ in SECRETS.values()), *LOOK_ALIKES.values()):
        assert without.text(text, checked=False) == redact(text)
    assert unbounded(r"a{1,64}b{0,40}c{8,1000}d{2,5}") == "a+b*c{8,}d{2,5}"


def test_an_ottl_string_escapes_what_would_end_it() -> None:
    assert ottl_string('\\d"') == '"\\\\d\\""'
