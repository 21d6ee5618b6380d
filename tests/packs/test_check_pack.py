"""`lookout check-pack`: a good pack passes; of another it says which phase of which alert fails, and at which line."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from generator.cli import cli
from generator.diagnostics import Diagnostic, Problems
from generator.packs import Pack, join, own
from generator.packs.load import PACKS, load_packs
from generator.prove.pack_check import CheckStep, steps_of
from tests.support.verdicts import VERDICTS

Edits = tuple[tuple[str, str, str], ...]
HIGH = "expr: <<sig.memory>> > <<memory_used>>"


@pytest.fixture
def edited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Edits], Pack]:
    """The pack redis with some of its lines changed."""

    def edit(edits: Edits) -> Pack:
        for name in ("redis", "http", "instrumentation", "stack", "target"):
            shutil.copytree(PACKS / name, tmp_path / name)
        for file, old, new in edits:
            path = tmp_path / "redis" / file
            text = path.read_text()
            assert old in text
            path.write_text(text.replace(old, new, 1))
        packs = load_packs(tmp_path)
        monkeypatch.setattr(own, "load_packs", lambda: packs)
        monkeypatch.setattr(join, "load_packs", lambda: packs)
        return packs["redis"]

    return edit


def run(pack: Pack) -> list[CheckStep]:
    return list(steps_of(pack, lambda _done, _total: None, VERDICTS))


def line_of(pack: Pack, problem: Diagnostic) -> str:
    assert problem.span is not None
    file = problem.span.file.removeprefix("packs/redis/")
    return f"{file}: {(pack.folder / file).read_text().splitlines()[problem.span.line - 1].strip()}"


def test_a_good_pack_passes_every_step() -> None:
    steps = run(load_packs()["redis"])
    assert [(step.name, step.problems) for step in steps] == [
        (name, ()) for name in ("contract", "panels", "proofs", "mutants")
    ]
    assert steps[2].said == "10 hold"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("value: <<1.5 * latency>>", "value: 2s", "'2s' is no number; a duration is a number with"),
        ("value: <<1.5 * latency>>", "value: much", "'much' is no number"),
        ('"<<0.8 * latency>>"', '"<<service>>"', "which is no number"),
        ("value: <<1.5 * latency>>", "onset: soon", "'soon' is no duration"),
    ],
)
def test_what_is_no_number_is_a_problem_of_its_case(
    edited: Callable[[Edits], Pack], old: str, new: str, said: str
) -> None:
    pack = edited((("tests.yaml", old, new),))
    with pytest.raises(Problems) as caught:
        run(pack)
    (problem,) = caught.value.diagnostics
    assert (problem.code, problem.message.startswith("RedisSlow: "), said in problem.message) == (
        "pack/invalid", True, True,
    )  # fmt: skip
    assert line_of(pack, problem) == "tests.yaml: fault: The first answer takes 1.5 times the allowed time."


FAILING: dict[str, tuple[Edits, str, str]] = {
    "it fires on the healthy service": (
        (("rules.yaml", HIGH, "expr: <<sig.memory>> + 1 > <<memory_used>>"),),
        "RedisMemoryHigh: quiet: it fires, and must not while the service is healthy",
        "tests.yaml: - {series: up, level: 1}",
    ),
    "it begins too late": (
        (("rules.yaml", HIGH, "expr: min_over_time((<<sig.memory>>)[6m:30s]) > <<memory_used>>"),),
        "RedisMemoryHigh: pending: it is not pending just before `for` is over",
        "rules.yaml: - name: RedisMemoryHigh",
    ),
    "it says another value": (
        (("tests.yaml", "    value: <<(1 + memory_used) / 2>>", "    value: 0.93"),),
        "RedisMemoryHigh: firing: it shows other labels or texts while the fault lasts",
        "tests.yaml: - {series: redis_memory_used_bytes, level: \"<<(1 + memory_used) / 2 * max_memory>>\"}",
    ),
    "it goes on after the fault": (
        (("rules.yaml", HIGH, "expr: max_over_time((<<sig.memory>>)[30m:30s]) > <<memory_used>>"),),
        "RedisMemoryHigh: resolved: it fires, and must not after the fault has ended",
        "tests.yaml: fault: The use of memory is half way between the limit and 100 %.",
    ),
    "it fires at the limit": (
        (("tests.yaml", "0.999 * memory_used", "1.001 * memory_used"),),
        "RedisMemoryHigh: boundary: it fires, and must not at the limit",
        "tests.yaml: - {series: redis_memory_used_bytes, level: \"<<1.001 * memory_used * max_memory>>\"}",
    ),
    "it does not ask for a minimum": (
        (("rules.yaml", "and <<sig.reads>> >= <<hit_min_reads>>", "and <<sig.reads>> >= 0 * <<hit_min_reads>>"),),
        "RedisHitRatioLow: silent_when: it fires, and must not in the state 'The share is as bad, but there are fewer "
        "reads than the minimum.'",
        "tests.yaml: - state: The share is as bad, but there are fewer reads than the minimum.",
    ),
    "it asks for too much": (
        (("rules.yaml", "and <<sig.reads>> >= <<hit_min_reads>>", "and <<sig.reads>> >= 1.8 * <<hit_min_reads>>"),),
        "RedisHitRatioLow: fires_when: it does not fire in the state 'The share is as bad, with just more reads than "
        "the minimum.'",
        "tests.yaml: - state: The share is as bad, with just more reads than the minimum.",
    ),
    "it resolves without its series": (
        (("tests.yaml", "max_memory>>\"}\n    gone: resolves", "max_memory>>\"}\n    gone: keeps firing"),),
        "RedisMemoryHigh: gone: it does not fire after its series are gone",
        "tests.yaml: gone: keeps firing",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("edits", "message", "place"), FAILING.values(), ids=FAILING)
def test_a_proof_that_fails_names_its_phase_and_its_line(
    edits: Edits, message: str, place: str, edited: Callable[[Edits], Pack]
) -> None:
    pack = edited(edits)
    *_, last = run(pack)
    assert last.name == "proofs"
    (problem,) = (each for each in last.problems if each.message == message)
    assert line_of(pack, problem) == place
    assert any("the rule is at packs/redis/rules.yaml:" in note for note in problem.notes)


def test_what_a_text_shows_and_should_show_is_quoted(edited: Callable[[Edits], Pack]) -> None:
    pack = edited((("tests.yaml", "    value: <<(1 + memory_used) / 2>>", "    value: 0.93"),))
    (problem,) = run(pack)[-1].problems
    shown = "Redis sample uses {}% of its memory (limit 90%)"
    assert f"summary: expected '{shown.format(93)}', got '{shown.format(95)}'" in problem.notes


def test_a_wrong_rule_that_no_proof_notices_is_a_problem(edited: Callable[[Edits], Pack]) -> None:
    boundary = (
        '    boundary:\n      - {series: redis_memory_used_bytes, level: "<<0.999 * memory_used * max_memory>>"}\n'
    )
    *_, last = run(edited((("tests.yaml", boundary, "    no_edge: There is none.\n"),)))
    assert last.name == "mutants"
    assert {(each.code, each.span.file if each.span else "") for each in last.problems} == {
        ("pack/survivor", "packs/redis/rules.yaml")
    }
    assert all(each.message.startswith("RedisMemoryHigh: no proof notices ") for each in last.problems)


def test_a_broken_contract_ends_it(edited: Callable[[Edits], Pack]) -> None:
    (step,) = run(edited((("rules.yaml", "    detects: [down]\n", ""),)))
    assert (step.name, len(step.problems)) == ("contract", 1)


def test_a_panel_that_breaks_a_rule_ends_it(edited: Callable[[Edits], Pack]) -> None:
    steps = run(edited((("panels.yaml", "unit: percentunit", "unit: parsecs"),)))
    assert [step.name for step in steps] == ["contract", "panels"]
    assert "parsecs" in steps[-1].problems[0].message


def test_the_command_shows_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOKOUT_PROVEN", str(VERDICTS.folder))
    ran = CliRunner().invoke(cli, ["check-pack", "redis"])
    assert ran.exit_code == 0, ran.output
    # Where it takes long it also says how long.
    steps = [line.split(":")[0].strip() for line in ran.output.splitlines() if not line.endswith(" s left")]
    assert steps == [
        "contract",
        "panels",
        "proofs",
        "mutants",
    ]


def test_a_kind_that_there_is_not_is_refused() -> None:
    ran = CliRunner().invoke(cli, ["check-pack", "redi"], standalone_mode=False)
    assert "no pack is called 'redi'" in str(getattr(ran.exception, "diagnostics", ""))
