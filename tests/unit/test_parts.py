"""A part is one row: what follows from it, and that compose.yaml, which is written by hand, says the same."""

import copy
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from generator.conventions import CORE_NETWORK, SOCKET_PROXY
from generator.parts.part import Part
from generator.parts.table import PARTS, PORTS

ROOT: Final = Path(__file__).parents[2]
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
# The service stands in compose.rendered.yaml, with the word that it needs.
RENDERED: Final = frozenset({SOCKET_PROXY})
_PORT: Final = re.compile(r"(?:127\.0\.0\.1|0\.0\.0\.0|\.core):(\d+)")
# Where the port of a part stands otherwise.
_PORT_VARIABLES: Final = ("UPTIME_KUMA_PORT",)


def differences(services: dict[str, Any], parts: Iterable[Part]) -> Iterator[str]:
    """What compose.yaml and the table do not say alike, a sentence each."""
    rows = {part.name: part for part in parts if part.name not in RENDERED}
    yield from (f"{name}: it has no row" for name in sorted(services.keys() - rows.keys()))
    yield from (f"{name}: compose.yaml has no such service" for name in sorted(rows.keys() - services.keys()))
    for name in sorted(rows.keys() & services.keys()):
        for what, said, meant in _sides(services[name], rows[name]):
            if said != meant:
                yield f"{name}: {what} is {said}, and {meant} in its row"


def _sides(service: dict[str, Any], part: Part) -> Iterator[tuple[str, object, object]]:
    networks = service["networks"]
    yield "profile", service.get("profiles", []), [part.profile] if part.profile else []
    yield "networks", sorted(networks), sorted(part.networks)
    yield "names on core", networks["core"]["aliases"], [f"{part.name}.{CORE_NETWORK}"]
    image = (part.image or part.name).upper().replace("-", "_")
    yield "image", re.findall(r"\$\{(\w+)", service["image"]), [f"IMAGE_{image}"]
    # The budget gives the limits, in compose.rendered.yaml; one here would be another.
    limits = [key for key in service if key.startswith(("mem_", "memswap_")) or key == "deploy"]
    yield "memory", [*limits, *("GOMEMLIMIT" for name in service.get("environment", {}) if name == "GOMEMLIMIT")], []
    yield "ports", set(_ports(service)) - {part.port}, set()


def _ports(service: dict[str, Any]) -> Iterator[int]:
    """Each port at which the service listens or is asked whether it is well."""
    keys = ("entrypoint", "command", "environment", "healthcheck")
    yield from (int(port) for key in keys for port in _PORT.findall(json.dumps(service.get(key, ""))))
    yield from (int(service.get("environment", {}).get(name, 0)) for name in _PORT_VARIABLES if
                name in service.get("environment", {}))  # fmt: skip


def test_compose_yaml_says_of_each_part_what_its_row_says() -> None:
    assert list(differences(COMPOSE, PARTS)) == []


def test_the_ports_of_nearly_all_parts_stand_in_compose_yaml() -> None:
    """The others take theirs from a file that is rendered, from PORTS."""
    without = {name for name, service in COMPOSE.items() if not set(_ports(service))}
    assert without == {"loki", "collector", "tempo"}


def _moved(name: str, old: str, new: str) -> Callable[[dict[str, Any]], None]:
    def edit(services: dict[str, Any]) -> None:
        text = json.dumps(services[name])
        assert old in text
        services[name] = json.loads(text.replace(old, new))

    return edit


DIFFERENCES: Final[dict[str, tuple[Callable[[dict[str, Any]], object], str]]] = {
    "a part listens at another port": (_moved("prometheus", "core:9090", "core:9091"), "prometheus: ports"),
    "a health check asks another port": (_moved("alertmanager", ":9093/", ":9094/"), "alertmanager: ports"),
    "a variable names another port": (_moved("uptime-kuma", '"3001"', '"3002"'), "uptime-kuma: ports"),
    "a part runs without its word": (lambda all: all["tempo"].pop("profiles"), "tempo: profile"),
    "a part has another profile": (lambda all: all["bugsink"].update(profiles=["traces"]), "bugsink: profile"),
    "a part that always runs has a profile": (lambda all: all["loki"].update(profiles=["traces"]), "loki: profile"),
    "a part has a limit of its own": (lambda all: all["loki"].update(mem_limit="1g"), "loki: memory"),
    "a limit stands under deploy": (lambda all: all["loki"].update(deploy={"resources": {}}), "loki: memory"),
    "a program has a limit of its own": (
        lambda all: all["loki"].update(environment={"GOMEMLIMIT": "1GiB"}),
        "loki: memory",
    ),
    "a part is on a network more": (lambda all: all["loki"]["networks"].update(lookout=None), "loki: networks"),
    "a part is on a network less": (lambda all: all["caddy"]["networks"].pop("edge"), "caddy: networks"),
    "a part has another name on core": (
        lambda all: all["loki"]["networks"]["core"].update(aliases=["logs.core"]),
        "loki: names on core",
    ),
    "a part runs the image of another": (_moved("loki", "IMAGE_LOKI", "IMAGE_TEMPO"), "loki: image"),
    "a part has no row": (lambda all: all.update(karma={}), "karma: it has no row"),
    "a row has no service": (lambda all: all.pop("loki"), "loki: compose.yaml has no such service"),
}


