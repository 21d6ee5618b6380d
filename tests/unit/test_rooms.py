"""The rooms keep what they say of themselves: one road to a Site, and no reading or writing where it is resolved and
rendered."""

import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from generator.packs import load_packs
from generator.pipeline import resolve_source, resolve_text
from generator.render.registry import RENDERERS
from generator.resolve import resolve_site
from generator.source.read import load_source
from generator.spec.keys import load_spec

GENERATOR = Path(__file__).parents[2] / "generator"
DEMO = (GENERATOR.parent / "services.yaml").read_text(encoding="utf-8")
# What no renderer of the demo comes by: a domain, log files, pushed lines, every optional part, two messengers.
LARGE = """\
stack:
  name: acme
  domain: mon.acme.dev
  errors: bugsink
  traces: tempo
  machine: {memory: 64GiB, disk: 900GiB}
people:
  ana: {telegram: 1234567}
  boris: {slack: {channel: "#boris", webhook: secret:slack_boris}}
channels:
  ops: {slack: {channel: "#ops", webhook: secret:slack_ops}}
  phone: {telegram: {chat: -100123}}
notify: {critical: [owner, ops, phone], warning: [ops, owner], info: [phone]}
watchdog: {ping: secret:healthchecks_url}
hosts: {vps1: {owner: ana}}
services:
"""
KINDS = (
    "[fastapi, instrumentation, llm]",
    "[django, celery]",
    "flask",
    "[probe]",
)


def large_text(services: int) -> str:
    """A services.yaml of so many services, in all their kinds of logs, with databases behind them."""
    lines = [LARGE]
    for number in range(services):
        name, kind = f"app{number}", KINDS[number % len(KINDS)]
        if kind == "[probe]":
            lines.append(f"  {name}: {{kind: probe, owner: boris, url: 'https://{name}.acme.dev/health'}}\n")
            continue
        logs = ("push", "docker", f"{{file: /var/log/{name}/app.log}}")[number % 3]
        slo = "slo: {availability: 99.9%, latency: {p95: 300ms}}"
        more = f"uses: [db{number}], logs: {logs}, url: 'https://{name}.acme.dev', {slo}"
        lines.append(f"  {name}: {{kind: {kind}, owner: ana, targets: ['{name}:8000'], {more}}}\n")
        lines.append(f"  db{number}: {{kind: postgres, dsn: 'secret:dsn_{number}', address: 'db{number}:5432'}}\n")
    return "".join(lines)


class Watch:
    """What the interpreter says of reading, writing, connecting and starting programs. An audit hook cannot be taken
    away again, so one stays and listens to nothing when the test is over."""

    def __init__(self) -> None:
        self.thread: int | None = None
        self.seen: list[str] = []
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.thread != threading.get_ident():
            return
        if event == "open" or event.startswith(("os.", "socket.", "subprocess.", "shutil.", "tempfile.", "urllib.")):
            self.seen.append(f"{event} {arguments[:1]}")

    @contextmanager
    def on(self) -> Iterator[list[str]]:
        """What is seen while the block runs."""
        self.seen = []
        self.thread = threading.get_ident()
        try:
            yield self.seen
        finally:
            self.thread = None


@pytest.fixture(scope="module")
def watch() -> Watch:
    return Watch()


@pytest.fixture(scope="module", autouse=True)
def loaded() -> None:
    """What is imported when it is first needed is loaded code, and not what a renderer reads: once, on a site of its
    own, before anything is watched."""
    site, _ = resolve_text(large_text(4), "services.yaml")
    for render in RENDERERS:
        render(site)


def test_the_watch_sees_a_file_that_is_read(watch: Watch, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("x")
    with watch.on() as seen:
        (tmp_path / "text").read_text()
        list(tmp_path.iterdir())
    assert seen[0].startswith("open ") and any(line.startswith(("os.listdir", "os.scandir")) for line in seen)


@pytest.mark.parametrize("text", [DEMO, large_text(12)], ids=["the demo", "a large site"])
def test_no_renderer_reads_or_writes_anything(watch: Watch, text: str) -> None:
    site, _ = resolve_text(text, "services.yaml")
    for render in RENDERERS:
        with watch.on() as seen:
            assert render(site)
        assert seen == [], render.__name__


def test_nothing_is_read_to_resolve_a_site_once_the_packs_are_loaded(watch: Watch) -> None:
    packs = load_packs()
    # Other names and numbers than those of the sites before, so that nothing of them is remembered.
    text = large_text(8).replace("app", "shop").replace("300ms", "250ms")
    source = load_source(text, "services.yaml")
    spec = load_spec(source)
    with watch.on() as seen:
        site, _ = resolve_site(spec, source, packs)
    assert len(site.services) > 14
    assert seen == []


def test_a_site_comes_from_the_pipeline_and_from_nowhere_else() -> None:
    roads = re.compile(r"^from generator\.(?:resolve|spec\.keys) import .*\b(?:resolve_site|load_spec)\b", re.MULTILINE)
    taken = {path.name for path in GENERATOR.rglob("*.py") if roads.search(path.read_text(encoding="utf-8"))}
    assert taken == {"pipeline.py"}


def test_a_source_that_was_read_already_means_what_its_text_means() -> None:
    assert resolve_source(load_source(DEMO, "services.yaml")) == resolve_text(DEMO, "services.yaml")


def test_few_modules_lie_outside_a_room() -> None:
    loose = sorted(path.name for path in GENERATOR.glob("*.py") if path.name != "__init__.py")
    assert len(loose) <= 8, loose


def test_no_module_is_too_long() -> None:
    lengths = {str(path): len(path.read_text(encoding="utf-8").splitlines()) for path in GENERATOR.rglob("*.py")}
    assert {path: lines for path, lines in lengths.items() if lines >= 500} == {}
