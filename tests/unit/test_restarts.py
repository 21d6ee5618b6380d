"""What an edit of services.yaml starts again: nothing that is not its own, unless a step of memory is crossed."""

from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from generator.apply.run import container_changes, running_stack
from generator.parts.table import MIB
from generator.pipeline import resolve_text
from generator.render.compose import COMPOSE_FILE
from generator.site.model import Site
from tests.support.kinds import KINDS, service_line
from tests.support.tools import REPOSITORY
from tests.unit.sites import compose_of

DEMO: Final = (REPOSITORY / "services.yaml").read_text(encoding="utf-8")
# Every other one brings an exporter.
MANY: Final = tuple(
    ("postgres", "redis")[number // 2 % 2] if number % 2 == 0 else KINDS[number] for number in range(20)
)
# Grafana is counted with its share; what it may use beyond that is no part of the sum.
BEYOND: Final = 512 * MIB - 200 * MIB


@cache
def site(lines: str = "", memory: str = "4GiB") -> Site:
    """The demo with these lines among its services."""
    text = DEMO.replace("  errors: bugsink\n", f"  errors: bugsink\n  machine: {{memory: {memory}}}\n")
    assert text != DEMO
    return resolve_text(text.replace("\nhosts:", f"\n{lines}\nhosts:"), "services.yaml")[0]


def services(of: Site) -> dict[str, str]:
    """The services of compose.rendered.yaml, each as text."""
    (artifact,) = compose_of(of)
    return {name: yaml.safe_dump(each) for name, each in yaml.safe_load(artifact.content)["services"].items()}


def changed(before: dict[str, str], after: dict[str, str], name: str) -> list[str]:
    """The services that changed, when all that is new belongs to the one of this name."""
    assert all(each.endswith(f"exporter-{name}") for each in set(after) - set(before))
    assert set(before) <= set(after)
    return [each for each in before if after[each] != before[each]]


def lines_of(kinds: tuple[str, ...]) -> list[tuple[str, str]]:
    """For each kind the name of a service, and the lines of all services up to it."""
    named = [(f"s{chr(97 + number)}", kind) for number, kind in enumerate(kinds)]
    lines = [service_line(name, kind) for name, kind in named]
    return [(name, "".join(lines[: number + 1])) for number, (name, _) in enumerate(named)]


@pytest.mark.parametrize("memory", ["2GiB"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_service_more_of_any_kind_starts_no_other_container_again(kind: str, memory: str) -> None:
    after = services(site(service_line("added", kind), memory))
    assert changed(services(site(memory=memory)), after, "added") == []


def test_twenty_services_one_after_the_other_start_hardly_a_part_again() -> None:
    before, crossed = services(site()), []
    for name, lines in lines_of(MANY):
        after = services(site(lines))
        found = changed(before, after, name)
        assert len(found) <= 2
        assert [without_memory(after[each]) for each in found] == [without_memory(before[each]) for each in found]
        crossed += found
        before = after
    assert len(crossed) <= 6, crossed


def without_memory(text: str) -> dict[str, Any]:
    """A service without what has steps: memory, with the hash of a file that knows of it too, and reports of an app."""
    service: dict[str, Any] = yaml.safe_load(text)
    service.pop("mem_limit")
    for name in ("GOMEMLIMIT", "MAX_RETENTION_PER_PROJECT_EVENT_COUNT"):
        service.get("environment", {}).pop(name, None)
    service.pop("labels", None)
    return service


def test_a_step_that_is_crossed_is_named_before(tmp_path: Path) -> None:
    """On a machine of 2 GiB there is little to spare."""
    before, crossed = site(memory="2GiB"), 0
    for name, lines in lines_of(("postgres",) * 4):
        (tmp_path / COMPOSE_FILE).write_text(compose_of(before)[0].content)
        after = site(lines, "2GiB")
        found = changed(services(before), services(after), name)
        was, now = before.budget.memory, after.budget.memory
        steps = {each: f"from {was[each] // MIB}m to {now[each] // MIB}m" for each in found}
        wanted = [f"compose: {each} restarts, because its memory limit changes {step}" for each, step in steps.items()]
        planned = container_changes(running_stack(tmp_path, after, compose_of(after)))
        assert sorted(planned) == sorted([*wanted, f"compose: postgres-exporter-{name} is added"])
        assert all(now[each] < was[each] for each in found)
        crossed += len(found)
        before = after
    assert crossed, "somewhere the spare memory ends"


@pytest.mark.parametrize("memory", ["2GiB", "3GiB", "4GiB", "8GiB", "64GiB"])
def test_limits_fit_into_the_machine_and_grafana_may_use_what_it_was_not_measured_for(memory: str) -> None:
    sizes = site(memory=memory).budget.memory
    assert sum(sizes.values()) <= int(memory.removesuffix("GiB")) * 1024 * MIB + BEYOND
    assert sizes["grafana"] >= 512 * MIB
    assert sizes["docker-proxy"] == 48 * MIB


def test_more_memory_never_makes_a_limit_smaller() -> None:
    sizes = [site(memory=f"{memory}MiB").budget.memory for memory in range(2048, 9000, 1024)]
    for less, more in pairwise(sizes):
        assert all(less[part] <= more[part] for part in less)
