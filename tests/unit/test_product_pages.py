"""What is the product's is made by `make docs` and does not change with services.yaml; nothing of it is rendered."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from generator.conventions import ALERT_ANNOTATIONS, ALERT_LABELS, PRODUCT, runbook_page
from generator.packs import load_packs
from generator.packs.schema import Signal
from generator.pipeline import compile_text
from generator.prove.coverage import COVERAGE
from generator.reference import rules
from generator.reference.kinds import limits_of
from generator.reference.metrics import metrics_of, read_printed
from generator.reference.product import BY_THE_LIBRARY, documented, make_product, stale_files, write_product

REPOSITORY: Final = Path(__file__).resolve().parents[2]
SMALL: Final = "services:\n  api: {kind: http, targets: [api:8000]}\n"
# Ids of a list of requirements: a few capital letters, a number. What looks like one and is a name of the field's own.
_ID: Final = re.compile(r"(?<![\w/.-])(?:AL|DA|ER|HE|LO|ME|NO|PE|PR|ST)\d{1,2}(?![\w-])")


@pytest.mark.parametrize("text", [(REPOSITORY / "services.yaml").read_text(encoding="utf-8"), SMALL])
def test_nothing_of_the_product_is_rendered(text: str) -> None:
    rendered = {artifact.path for artifact in compile_text(text, "services.yaml").artifacts}
    assert not [path for path in rendered if path.startswith(PRODUCT)]
    assert {path for path in rendered if path.startswith("docs/") and "/runbooks/" not in path} == {
        COVERAGE, "docs/detection.md",
    }  # fmt: skip
    assert {path.split("/")[1] for path in rendered if path.startswith("instrumentation/")} <= {"services"}


def test_all_that_is_made_lies_where_the_lists_of_rendered_files_do_not_reach() -> None:
    assert all(artifact.path.startswith(PRODUCT) for artifact in make_product(load_packs()))


def test_what_is_stale_is_written_and_a_page_that_is_made_no_more_is_removed(tmp_path: Path) -> None:
    assert write_product(tmp_path) == sorted(artifact.path for artifact in make_product(load_packs()))
    assert write_product(tmp_path) == []
    (tmp_path / "docs/reference/kinds/gone.md").write_text("# gone\n")
    (tmp_path / "docs/reference/rules.md").write_text("edited\n")
    (tmp_path / BY_THE_LIBRARY).write_text("the library's own\n")
    assert write_product(tmp_path) == ["docs/reference/kinds/gone.md", "docs/reference/rules.md"]
    assert (tmp_path / BY_THE_LIBRARY).is_file()


def test_a_pack_without_a_page_leaves_the_committed_pages_fresh(tmp_path: Path) -> None:
    write_product(tmp_path)
    (tmp_path / "docs/reference/kinds/redis.md").unlink()
    assert "redis" not in documented(tmp_path) and len(documented(tmp_path)) == len(load_packs()) - 1
    write, _ = stale_files(tmp_path, documented(tmp_path))
    assert "docs/reference/alerts.md" in write, "the list still has its alerts"
    for path, text in write.items():
        (tmp_path / path).write_text(text)
    assert stale_files(tmp_path, documented(tmp_path)) == ({}, [])


def test_the_limits_of_an_alert_are_those_of_its_signals_too_and_a_signal_is_no_limit() -> None:
    redis = load_packs()["redis"]
    assert limits_of(redis, "<<sig.memory>> > <<memory_used>>") == ["memory_used"]
    assert "hit_ratio" in redis.params and "hit_ratio" in redis.spec.signals
    assert limits_of(redis, "<<sig.hit_ratio>> < 1") == []
    inner = Signal(expr="up * <<hit_min_reads>>", unit="short", help="x")
    spec = redis.spec.model_copy(update={"signals": {**redis.spec.signals, "reads": inner}})
    assert limits_of(replace(redis, spec=spec), "<<sig.hit_ratio>> < 1") == ["hit_min_reads"]


def test_a_pack_asks_for_the_metrics_that_its_patterns_match_too() -> None:
    assert {"redis_up", "redis_rdb_last_bgsave_status"} <= set(
        metrics_of(load_packs()["redis"], read_printed(load_packs()))
    )


def test_the_page_of_rules_has_words_for_every_label_and_annotation() -> None:
    assert tuple(rules.LABELS) == ALERT_LABELS
    assert tuple(rules.ANNOTATIONS) == ALERT_ANNOTATIONS


def test_a_cell_of_the_coverage_names_few_alerts() -> None:
    text = (REPOSITORY / "services.yaml").read_text(encoding="utf-8")
    (page,) = (each.content for each in compile_text(text, "services.yaml").artifacts if each.path == COVERAGE)
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    assert max(len(row) for row in rows) <= 300
    assert all(row.count("](") <= 3 for row in rows)
    (down,) = (row for row in page.split("## api")[1].split("## ")[0].splitlines() if "`down`" in row)
    assert f"[ServiceDown]({runbook_page('api', 'ServiceDown')})" in down


def test_no_requirements_id_is_in_what_users_read() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    found = {}
    for name in listed.splitlines():
        path = REPOSITORY / name
        if name.startswith(("tests/", "images/go/")) or path.suffix in (".prom", ".png") or not path.is_file():
            continue
        if ids := sorted(set(_ID.findall(path.read_text(encoding="utf-8", errors="replace")))):
            found[name] = ids
    assert found == {}
