"""What is done in one place stays in one place: speaking HTTP, running docker, writing files, reading secrets."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HTTP = {"aiohttp", "http.client", "httpx", "httpx2", "requests", "socketio", "urllib.request", "urllib3"}
# Who speaks HTTP itself, and why.
CLIENTS = {
    "generator/clients/http.py": "what all clients are made of",
    "generator/clients/prometheus.py": "the type of an answer",
    "generator/kuma/connection.py": "Uptime Kuma has no other interface than Socket.IO; the type of an answer",
    "generator/bugsink/bridge/outgoing.py": "runs by itself in a container, with the standard library alone",
}
# Who starts docker, and why.
DOCKERS = {
    "generator/clients/docker.py": "for everything that works on a tree",
    "images/build.py": "an image out of a pipe",
    "images/docker.py": "for what makes images, before there is a tree that runs",
}
WRITING = {"write_text", "write_bytes", "rename", "symlink_to", "mkstemp", "NamedTemporaryFile"}
COPYING = {f"shutil.{name}" for name in ("copyfile", "copy", "copy2", "copytree", "move")}
# Who writes files in another way than through generator/disk, and why.
WRITERS = {
    "generator/check/checkers.py": "in a temporary folder of its own",
    "generator/check/run.py": "in a temporary folder of its own",
    "generator/prove/dashboards/rulefile.py": "in a temporary folder of its caller",
    "generator/prove/proving.py": "in a temporary folder of its caller",
    "generator/verbs/new_pack/run.py": "a whole folder, made of files that generator/disk wrote, takes its name",
    "generator/verbs/upgrade/merging.py": "in a work tree of its own, which is gone afterwards",
    "generator/verbs/upgrade/switching.py": "git's index: a copy, and back from it",
    "generator/verbs/upgrade/run.py": "asks at the terminal",
    "images/alone.py": "a lock, with nothing in it",
    "images/build.py": "in folders of its own, which are made again when a run was cut off",
    "images/demo.py": "in a folder of its own, which is made again each time",
    "images/docker.py": "a log",
    "images/plugin.py": "a program, put in place whole by images.whole",
    "images/progress.py": "a log",
    "images/tools.py": "a program, put in place whole by images.whole",
    "images/whole.py": "puts programs in place whole",
}


@cache
def sources(*rooms: str) -> tuple[tuple[str, ast.Module], ...]:
    paths = (path for room in rooms for path in sorted((ROOT / room).rglob("*.py")))
    return tuple((str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))) for path in paths)


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""
            yield from (f"{node.module}.{name.name}" for name in node.names)


def writes(tree: ast.Module) -> Iterator[str]:
    """The calls that change files, by their last name."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        given = [*node.args, *(each.value for each in node.keywords if each.arg == "mode")]
        mode = [each.value for each in given if isinstance(each, ast.Constant) and isinstance(each.value, str)]
        opened = name in ("open", "fdopen") and any(set(word) & set("wax+") and len(word) < 4 for word in mode)
        # str.replace takes two words, Path.replace one place.
        moved = name == "replace" and len(node.args) == 1 and not node.keywords
        if opened or moved or name in WRITING or ast.unparse(node.func) in COPYING:
            yield name


def test_http_is_spoken_by_one_client_for_each_server() -> None:
    found = {path for path, tree in sources("generator", "images") if HTTP & set(imported(tree))}
    assert found == set(CLIENTS)


def test_docker_is_started_in_one_place() -> None:
    """A command is a tuple or a list whose first word is docker."""
    found = {
        path
        for path, tree in sources("generator", "images")
        for node in ast.walk(tree)
        if isinstance(node, ast.Tuple | ast.List)
        if ast.unparse(node).lstrip("([").startswith("'docker', ")
        if "'none'" not in ast.unparse(node)  # the ways in which lines are collected
    }
    assert found == set(DOCKERS)


def test_no_script_speaks_http_by_hand() -> None:
    listed = subprocess.run(["git", "ls-files", "scripts", "lookout"], cwd=ROOT, capture_output=True, text=True)
    paths = listed.stdout.split()
    assert len(paths) > 8
    for path in paths:
        words = (ROOT / path).read_text(encoding="utf-8").split()
        assert not {"curl", "wget"} & set(words), path


def test_files_are_written_by_one_room() -> None:
    found = {
        path
        for path, tree in sources("generator", "images")
        if not path.startswith("generator/disk/") and any(writes(tree))
    }
    assert found == set(WRITERS)


@pytest.mark.parametrize(
    "text",
    ["open(path, 'w')", "path.open('ab')", "os.fdopen(handle, mode='x')", "half.replace(path)", "os.rename(a, b)",
     "path.write_text(text)", "shutil.copy(a, b)", "tempfile.NamedTemporaryFile('w')"],
)  # fmt: skip
def test_each_way_to_write_a_file_is_noticed(text: str) -> None:
    assert list(writes(ast.parse(text)))


@pytest.mark.parametrize("text", ["open(path)", "path.open('rb')", "text.replace('a', 'b')", "print('w')"])
def test_what_only_reads_is_not(text: str) -> None:
    assert not list(writes(ast.parse(text)))


def test_the_files_in_secrets_are_read_and_written_in_one_place() -> None:
    """What reads bytes of a place below secrets/ goes through generator.secrets.values."""
    reading = {"read_text", "read_bytes", "write_text", "write_bytes"}
    found = {
        f"{path}: {ast.unparse(node)}"
        for path, tree in sources("generator", "images")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in reading
        if "secret" in ast.unparse(node.func).lower()
        or "generator/secrets/" in path
        or "generator/kuma/secrets" in path
    }
    # What runs in a container by itself reads the share that Lookout wrote for it.
    by_itself = {each for each in found if each.startswith("generator/bugsink/settings/")}
    assert {each.partition(":")[0] for each in found - by_itself} == {"generator/secrets/values.py"}
