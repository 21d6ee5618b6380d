"""`make release`: what it refuses, and what a release consists of: a changelog, a version, a clone address, a tag."""

import os
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from tests.support.checkout import REPOSITORY, bare_repository

ADDRESS: Final = "https://code.example.org/acme/lookout"
CHANGES: Final = "# Changelog\n\n## Unreleased\n\n### Added\n\n- A kind.\n\n## 0.1.0 - 2026-01-01\n\n- All of it.\n"
WHO: Final = {"GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@localhost", "GIT_COMMITTER_NAME": "t",
              "GIT_COMMITTER_EMAIL": "t@localhost"}  # fmt: skip


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, env=environment(), capture_output=True, text=True, check=True)
    return done.stdout


def environment() -> dict[str, str]:
    outer = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    return {**outer, **WHO}


def release(folder: Path, version: str, repository: str = "") -> tuple[int, str]:
    """The exit code of `make release` and what it says."""
    words = ["make", "release", f"VERSION={version}", *([f"REPOSITORY={repository}"] if repository else [])]
    done = subprocess.run(
        words, cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        timeout=300,
    )  # fmt: skip
    return done.returncode, done.stdout


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A repository with as much as is looked at before anything is rendered."""
    (tmp_path / "scripts").mkdir()
    for name in ("Makefile", "scripts/common.sh", "scripts/release.sh"):
        (tmp_path / name).write_bytes((REPOSITORY / name).read_bytes())
        (tmp_path / name).chmod(0o755)
    (tmp_path / "CHANGELOG.md").write_text(CHANGES)
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "All of it")
    return tmp_path


def test_a_word_is_no_version(small: Path) -> None:
    code, said = release(small, "v2", ADDRESS)
    assert code and "VERSION=v2 is no version" in said


def test_what_is_not_committed_is_not_released(small: Path) -> None:
    (small / "new").touch()
    code, said = release(small, "0.2.0", ADDRESS)
    assert code and "changes that are not committed" in said


@pytest.mark.parametrize(("version", "why"), [("0.2.0", "the tag v0.2.0 exists"), ("0.1.9", "v0.1.9 is older")])
def test_a_version_comes_after_the_last_one(small: Path, version: str, why: str) -> None:
    git(small, "tag", "v0.2.0")
    code, said = release(small, version, ADDRESS)
    assert code and why in said


@pytest.mark.parametrize(
    "address",
    ["https://me:token@code.example.org/a/b", "/srv/git/lookout", "http://code.example.org/a/b", "https://localhost/a/b",
     "https://127.0.0.1/a/b", "file:///srv/git"],
)  # fmt: skip
def test_an_address_that_only_this_machine_can_clone_from_is_refused_and_not_shown(small: Path, address: str) -> None:
    code, said = release(small, "0.2.0", address)
    assert code and "that anybody can clone from" in said
    assert address not in said.splitlines()[-2], "it may hold a token"


def test_without_an_address_it_is_that_of_the_remote(small: Path) -> None:
    code, said = release(small, "0.2.0")
    assert code and "there is no remote 'origin'" in said
    git(small, "remote", "add", "origin", "/srv/git/lookout")
    code, said = release(small, "0.2.0")
    assert code and "that anybody can clone from" in said


def test_a_release_says_what_changed(small: Path) -> None:
    (small / "CHANGELOG.md").write_text(CHANGES.replace("- A kind.\n", ""))
    git(small, "commit", "--quiet", "--all", "--message", "Nothing")
    code, said = release(small, "0.2.0", ADDRESS)
    assert code and "CHANGELOG.md says nothing below Unreleased" in said
    assert git(small, "tag") == ""


def test_a_release_is_a_commit_and_a_tag_with_what_changed(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(bare_repository(tmp_path)), str(clone))
    git(clone, "remote", "set-url", "origin", "git@code.example.org:acme/lookout.git")
    code, said = release(clone, "7.1.0")
    assert code == 0, said
    assert git(clone, "status", "--porcelain") == ""
    readme = (clone / "README.md").read_text(encoding="utf-8")
    assert f"git clone {ADDRESS}.git lookout\ncd lookout\nmake up\n" in readme
    assert "REPOSITORY is" not in readme and "```\n\n`make up` installs" in readme
    assert 'version = "7.1.0"' in (clone / "pyproject.toml").read_text(encoding="utf-8")
    assert '__version__ = "7.1.0"' in (clone / "generator/__init__.py").read_text(encoding="utf-8")
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    changes = (clone / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## Unreleased\n\n## 7\.1\.0 - {today}\n\n### What you must do\n", changes, re.MULTILINE)
    tagged = git(clone, "tag", "--list", "--format=%(contents)", "v7.1.0")
    assert tagged.startswith("Lookout 7.1.0\n") and "### Added" in tagged
    code, said = release(clone, "7.2.0")
    assert code and "says nothing below Unreleased" in said
