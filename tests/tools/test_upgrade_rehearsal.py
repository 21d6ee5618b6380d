"""Upgrades from older commits of this repository, as a user makes them: no conflict, all of theirs kept, and what
comes out passes `lookout check`. The older site is rendered by the older compiler.
"""

import hashlib
import os
import pty
import select
import subprocess
import sys
import time
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


PIPED: Final = "git show origin/main:scripts/upgrade.sh | bash"


def at_a_terminal(root: Path, answer: str) -> tuple[int, str]:
    """The upgrade with a person at its terminal, who answers when asked: how it ended, and what they saw."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(root)
        os.execvp("bash", ["bash", "-c", PIPED])
    said, end = "", time.monotonic() + 300
    while time.monotonic() < end:
        ready, _, _ = select.select([terminal], [], [], 1)
        try:
            read = os.read(terminal, 4096).decode(errors="replace") if ready else ""
        except OSError:
            break
        if "go on?" in read and "go on?" not in said:
            os.write(terminal, f"{answer}\n".encode())
        said += read
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said


def test_shallow_without_tags_on_no_branch_with_edits_at_a_terminal_twice_and_without_a_network(
    product: Path, tmp_path: Path
) -> None:
    """One clone through all of it, since each upgrade takes its time."""
    origin, root = tmp_path / "origin", tmp_path / "clone"
    git(product.parent, "clone", "--quiet", "--shared", "--bare", "--no-tags", str(product), str(origin))
    git(origin, "branch", "--force", "released", "main")
    begins = git(product, "rev-list", "--reverse", "main").splitlines()[COMMITS[-1]]
    git(origin, "update-ref", "refs/heads/main", begins)
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{origin}", str(root))
    git(root, "checkout", "--quiet", "--detach")
    git(root, "tag", "v99.0.0")  # a tag of the user's own
    (root / "services.yaml").write_text(SITE)
    lookout(root, "render")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "Our site")
    head = git(root, "rev-parse", "HEAD")
    edited = SITE.replace("450ms", "460ms")
    (root / "services.yaml").write_text(edited)
    files = files_of(root)

    git(origin, "update-ref", "refs/heads/main", "released")
    git(root, "fetch", "--quiet")
    code, said = at_a_terminal(root, "n")
    assert (code, "nothing was changed" in said) == (0, True), said
    assert files_of(root) == files and git(root, "rev-parse", "HEAD") == head

    code, said = at_a_terminal(root, "y")
    assert (code, "this is origin/HEAD now" in said) == (0, True), said
    assert "git switch --create NAME" in said
    assert "committed first, since it is not yet: services.yaml" in said
    assert "460ms" in (root / "services.yaml").read_text()
    assert git(root, "status", "--porcelain") == ""
    assert git(root, "rev-parse", "--is-shallow-repository") == "false"

    code, said = at_a_terminal(root, "y")
    assert (code, "nothing to do: origin/HEAD is in this clone" in said) == (0, True), said

    now = git(root, "rev-parse", "HEAD")
    git(root, "remote", "set-url", "origin", str(tmp_path / "nowhere"))
    code, said = at_a_terminal(root, "y")
    assert (code, "origin cannot be reached; nothing was changed" in said) == (1, True), said
    assert git(root, "rev-parse", "HEAD") == now

    run_back(root)
    assert files_of(root) == files
    assert git(root, "rev-parse", "HEAD") == head
    assert git(root, "status", "--porcelain") == "M services.yaml"


def run_back(root: Path) -> None:
    done = subprocess.run(["env", "BACK=1", "bash", "scripts/upgrade.sh"], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
