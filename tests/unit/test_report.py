"""What a diagnostic looks like when it is printed."""

import pytest

from generator.diagnostics import Diagnostic, Problems, Span, did_you_mean, sort_diagnostics
from generator.report import render_text, summarise
from generator.source.read import load_source
from generator.spec.keys import load_spec

TEXT = "services:\n  worker:\n    kind: celry\n"
BAD = Diagnostic(
    "spec/unknown-kind", "no pack is called 'celry'", Span("services.yaml", 3, 11, 16), hint="did you mean 'celery'?"
)


def test_a_caret_stands_under_the_word_and_the_hint_behind_it() -> None:
    assert render_text([BAD], {"services.yaml": TEXT}) == (
        "services.yaml:3:11: error[spec/unknown-kind]: no pack is called 'celry'\n"
        "  3 |     kind: celry\n"
        "    |           ^^^^^ did you mean 'celery'?\n"
    )


def test_without_the_file_the_hint_stands_on_its_own_line() -> None:
    assert render_text([BAD], {}).splitlines()[1] == "  = did you mean 'celery'?"


def test_a_long_line_is_cut_around_the_caret() -> None:
    row = "x" * 300 + "HERE" + "y" * 300
    text = render_text([Diagnostic("spec/bad-value", "m", Span("f", 1, 301, 305))], {"f": row})
    shown, caret = text.splitlines()[1:3]
    assert len(shown) < 140
    assert shown[caret.index("^") : caret.rindex("^") + 1] == "HERE"


def test_what_was_typed_in_place_of_a_secret_is_never_shown() -> None:
    text = "ops: {slack: {webhook: hunter2hunter2, channel: 3}}\n"
    secret = Diagnostic("spec/plain-secret", "write secret:NAME", Span("f", 1, 24, 38))
    other = Diagnostic("spec/wrong-type", "this should be text", Span("f", 1, 49, 50))
    assert "hunter2" not in render_text([secret, other], {"f": text})


def test_nor_is_a_secret_that_goes_on_in_the_next_line() -> None:
    text = 'channels: {ops: {slack: {webhook: "hunter2hunter2\n  hunter3"}}}\nservices: {}\n'
    with pytest.raises(Problems) as caught:
        load_spec(load_source(text, "f"))
    assert "hunter" not in render_text(caught.value.diagnostics, {"f": text})


def test_the_summary_counts_by_level() -> None:
    warning = Diagnostic("notify/nobody", "no one is notified", level="warning")
    note = Diagnostic("store/stale", "not rendered yet", level="note")
    assert summarise([BAD, BAD, warning]) == "2 errors, 1 warning"
    assert summarise([note, warning]) == "1 warning, 1 note"
    assert render_text([note], {}, colour=True) == "\033[1;36mnote[store/stale]\033[0m: not rendered yet\n"
    assert summarise([]) == "no problems"


def test_problems_are_sorted_by_place_and_reported_once() -> None:
    late = Diagnostic("spec/bad-value", "b", Span("f", 9, 1, 2))
    early = Diagnostic("spec/bad-value", "a", Span("f", 2, 5, 6))
    assert sort_diagnostics([late, early, late]) == (early, late)
    assert Problems([late, early]).diagnostics == (early, late)


@pytest.mark.parametrize("span", [(0, 1, 2), (1, 0, 2), (1, 5, 4)])
def test_impossible_positions_are_refused(span: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="impossible position"):
        Span("f", *span)


def test_codes_must_be_registered_and_messages_said() -> None:
    with pytest.raises(ValueError, match="unregistered"):
        Diagnostic("spec/invented", "m")
    with pytest.raises(ValueError, match="message"):
        Diagnostic("spec/bad-value", "")


def test_the_nearest_word_is_suggested_and_a_far_one_is_not() -> None:
    assert did_you_mean("celry", ["celery", "redis"]) == "did you mean 'celery'?"
    assert did_you_mean("zebra", ["celery", "redis"]) == ""
