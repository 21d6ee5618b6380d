"""Parts that load their configuration again without a restart: how each is asked, told to load, and believed.

A part follows when it gives back the seal of what was rendered, has refused nothing since, and none of the files that
it reads is younger than its last load. The last holds for what no seal covers: rule files of the user's own, secrets,
and a file that was edited by hand, loaded and restored.
"""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from generator.apply.readback import (
    LastLoad,
    compare_alertmanager,
    compare_blackbox,
    compare_caddy,
    compare_collector,
    compare_prometheus,
    last_load,
)
from generator.apply.running import Reconciler, Running
from generator.clients.docker import compose
from generator.conventions import (
    ALERTMANAGER_PATH,
    PROMETHEUS_PATH,
    WEB_HASH,
)
from generator.diagnostics import Diagnostic
from generator.parts.table import PORTS
from generator.secrets.files import FOLDER, MOUNTED, share_seal

WAIT: Final = 30.0
_PAUSE: Final = 0.3
_BLACKBOX: Final = f"http://blackbox-exporter:{PORTS['blackbox-exporter']}"
_CADDY: Final = f"http://127.0.0.1:{PORTS['caddy']}"
_COLLECTOR: Final = f"http://collector:{PORTS['collector']}/metrics"
# How the parts say in their logs that they refuse what they were given; the first line is the one with the reason.
_REFUSAL: Final = re.compile(
    r'level=ERROR .*msg="[^"]*(?:config|groups|template)[^"]*".*? err=(?P<why>"(?:[^"\\]|\\.)*"|\S+)'
)


@dataclass(frozen=True, slots=True)
class Part:
    """One part. `differs` says what of its loaded configuration is not the rendered one, `loaded` when that was loaded,
    `reads` are the files and folders that it reads when it loads, below the root."""

    service: str
    differs: Callable[[Running], list[str]]
    loaded: Callable[[Running], LastLoad | None]
    reload: Callable[[Running], list[Diagnostic]]
    reads: tuple[str, ...] = ()


def reconciler(name: str, part: Part) -> Reconciler:
    """The reconciler of a part."""
    return Reconciler(name, part.service, lambda running: drift(part, running), lambda running: follow(part, running))


def drift(part: Part, running: Running) -> list[str]:
    """Where the part is not what was rendered, a sentence each. Raises requests.RequestException."""
    return _look(part, running)[0]


def follow(part: Part, running: Running) -> list[Diagnostic]:
    """Have the part load again where there is drift, and wait until there is none or it refuses."""
    if not drift(part, running):
        return []
    began = time.time()
    if problems := part.reload(running):
        return problems
    while True:
        left, last = _look(part, running)
        if not left:
            return []
        if last and last.refused and (why := _refusal(running, part.service, began)):
            return [Diagnostic("apply/not-loaded", f"{part.service} refused its configuration: {why}")]
        if time.time() > began + WAIT:
            logs = _logs(running, part.service, "--tail", "5")
            return [Diagnostic("apply/not-loaded", f"{part.service} did not load: {each}", notes=logs) for each in left]
        time.sleep(_PAUSE)


def changed_since(root: Path, reads: tuple[str, ...], moment: float) -> list[str]:
    """Files of `reads` that were written after the moment, and folders out of which one went. Sorted."""
    return sorted(str(path.relative_to(root)) for name in reads for path in _younger(root / name, moment))


def _younger(path: Path, moment: float) -> Iterator[Path]:
    """Of a file the time of its last change of any kind, as a copy may keep the time of writing; of a folder the time
    of its last entry."""
    if path.is_dir():
        inside = [each for child in sorted(path.iterdir()) for each in _younger(child, moment)]
        yield from inside or ([path] if path.stat().st_mtime > moment else [])
    elif path.is_file() and path.stat().st_ctime > moment:
        yield path


def _look(part: Part, running: Running) -> tuple[list[str], LastLoad | None]:
    found, last = part.differs(running), part.loaded(running)
    if last and last.refused:
        found.append("it refused the configuration that it was last given")
    elif last and not found:
        found += [f"{path} changed since it was loaded" for path in changed_since(running.root, part.reads, last.at)]
    return found, last


