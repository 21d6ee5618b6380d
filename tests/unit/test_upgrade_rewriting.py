"""Keys of services.yaml that were renamed: rewritten with comments, formatting and meaning kept."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Final

import pytest
import yaml

from generator.packs.load import load_packs
from generator.packs.renamed import PLACES
from generator.pipeline import resolve_text
from generator.verbs.upgrade import places
from generator.verbs.upgrade.places import place_of
from generator.verbs.upgrade.rewriting import rewrite

REPOSITORY: Final = Path(__file__).resolve().parents[2]
PLACE: Final = place_of(REPOSITORY)

FLOW: Final = """\
# Ours.
people: {ana: {telegram: 1}}   # she
services:
    api:
        kind: [http,
               llm]
        targets:  [ "api:8000" ]
        params: {latency_p95: 300ms, llm_timeout_min: 4, error_for: 5m}   # fast
        budgets: {"POST /analyze": 2s}
"""
BLOCK: Final = """\
stack:
  params:
    notify_failures: 2
services:
  # the store
  cache:
    kind: redis
    address: cache:6379
    params:
      # it is near
      latency: 50ms       # quick
      redis_memory_used: 80%

      evictions: 3
    # the end
  api: {kind: http, targets: [api:8000]}   # short
"""


def test_a_flow_mapping_is_rewritten_in_its_line_alone() -> None:
    after, said = rewrite(FLOW, PLACE)
    # A comment behind what grew begins one space after it.
    assert after == FLOW.replace(
        "{latency_p95: 300ms, llm_timeout_min: 4, error_for: 5m}   #",
        "{http: {latency_p95: 300ms, error_for: 5m}, llm: {timeout_min: 4}} #",
    )
    assert said == (
        "services.api: params.latency_p95 is params.http.latency_p95 now",
        "services.api: params.llm_timeout_min is params.llm.timeout_min now",
        "services.api: params.error_for is params.http.error_for now",
    )


def test_a_block_keeps_its_comments() -> None:
    after, said = rewrite(BLOCK, PLACE)
    data = yaml.safe_load(after)
    assert data["services"]["cache"]["params"] == {
        "redis": {"latency": "50ms", "memory_used": "80%", "evictions": 3},
    }
    assert data["stack"]["params"] == {"stack": {"notify_failures": 2}}
    for comment in ("# the store", "# it is near", "# quick", "# the end", "# short"):
        assert after.count(comment) == 1
    assert len(said) == 4
    assert "  api: {kind: http, targets: [api:8000]}   # short\n" in after


@pytest.mark.parametrize("text", [FLOW, BLOCK])
def test_the_file_means_what_it_meant(text: str) -> None:
    """The old form is still accepted, with a warning; the new one makes the same site, without one."""
    after, _ = rewrite(text, PLACE)
    old, warned = resolve_text(text, "services.yaml")
    new, warnings = resolve_text(after, "services.yaml")
    assert "spec/flat-param" in {each.code for each in warned}
    assert "spec/flat-param" not in {each.code for each in warnings}
    params = [[(s.name, [(p.pack, p.params) for p in s.packs]) for s in site.services] for site in (old, new)]
    assert params[0] == params[1]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("services: {api: {kind: http, params: {http: {latency_p95: 1s}}}}\n", id="in its place already"),
        pytest.param("services: {api: {kind: http}}\n", id="without params"),
        pytest.param("services: {api: {kind: http, params: {nonsense: 1}}}\n", id="a name that never was"),
        pytest.param("services: {api: {kind: http, params: {latency_p95: 1s, http: {latency_p95: 2s}}}}\n",
                     id="said twice"),
        pytest.param("services: [\n", id="no YAML"),
        pytest.param("- a\n", id="no mapping"),
        pytest.param("services: 1\nstack: 2\nhosts: {a: 3}\n", id="other forms"),
        pytest.param("", id="nothing"),
    ],
)  # fmt: skip
def test_what_needs_nothing_stays_byte_for_byte(text: str) -> None:
    assert rewrite(text, PLACE) == (text, ())


def test_what_cannot_be_spared_is_right_all_the_same() -> None:
    """A block with an indentation of its own inside another one: the whole file gets one layout, and means the same."""
    text = "services:\n  cache:\n      kind: redis\n      params:\n            latency: 1ms\n            evictions: 2\n"
    after, _ = rewrite(text, PLACE)
    assert yaml.safe_load(after)["services"]["cache"] == {
        "kind": "redis",
        "params": {"redis": {"latency": "1ms", "evictions": 2}},
    }


def test_every_renamed_name_is_moved() -> None:
    flat = "".join(f"  s{number}: {{kind: x, params: {{{name}: 1}}}}\n" for number, name in enumerate(PLACES))
    after, said = rewrite(f"services:\n{flat}", PLACE)
    moved = [service["params"] for service in yaml.safe_load(after)["services"].values()]
    assert moved == [{kind: {new: 1}} for kind, new in PLACES.values()]
    assert len(said) == len(PLACES)


def test_a_parameter_of_a_kind_that_a_user_wrote_moves_under_that_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its name is in no table: the kind itself says it."""
    (redis,) = (pack for name, pack in load_packs().items() if name == "redis")
    param = replace(next(iter(redis.params.values())), name="own_limit", kind="mine")
    pack = SimpleNamespace(params={"own_limit": param})
    monkeypatch.setattr(places, "load_packs", lambda root: {"mine": pack} if root == tmp_path / "packs" else {})
    place = places.place_of(tmp_path)
    assert place("own_limit", ("http", "mine")) == ("mine", "own_limit")
    assert place("own_limit", ("http",)) is None
