"""Each error code has a page, and the page's examples do what it says."""

import re
from pathlib import Path

import pytest

from generator.diagnostics import CODES, Problems
from generator.pipeline import resolve_text
from generator.verbs.explain.code import explain_code

PAGES = Path(__file__).resolve().parents[2] / "docs" / "errors"
WITH_EXAMPLES = [code for code in CODES if "## Bad" in (PAGES / f"{code}.md").read_text()]


def examples(code: str) -> dict[str, str]:
    text = (PAGES / f"{code}.md").read_text()
    return dict(re.findall(r"## (Bad|Good)\n\n```yaml\n(.*?)```", text, flags=re.DOTALL))


def codes_of(text: str) -> set[str]:
    try:
        _, warnings = resolve_text(text, "services.yaml")
    except Problems as problems:
        return {problem.code for problem in problems.diagnostics}
    return {warning.code for warning in warnings}


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_a_page_that_explain_prints(code: str) -> None:
    assert explain_code(code).startswith(f"# {code}: ")


def test_the_list_of_codes_is_what_the_pages_say() -> None:
    """Their titles, by code, and no other line."""
    heads = {code: (PAGES / f"{code}.md").read_text().splitlines()[0].split(": ", 1)[1] for code in CODES}
    entries = [line for line in (PAGES / "README.md").read_text().splitlines() if line.startswith("- ")]
    assert entries == [f"- [{code}]({code}.md): {title}" for code, title in sorted(heads.items())]


@pytest.mark.parametrize("code", WITH_EXAMPLES)
def test_the_bad_example_is_refused_and_the_good_one_is_not(code: str) -> None:
    assert code in codes_of(examples(code)["Bad"])
    assert code not in codes_of(examples(code)["Good"])


def test_every_code_about_services_yaml_has_examples() -> None:
    about = {code for code in CODES if code.split("/")[0] in ("source", "spec", "notify")}
    assert about - {"source/unreadable"} <= set(WITH_EXAMPLES)


def test_an_unknown_code_is_a_problem_with_a_suggestion() -> None:
    with pytest.raises(Problems) as caught:
        explain_code("spec/unknown-kinds")
    assert caught.value.diagnostics[0].hint == "did you mean 'spec/unknown-kind'?"
