"""Upgrades from older commits of this repository, as a user makes them: no conflict, all of theirs kept, and what
comes out passes `lookout check`. The older site is rendered by the older compiler.
"""

import hashlib
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
import yaml

from tests.support.checkout import REPOSITORY, copy_repository

# Commits by their number from the first one, so that they stay the same while the history grows.
COMMITS: Final = (220, 297, 377, 417, 457)

SITE: Final = """\
# Our shop: what we sell with.
people: {ana: {telegram: 1}}
channels: {ops: {slack: {channel: "#ops"}}}

services:
  # It was called api.
  shop:
    kind: http
    owner: ana
    targets: [shop:8000]
    url: https://acme.dev/health
    uses: [cache]
    params: {latency_p95: 450ms}   # people wait for it
  cache:
    kind: redis
    address: cache:6379
  sessions: {kind: redis, address: "sessions:6379", owner: ana}
  site: {kind: probe, targets: ["https://acme.dev"]}
"""
CUSTOM: Final = """\
groups:
  - name: ours
    rules:
      - alert: OrdersStopped
        expr: sum(increase(orders_total[1h])) == 0
        for: 30m
        labels: {service: shop, severity: warning}
        annotations: {summary: no order for an hour}
"""
OWN: Final[Mapping[str, str]] = {
    "prometheus/custom/ours.yml": CUSTOM,
    "docs/our-notes.md": "# Ours\n",
    "secrets/slack_ops": "not committed\n",
}
# An alert in services.yaml, for the versions that know them; the older ones have it in prometheus/custom alone.
ALERT: Final = """\
    alerts:
      ShopEmpty: {expr: max(shop_items) < 1, severity: warning, fault: symptom, summary: nothing to sell}
  cache:
"""


@dataclass(frozen=True)
class Clone:
    """A user's clone, and what it held before the upgrade."""

    root: Path
    files: Mapping[str, str]
    head: str


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This repository with all that is in its work tree, released as v9.0.0."""
    root = tmp_path_factory.mktemp("upgrade") / "product"
    if git(REPOSITORY, "rev-parse", "--is-shallow-repository") == "true":
        git(REPOSITORY, "fetch", "--quiet", "--unshallow")
    git(root.parent, "clone", "--quiet", "--shared", "--no-checkout", str(REPOSITORY), str(root))
    git(root, "checkout", "--quiet", "-B", "main")
    git(root, "rm", "--quiet", "-r", "--cached", ".")
    for path in [path for path in root.iterdir() if path.name != ".git"]:
        subprocess.run(["rm", "-r", str(path)], check=True)
    copy_repository(root)
    git(root, "add", "--all", "--force")
    git(root, "commit", "--quiet", "--allow-empty", "--message", "Released")
    git(root, "tag", "v9.0.0")
    return root


def git(root: Path, *words: str) -> str:
    who = ("-c", "user.name=ana", "-c", "user.email=ana@localhost", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *who, *words], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def lookout(root: Path, *words: str) -> str:
    """The compiler of the tree itself, in the Python of these tests."""
    command = [sys.executable, "-m", "generator", *words]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def begin(product: Path, root: Path, number: int) -> Clone:
    """A site of a user's own, made with the version of that commit, rendered by it and committed."""
    commit = git(product, "rev-list", "--reverse", "HEAD").splitlines()[number]
    git(product.parent, "clone", "--quiet", "--shared", "--no-checkout", str(product), str(root))
    git(root, "checkout", "--quiet", "-B", "main", commit)
    known = (root / "docs/alerts-of-your-own.md").is_file()
    text = SITE.replace("  cache:\n", ALERT, 1) if known else SITE
    for path, content in {**OWN, "services.yaml": text}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)
    lookout(root, "render")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "Our site")
    return Clone(root, files_of(root), git(root, "rev-parse", "HEAD"))


def files_of(root: Path) -> dict[str, str]:
    """The files of the work tree, those that git ignores included, by their hashes."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file() and not {".git", "__pycache__"} & {*path.parts}
    }


def run_upgrade(root: Path, **settings: str) -> str:
    """As docs/upgrade.md says it for a clone from before `make upgrade`."""
    script = git(root, "show", "v9.0.0:scripts/upgrade.sh")
    words = [f"{name}={value}" for name, value in settings.items()]
    done = subprocess.run(["env", *words, "bash"], input=script, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("number", COMMITS)
def test_a_site_from_an_older_commit_upgrades_without_a_conflict(product: Path, tmp_path: Path, number: int) -> None:
    clone = begin(product, tmp_path / "clone", number)
    said = run_upgrade(clone.root, YES="1")
    assert "this is v9.0.0 now" in said
    assert "shop: params.latency_p95 is params.http.latency_p95 now" in said
    assert_still_theirs(clone)
    lookout(clone.root, "check", "--ci")
    assert git(clone.root, "status", "--porcelain") == ""
    assert git(clone.root, "worktree", "list").count("\n") == 0
    git(clone.root, "merge-base", "--is-ancestor", "v9.0.0", "HEAD")

    run_upgrade(clone.root, BACK="1")
    assert files_of(clone.root) == clone.files
    assert git(clone.root, "rev-parse", "HEAD") == clone.head


def assert_still_theirs(clone: Clone) -> None:
    """Every file of the user's, and every word of their services.yaml but the key that has another name now."""
    for path, content in OWN.items():
        assert (clone.root / path).read_text() == content
    text = (clone.root / "services.yaml").read_text()
    expected = git(clone.root, "show", f"{clone.head}:services.yaml") + "\n"
    assert text == expected.replace("{latency_p95: 450ms}   #", "{http: {latency_p95: 450ms}} #")
    (rule,) = [
        rule
        for path in (clone.root / "prometheus/rules/shop").glob("*.yml")
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
        if rule.get("alert") == "HttpLatencyHigh"
    ]
    assert "0.45" in rule["expr"]
