"""The documentation is true: every block is proven, every link leads somewhere, every name exists."""

import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Final

import promql_parser
import pytest
import yaml

from generator.cli import cli
from generator.packs import load_packs
from generator.pipeline import compile_text
from generator.reference.product import BY_THE_LIBRARY, documented, stale_files
from generator.render.compose import COMPOSE_FILE
from tests.docs.blocks import (
    REPOSITORY,
    Block,
    anchors,
    blocks,
    codes,
    commands,
    demo,
    links,
    pages,
    proven_by,
    services_above,
)
from tests.docs.messages import message
from tests.support import tools

WORDS: Final = {
    "console": {"here"},
    "sh": {"stack", "elsewhere"},
    "yaml": {"services", "pack", "error"},
    "python": {"app"},
    "text": {"message", "figure"},
    "js": {"page"},
    "promql": {"query"},
    "logql": {"query"},
    "": {"runbook"},
    # Run by tests/tools/test_data_stores_live.py.
    "sql": {"runbook"},
}
# What a person on a Debian server has, or installs in one word.
PROGRAMS: Final = set(
    re.split(
        r"\s+",
        """awk cat cd chronyc column crontab cut curl date df diff dig dmesg docker du echo ethtool find findmnt free
        getent git grep head iostat ip journalctl jq kill last ln ls lsblk lsof make mkdir mount mtr nc openssl pidstat ping
        pip ps psql sed sha256sum sort ss ssh sudo systemctl tail timedatectl timeout top tr uniq uptime vmstat
        watch wc ./lookout scripts/dump.sh""",
    )
)
# The place of the repository for readers of the pages.
HOME: Final = "/root/lookout"
LOOKOUT: Final = '#!/bin/sh\nexec "$PYTHON" -m generator "$@"\n'


def each(word: str) -> pytest.MarkDecorator:
    """For each block that claims one kind of proof."""
    return pytest.mark.parametrize("block", proven_by(word), ids=str)


def test_no_block_is_left_unproven() -> None:
    assert [str(block) for block in blocks() if block.word not in WORDS.get(block.language, ())] == []
    assert {block.word for block in blocks()} == set().union(*WORDS.values()), "a word that nothing uses"


# --- commands -----------------------------------------------------------------------------------------------


@each("here")
def test_commands_print_what_the_page_shows(block: Block, tmp_path: Path) -> None:
    (tmp_path / "lookout").write_text(LOOKOUT)
    (tmp_path / "lookout").chmod(0o755)
    (tmp_path / "Makefile").write_text((REPOSITORY / "Makefile").read_text())
    (tmp_path / "services.yaml").write_text(services_above(block))
    # Within `make test`, make would print which folder it enters.
    outer = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    environment = {**outer, "PYTHON": sys.executable, "PYTHONPATH": str(REPOSITORY), "NO_COLOR": "1"}
    for command, output in commands(block):
        done = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, env=environment, text=True, check=False, timeout=60,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert "internal error" not in done.stdout, command
        assert done.stdout.replace(str(tmp_path), HOME).strip("\n") == output, command


def shell_blocks() -> list[Block]:
    """Blocks of commands: those that the end-to-end tests run, and those of the runbooks."""
    found = [*proven_by("stack"), *proven_by("elsewhere"), *proven_by("runbook")]
    return [block for block in found if block.language != "sql"]


@pytest.mark.parametrize("block", shell_blocks(), ids=str)
def test_commands_are_of_programs_and_services_that_exist(block: Block) -> None:
    checked = subprocess.run(["bash", "-n"], input=block.text, text=True, capture_output=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert programs(block.text) - PROGRAMS == set()
    assert (
        named(r"docker compose (?:exec|start|stop|restart|kill)(?: -\S+)* ([a-z][\w-]*)", block) <= compose_services()
    )
    watched = {service.name for service in demo().site.services}
    assert named(r"com\.docker\.compose\.service=([\w-]+)", block) <= compose_services() | watched
    assert named(r"\bmake ([a-z-]+)", block) <= make_targets()
    for query in named(r"query=(.+?)'(?:\s|$)", block):
        promql_parser.parse(query)


def named(pattern: str, block: Block) -> set[str]:
    return set(re.findall(pattern, block.text))


@cache
def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))


def programs(script: str) -> set[str]:
    """The words that stand where a command begins."""
    bare = re.sub(r"'[^']*'", "''", script).replace("\\\n", " ")
    found = re.findall(r"(?:^|\||;|&&|\$\()\s*(?:\w+=\S*\s+)*([^\s#|;&()'\"]+)", bare, re.MULTILINE)
    return set(found)


@cache
def compose_services() -> set[str]:
    """Every container that compose may know."""
    texts = [artifact.content for artifact in demo().artifacts if artifact.path == COMPOSE_FILE]
    texts += [(REPOSITORY / name).read_text() for name in ("compose.yaml", "apps/compose.yaml")]
    return {name for text in texts for name in yaml.safe_load(text)["services"]}


@each("query")
def test_a_query_parses(block: Block) -> None:
    if block.language == "promql":
        promql_parser.parse(block.text)
    else:
        assert block.text.startswith("{"), "the end-to-end tests ask Loki"


# --- examples -----------------------------------------------------------------------------------------------


@each("services")
def test_an_example_of_services_yaml_compiles(block: Block) -> None:
    assert compile_text(block.text, "services.yaml").artifacts


@each("error")
def test_an_example_of_an_error_page_is_one_that_its_own_test_runs(block: Block) -> None:
    """tests/cli/test_error_pages.py takes exactly these two."""
    code = block.page.removeprefix("docs/errors/").removesuffix(".md")
    before = pages()[block.page].splitlines()[block.line - 3]
    assert code.split("/")[0] in ("source", "spec", "notify")
    assert before in ("## Bad", "## Good")


