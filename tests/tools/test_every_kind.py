"""Every kind, alone and together, in one site: the tools take all of it, and every distinct rule is proven once."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from generator.check.checkers import CheckedTree, trial_of
from generator.check.run import check_tree
from generator.pipeline import Compiled, compile_text
from generator.prove.dashboards import check_dashboards, panel_rules
from generator.prove.verdicts import shipped_marks
from tests.support.combinations import KINDS, PAIRS, TRIPLES, file_of, full, plain
from tests.support.tools import run
from tests.support.verdicts import VERDICTS

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def whole() -> Compiled:
    """Each combination is a service: what differs in names alone is proven once, so that most of them cost nothing."""
    services = {f"a{number}": plain(f"a{number}", (kind,)) for number, kind in enumerate(KINDS)}
    services |= {f"b{number}": full(f"b{number}", (kind,)) for number, kind in enumerate(KINDS)}
    services |= {f"p{number}": full(f"p{number}", kinds) for number, kinds in enumerate((*PAIRS, *TRIPLES))}
    return compile_text(file_of(services), "services.yaml")


def images(root: Path, whole: Compiled) -> str:
    """An image for each that compose asks for."""
    texts = [path.read_text() for path in root.rglob("compose.yaml")]
    texts += [artifact.content for artifact in whole.artifacts if artifact.path == "compose.rendered.yaml"]
    names = sorted({name for text in texts for name in re.findall(r"\$\{(IMAGE_\w+)", text)})
    return "".join(f"{name}=example:1\n" for name in names)


def test_the_tools_take_every_kind_and_every_rule_is_proven(whole: Compiled, tmp_path: Path) -> None:
    for name in ("compose.yaml", "apps/compose.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / ".env").write_text(images(tmp_path, whole))
    assert check_tree(whole.site, whole.artifacts, tmp_path) == ()
    # Each proof has a verdict now, of exactly these rules.
    tree = CheckedTree(tmp_path, whole.site, {artifact.path: artifact for artifact in whole.artifacts})
    trials = [trial_of(tree, path) for path in tree.paths("prometheus/proofs/", ".yml")]
    verdicts = replace(VERDICTS, shipped=shipped_marks())
    said = {trial.name: verdicts.said(*trial.nameless()) for trial in trials}
    assert {name: words for name, words in said.items() if words != ""} == {}


def test_every_dashboard_keeps_its_rules_and_promtool_takes_every_query(whole: Compiled, tmp_path: Path) -> None:
    files = {artifact.path: artifact.content for artifact in whole.artifacts if artifact.path.startswith("grafana/")}
    assert check_dashboards(files, whole.site) == []
    (tmp_path / "panels.yml").write_text(panel_rules(files), encoding="utf-8")
    done = run("promtool", "check", "rules", "--lint=none", "panels.yml", folder=tmp_path)
    assert done.code == 0, done.output


def test_every_alert_of_every_combination_has_a_proof_and_most_share_one(whole: Compiled) -> None:
    artifacts = {artifact.path: artifact.content for artifact in whole.artifacts}
    manifest = json.loads(artifacts["prometheus/proofs/manifest.json"])
    alerts = {f"{alert.service}/{alert.name}" for alert in whole.site.alerts}
    assert set(manifest) == alerts
    assert {path for path in manifest.values() if path not in artifacts} == set()
    assert len(set(manifest.values())) < len(alerts) / 2