@pytest.mark.parametrize(("edit", "said"), DIFFERENCES.values(), ids=DIFFERENCES.keys())
def test_each_difference_is_found(edit: Callable[[dict[str, Any]], object], said: str) -> None:
    services = copy.deepcopy(COMPOSE)
    edit(services)
    (found,) = differences(services, PARTS)
    assert found.startswith(said)


ROW: Final = """PARTS: Final = (
    Part("karma", 8080, 64 * MIB, 0.01, networks=("core", "edge"), needs="traces", metrics="/karma/metrics",
         path="/karma", reads=("prometheus/prometheus.yml",), links=(Link("Wall", "Karma: all alerts", "/karma/"),),
         opened=(Opened("wall", _READ, ("/*",), without=("/debug/*",)),)),
"""
PROGRAM: Final = """
import json, sys
from generator.parts.table import profiles
from generator.pipeline import compile_text
texts = sys.stdin.read().split("---\\n")
found = [compile_text(text, "services.yaml") for text in texts]
print(json.dumps([{each.path: each.content for each in one.artifacts} for one in found]))
"""
SITE: Final = """\
stack: {{errors: bugsink, machine: {{memory: 4GiB}}{more}}}
services:
  {name}: {{kind: http, targets: [api:8000]}}
"""
TRACED: Final = SITE.format(more=", traces: tempo", name="api")


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiler with one row more, and nothing else changed."""
    root = tmp_path_factory.mktemp("copy")
    for folder in ("generator", "packs", "images"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("versions.yaml", "pyproject.toml"):
        shutil.copy(ROOT / name, root)
    table = root / "generator/parts/table.py"
    text = table.read_text()
    assert text.count("PARTS: Final = (\n") == 1
    table.write_text(text.replace("PARTS: Final = (\n", ROW))
    return root


def compiled(root: Path, *texts: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", PROGRAM], input="---\n".join(texts), cwd=root, capture_output=True,
                          text=True, env={"PYTHONPATH": str(root), "HOME": str(root)})  # fmt: skip


def test_one_row_adds_a_part_to_all_that_is_rendered(copied: Path) -> None:
    done = compiled(copied, TRACED, SITE.format(more="", name="api"))
    assert done.returncode == 0, done.stderr
    with_it, without = json.loads(done.stdout)
    quiet = ("prometheus/prometheus.yml", "compose.rendered.yaml", "caddy/Caddyfile")
    assert [path for path in quiet if "karma" in without[path]] == [], "it was not asked for"
    assert "Wall" not in without["caddy/site/index.html"]
    jobs = {job["job_name"]: job for job in yaml.safe_load(with_it["prometheus/prometheus.yml"])["scrape_configs"]}
    assert (jobs["karma"]["static_configs"][0]["targets"], jobs["karma"]["metrics_path"]) == (
        ["karma.core:8080"], "/karma/metrics",
    )  # fmt: skip
    service = yaml.safe_load(with_it["compose.rendered.yaml"])["services"]["karma"]
    assert int(service["mem_limit"].removesuffix("m")) >= 64
    assert service["labels"], "what it reads when it starts"
    assert '<a href="/karma/"><b>Wall</b><span>Karma: all alerts</span></a>' in with_it["caddy/site/index.html"]
    routes = with_it["caddy/Caddyfile"]
    assert "handle @wall {\n\t\timport karma\n\t}\n\thandle /karma/* {\n\t\terror 403" in routes
    assert "not path /karma/debug/*" in routes
    assert "reverse_proxy karma:8080" in routes
    assert re.search(r"@bare path .*/karma\b", routes)


def test_the_row_reserves_its_name_and_is_missed_in_compose_yaml(copied: Path) -> None:
    done = compiled(copied, SITE.format(more="", name="karma"))
    assert "'karma' is a part of the monitoring stack" in done.stderr
    assert list(differences({**COMPOSE}, [*PARTS, Part("karma", 8080, 1)])) == [
        "karma: compose.yaml has no such service"
    ]


def test_no_two_parts_share_a_port_a_path_or_a_name_in_the_caddyfile() -> None:
    assert len(set(PORTS.values())) == len(PARTS)
    names = [opened.name for part in PARTS for opened in part.opened]
    paths = [part.path for part in PARTS if part.path]
    assert len(set(names)) == len(names)
    assert len(set(paths)) == len(paths)


def test_what_the_home_page_links_to_is_served_below_the_parts_path() -> None:
    for part in PARTS:
        for link in part.links if part.path else ():
            served = link.path.startswith(f"{part.path}/") or (ROOT / "caddy/site" / link.path.lstrip("/")).is_file()
            assert served, link
