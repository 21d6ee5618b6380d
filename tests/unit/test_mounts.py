"""Whatever the umask: what a container mounts of the tree, its user can read; secrets stay closed."""

import json
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.apply import mounts
from generator.apply.mounts import mounted, open_mounts
from generator.pipeline import compile_text
from generator.secrets.files import ensure_secrets
from generator.store.plan import plan_tree, write_plan
from tests.support.tools import REPOSITORY

STACK = "stack: {errors: bugsink, traces: tempo, machine: {memory: 3GiB}}\npeople:"
TEXT = STACK + (REPOSITORY / "services.yaml").read_text().partition("people:")[2]
FILES = ("compose.yaml", "apps/compose.yaml", "apps/db", "generator/bugsink")


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Path]:
    """A clone that someone with a strict umask made and rendered."""
    before = os.umask(0o077)
    try:
        for name in FILES:
            source, target = REPOSITORY / name, tmp_path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, copy_function=shutil.copyfile)
            else:
                shutil.copyfile(source, target)
        for path in tmp_path.rglob("*"):
            path.chmod(0o700 if path.is_dir() else 0o600)
        compiled = compile_text(TEXT, "services.yaml")
        write_plan(plan_tree(compiled.artifacts, tmp_path))
        ensure_secrets(compiled.site, tmp_path)
        own = tmp_path / "prometheus" / "custom" / "mine.yml"
        own.parent.mkdir()
        own.write_text("groups: []\n")
        yield tmp_path
    finally:
        os.umask(before)


def config_of(root: Path) -> dict[str, Any]:
    """What `docker compose config` says, for every profile."""
    images = {f"IMAGE_{name}": "x" for name in _images(root)}
    command = ["docker", "compose", "-f", "compose.yaml", "-f", "compose.rendered.yaml", "--profile", "*"]
    done = subprocess.run([*command, "config", "--format", "json"], cwd=root, env={**os.environ, **images},
                          capture_output=True, text=True, check=True)  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _images(root: Path) -> set[str]:
    texts = [(root / name).read_text() for name in ("compose.yaml", "apps/compose.yaml", "compose.rendered.yaml")]
    return {part.split(":")[0].split("}")[0] for text in texts for part in text.split("${IMAGE_")[1:]}


def readable(path: Path, user: str) -> bool:
    """Whether a container's user may read it, and enter it if it is a folder: by the modes alone, as the user is no one
    that the machine knows, and root has no powers there."""
    found = path.stat()
    uid, gid = (int(each) for each in user.split(":"))
    shift = 6 if found.st_uid == uid else 3 if found.st_gid == gid else 0
    mode = found.st_mode >> shift
    return bool(mode & 4) and (bool(mode & 1) or not path.is_dir())


def test_every_mounted_path_is_readable_for_the_user_of_its_container(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_of(tree)
    answer = subprocess.CompletedProcess([], 0, json.dumps(config), "")
    monkeypatch.setattr(mounts, "compose", lambda *_, **__: answer)
    assert open_mounts(tree) == []
    seen = set()
    for name, service in config["services"].items():
        # Anyone who cloned it is neither root nor another container's user.
        user = "65533:65533" if service.get("user", "0:0") == "0:0" else service["user"]
        for volume in service.get("volumes") or ():
            source = Path(volume["source"])
            if volume["type"] != "bind" or not source.is_relative_to(tree) or not source.exists():
                continue
            closed = [str(each) for each in (source, *source.rglob("*")) if not readable(each, user)]
            assert closed == [], f"{name}, as {user}"
            seen.add(str(source.relative_to(tree)))
    assert {"prometheus", "instrumentation/services", "apps/db", "generator/bugsink/bridge", "data/facts"} <= seen
    assert stat.S_IMODE((tree / "secrets").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tree / "secrets").iterdir() if path.is_file()} == {0o600}
    assert stat.S_IMODE((tree / "generator").stat().st_mode) == 0o700, "what no one mounts stays as it was"


def test_what_is_open_is_not_touched(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = subprocess.CompletedProcess([], 0, json.dumps(config_of(tree)), "")
    monkeypatch.setattr(mounts, "compose", lambda *_, **__: answer)
    open_mounts(tree)
    before = {path: path.stat().st_ctime_ns for path in tree.rglob("*")}
    assert open_mounts(tree) == []
    assert {path: path.stat().st_ctime_ns for path in tree.rglob("*")} == before


def test_only_what_is_mounted_of_this_tree_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, elsewhere, textfiles = tmp_path / "tree", tmp_path / "elsewhere", tmp_path / "textfiles"
    for folder in (root / "caddy", root / "hidden", elsewhere, textfiles):
        folder.mkdir(parents=True)
    sources = ("/", str(root / "caddy"), str(elsewhere), str(textfiles), str(root / "secrets/.mounted/caddy"),
               str(root / "hidden/caddy"))  # fmt: skip
    volumes = [{"type": "bind", "source": source} for source in sources] + [{"type": "volume", "source": "caddy-data"}]
    config = {"services": {"caddy": {"volumes": volumes}, "none": {}}}
    monkeypatch.setenv("LOOKOUT_SECRETS", str(root / "hidden"))
    assert mounted(config, root, textfiles) == [textfiles, root / "caddy"]


def test_a_link_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    private = tmp_path / "private.yml"
    private.write_text("groups: []\n")
    private.chmod(0o600)
    custom = tmp_path / "tree" / "custom"
    custom.mkdir(parents=True)
    (custom / "linked.yml").symlink_to(private)
    config = {"services": {"prometheus": {"volumes": [{"type": "bind", "source": str(custom)}]}}}
    answer = subprocess.CompletedProcess([], 0, json.dumps(config), "")
    monkeypatch.setattr(mounts, "compose", lambda *_, **__: answer)
    assert open_mounts(tmp_path / "tree") == []
    assert stat.S_IMODE(private.stat().st_mode) == 0o600


def test_what_cannot_be_opened_or_asked_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    (tmp_path / "caddy").mkdir(mode=0o700)
    config = {"services": {"caddy": {"volumes": [{"type": "bind", "source": str(tmp_path / "caddy")}]}}}
    answer = subprocess.CompletedProcess([], 0, json.dumps(config), "")
    monkeypatch.setattr(mounts, "compose", lambda *_, **__: answer)
    monkeypatch.setattr(Path, "chmod", refuse)
    (problem,) = open_mounts(tmp_path)
    assert (
        problem.message == f"{tmp_path}/caddy cannot be opened to the containers that read it: Operation not permitted"
    )
    failed = subprocess.CompletedProcess([], 1, "", "no such file")
    monkeypatch.setattr(mounts, "compose", lambda *_, **__: failed)
    assert [each.notes for each in open_mounts(tmp_path)] == [("no such file",)]


def test_all_sources_of_binds_are_in_compose_files_that_are_asked() -> None:
    """The fixture takes the same compose files as the product."""
    assert yaml.safe_load((REPOSITORY / "compose.yaml").read_text())["include"] == ["apps/compose.yaml"]