def test_the_example_pack_is_proven_like_any_other(tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "generator", tmp_path / "generator", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(REPOSITORY / "packs", tmp_path / "packs")
    pack = tmp_path / "packs" / "memcached"
    (pack / "runbooks").mkdir(parents=True)
    for block in proven_by("pack"):
        (pack / block.text.splitlines()[0].removeprefix("# ")).write_text(block.text)
    for alert in re.findall(r"- name: (\w+)", (pack / "rules.yaml").read_text()):
        (pack / "runbooks" / f"{alert}.md").write_text("# <<service>>\n")
    (tmp_path / "services.yaml").write_text("services: {web: {kind: memcached, targets: [memcached-exporter:9150]}}\n")
    command = [sys.executable, "-m", "generator", "render"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    proofs = sorted((tmp_path / "prometheus" / "proofs" / "web" / "memcached").glob("*.yml"))
    assert [proof.stem for proof in proofs] == ["MemcachedConnectionsHigh", "MemcachedDown"]
    for proof in proofs:
        tested = tools.run("promtool", "test", "rules", str(proof), folder=tmp_path)
        assert tested.code == 0, tested.output


@each("message")
def test_a_message_is_what_the_templates_render(block: Block, tmp_path: Path) -> None:
    assert message(demo(), block.arguments[0], tmp_path) == block.text.splitlines()


# --- names and links ----------------------------------------------------------------------------------------


WRITTEN: Final = [page for page in pages() if not page.startswith("docs/runbooks/")]


@pytest.mark.parametrize("page", WRITTEN)
def test_every_link_leads_somewhere(page: str) -> None:
    for target in links(pages()[page]):
        if target.startswith("http"):
            continue
        path, _, anchor = target.partition("#")
        file = (REPOSITORY / page).parent / path if path else REPOSITORY / page
        name = os.path.relpath(file, REPOSITORY)
        assert name in pages() or file.exists(), f"{target}: no such file"
        text = pages().get(name) or (file.read_text() if file.is_file() else "")
        assert not anchor or anchor in anchors(text), f"{target}: no such heading"


@pytest.mark.parametrize("page", WRITTEN)
def test_commands_in_sentences_exist(page: str) -> None:
    for code in codes(pages()[page]):
        program, verb, *_ = [*code.split(), "", ""]
        if program == "make" and verb:
            assert verb in make_targets(), code
        if program in ("lookout", "./lookout") and verb:
            assert verb in {*cli.commands, "VERB", "--help"}, code


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/architecture.md"])
def test_paths_in_sentences_exist(page: str) -> None:
    rendered = [artifact.path for artifact in demo().artifacts]
    # Made on the machine, or rendered for others than the demo.
    made = {"secrets/", "generated.lock", ".lookout-write/", "tempo/"}
    for code in codes(pages()[page]):
        if re.fullmatch(r"[\w./-]+/|[\w./-]+\.(py|yaml|sh|md|toml|lock)", code) and code not in made:
            assert (REPOSITORY / code).exists() or any(path.startswith(code) for path in rendered), code


def test_the_pages_say_nothing_of_a_registrys_address() -> None:
    for page, text in pages().items():
        assert not re.search(r"docker\.io/|ghcr\.io|quay\.io|pypi\.org|registry\.npmjs", text), page


def test_the_committed_files_are_those_that_make_docs_makes() -> None:
    """A new pack needs no page to be whole: what is documented is held to what it says."""
    write, remove = stale_files(REPOSITORY, documented(REPOSITORY))
    assert (sorted(write), remove) == ([], []), "run `make docs` and commit what it changes"
    assert (REPOSITORY / BY_THE_LIBRARY).is_file(), "tests/instrumentation/test_reference.py has its content"


def test_the_list_of_kinds_leads_to_the_page_of_each() -> None:
    listed = {link.removesuffix(".md") for link in links(pages()["docs/reference/kinds.md"])}
    for name in documented(REPOSITORY):
        assert f"kinds/{name}" in listed
        assert pages()[f"docs/reference/kinds/{name}.md"].splitlines()[1] == f"# {name}"


def test_the_kinds_that_the_readme_shows_exist() -> None:
    table = pages()["README.md"].partition("## What it watches")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| [^|`]+ \| (.*) \|$", table, re.MULTILINE)
    named = {code for cell in cells for code in re.findall(r"`([a-z-]+)`", cell)}
    assert {"http", "redis"} <= named <= set(load_packs())


def test_every_page_is_reached_from_the_readme() -> None:
    reached, waiting = {"README.md"}, ["README.md"]
    while waiting:
        page = waiting.pop()
        named = {os.path.normpath(Path(page).parent / link.split("#")[0]) for link in links(pages()[page])}
        waiting += sorted((named & pages().keys()) - reached)
        reached |= named & pages().keys()
    assert {page for page in WRITTEN if not page.startswith("docs/adr/")} <= reached


def test_the_dashboards_page_names_rows_and_dashboards_that_exist() -> None:
    dashboards = [json.loads(a.content) for a in demo().artifacts if a.path.startswith("grafana/dashboards/")]
    rows = {panel["title"] for dashboard in dashboards for panel in dashboard["panels"] if panel["type"] == "row"}
    page = pages()["docs/dashboards.md"]
    listed, reported = page.split("## How to read a panel")[0].split("## A service")
    assert set(re.findall(r"^- \*\*(.+?)\*\*", reported, re.MULTILINE)) <= rows
    names = {name for name in re.findall(r"^\| ([A-Z].+?) \|", listed, re.MULTILINE) if name != "Dashboard"}
    assert names <= {dashboard["title"] for dashboard in dashboards}