def _refusal(running: Running, service: str, since: float) -> str:
    """The part's own sentence about what it refuses; empty when it has said nothing since."""
    for line in _logs(running, service, "--since", f"{since:.6f}"):
        if match := _REFUSAL.search(line):
            return _unquoted(match["why"])
    return ""


def _unquoted(text: str) -> str:
    if not text.startswith('"'):
        return text
    return " ".join(re.sub(r"\\(.)", lambda match: " " if match[1] in "nt" else match[1], text[1:-1]).split())


def _logs(running: Running, service: str, *options: str) -> tuple[str, ...]:
    done = compose(running.root, "logs", "--no-log-prefix", *options, service, timeout=30)
    return tuple(done.stdout.splitlines())


def _signal(service: str) -> Callable[[Running], list[Diagnostic]]:
    def reload(running: Running) -> list[Diagnostic]:
        sent = compose(running.root, "kill", "-s", "SIGHUP", service)
        if sent.returncode == 0:
            return []
        message = f"{service} could not be told to reload: {sent.stderr.strip()}"
        return [Diagnostic("apply/unreachable", message)]

    return reload


def _reload_caddy(running: Running) -> list[Diagnostic]:
    """Caddy takes its files again without dropping a request. Forced: a new password changes the file that the
    Caddyfile names, not the Caddyfile."""
    command = ("caddy", "reload", "--force", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile")
    done = compose(running.root, "exec", "-T", "caddy", *command, timeout=60)
    if done.returncode == 0:
        return []
    lines = tuple(done.stderr.strip().splitlines()[-5:])
    said = (re.search(r'"msg":"((?:[^"\\]|\\.)*)"\}?$|^Error: (.*)$', line) for line in reversed(lines))
    why = next((_unquoted(f'"{match[1]}"') if match[1] else match[2] for match in said if match), "".join(lines[-1:]))
    return [Diagnostic("apply/not-loaded", f"caddy refused its configuration: {why}", notes=lines)]


def _prometheus_differs(running: Running) -> list[str]:
    answer = running.get(f"{PROMETHEUS_PATH}/api/v1/status/config").json()["data"]["yaml"]
    return compare_prometheus(running.artifacts, yaml.safe_load(answer))


def _alertmanager_differs(running: Running) -> list[str]:
    answer = running.get(f"{ALERTMANAGER_PATH}/api/v2/status").json()["config"]["original"]
    return compare_alertmanager(running.artifacts, answer)


def _blackbox_differs(running: Running) -> list[str]:
    return compare_blackbox(running.artifacts, yaml.safe_load(running.inside(f"{_BLACKBOX}/config")) or {})


def _collector_differs(running: Running) -> list[str]:
    secrets = share_seal(running.site, running.root, "collector")
    return compare_collector(running.artifacts, running.inside(_COLLECTOR), secrets)


def _caddy_differs(running: Running) -> list[str]:
    return compare_caddy(running.artifacts, running.inside(f"{_CADDY}/config"))


PROMETHEUS: Final = Part(
    "prometheus",
    _prometheus_differs,
    lambda running: last_load(running.get(f"{PROMETHEUS_PATH}/metrics").text, "prometheus"),
    _signal("prometheus"),
    ("prometheus/prometheus.yml", "prometheus/rules", "prometheus/custom"),
)
ALERTMANAGER: Final = Part(
    "alertmanager",
    _alertmanager_differs,
    lambda running: last_load(running.get(f"{ALERTMANAGER_PATH}/metrics").text, "alertmanager"),
    _signal("alertmanager"),
    ("alertmanager/alertmanager.yml", "alertmanager/templates"),
)
BLACKBOX: Final = Part(
    "blackbox-exporter",
    _blackbox_differs,
    lambda running: last_load(running.inside(f"{_BLACKBOX}/metrics"), "blackbox_exporter"),
    _signal("blackbox-exporter"),
    ("prometheus/blackbox.yml",),
)
# It does not say when it loaded; what it loads stands in its metrics, tokens included.
COLLECTOR: Final = Part("collector", _collector_differs, lambda _: None, _signal("collector"))
CADDY: Final = Part(
    "caddy",
    _caddy_differs,
    lambda running: last_load(running.inside(f"{_CADDY}/metrics"), "caddy"),
    _reload_caddy,
    ("caddy/Caddyfile", f"{FOLDER}/{MOUNTED}/caddy/{WEB_HASH}"),
)
