"""`logs: push` from end to end: the printed lines as an app runs them, and Caddy's endpoints in front of the collector.

Real programs, the configuration as it is rendered; only the certificate is Caddy's own, as no authority would give one.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import pytest
import requests
import yaml

from generator.apply.collector import compare_collector
from generator.artifact import Artifact
from generator.conventions import (
    SEAL_FILE,
    WEB_HASH,
    logs_token,
)
from generator.parts.table import PORTS
from generator.render.caddy.config import render_caddy
from generator.render.collector.config import render_collector
from generator.render.loki import render_loki
from generator.site.model import Budget, Logs
from generator.verbs.connect.push import FROM_CONTAINER, push_lines
from tests.support.waiting import until
from tests.tools.log_lab import Lab, docker, image, why_not
from tests.unit.sites import STACK, make_service, make_site

MIB: Final = 2**20
DOMAIN: Final = "mon.acme.dev"
TOKEN: Final = "4g7-of_mobile"
MEMORY: Final = {"loki": 256 * MIB, "collector": 144 * MIB}
LINE: Final = '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"%s"}}]}]}]}'

WHY_NOT: Final = why_not() or ("" if image("caddy") else "no image on this machine: caddy")
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "it can be set up")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The lab, and Caddy before it."""

    lab: Lab
    folder: Path
    artifacts: tuple[Artifact, ...]

    def post(self, url: str, text: str, token: str | None) -> int:
        """The status of a push; the domain leads to this Caddy, whose authority is trusted."""
        address = self.lab.url("caddy", 0).split("//")[1].split(":")[0]
        ports = ("80", "443", "8080")
        names = [word for port in ports for word in ("--resolve", f"{DOMAIN}:{port}:{address}")]
        names += ["--resolve", f"localhost:8080:{address}"]
        header = [] if token is None else ["-H", f"Authorization: Bearer {token}"]
        command = ["curl", "-sS", "--noproxy", "*", "--cacert", str(self.folder / "root.crt"), *names, *header]
        command += ["-o", "/dev/null", "-w", "%{http_code}", "-H", "Content-Type: application/json", "-d", LINE % text]
        done = subprocess.run([*command, url], capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, done.stderr
        return int(done.stdout)


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    folder = tmp_path_factory.mktemp("push")
    site = make_site(
        make_service("mobile", logs=Logs("push")),
        stack=replace(STACK, domain=DOMAIN, base_url=f"https://{DOMAIN}"),
        budget=Budget(memory=MEMORY, metrics_disk=0, logs_disk=0, queue_disk=64 * MIB),
    )
    lab = Lab(folder, MEMORY)
    artifacts = (*render_loki(site), *render_collector(site), *render_caddy(site))
    lab.configure(artifacts)
    lab.secret(logs_token("mobile"), TOKEN)
    lab.secret(SEAL_FILE, "hmac-one")
    lab.secret(WEB_HASH, "$2b$12$" + "x" * 53)
    caddyfile = folder / "caddy/Caddyfile"
    caddyfile.write_text(caddyfile.read_text().replace("\tmetrics\n", "\tmetrics\n\tlocal_certs\n", 1))
    try:
        lab.start()
        mounts = {folder / "caddy": "/etc/caddy:ro", folder / "secrets": "/run/secrets:ro"}
        volumes = [word for source, target in mounts.items() for word in ("-v", f"{source}:{target}")]
        command = ("caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile")
        lab.containers["caddy"] = docker(
            "run", "-d", "--network", lab.network, "--user", "0:0", *volumes, image("caddy"), *command
        )
        root = "/data/caddy/pki/authorities/local/root.crt"
        text = until(lambda: docker("exec", lab.containers["caddy"], "cat", root, check=False), "Caddy's authority")
        (folder / "root.crt").write_text(text + "\n")
        made = Endpoint(lab, folder, artifacts)
        until(lambda: _answers(made), "Caddy answers", 60)
        yield made
    finally:
        lab.close()


def _answers(endpoint: Endpoint) -> bool:
    return endpoint.post(f"https://{DOMAIN}/otlp/v1/logs", "early", None) == 401


def arrived(lab: Lab, text: str) -> dict[str, str]:
    """What Loki keeps beside a line, once it is there."""
    found = until(lambda: lab.search(f'{{service_name=~".+"}} |= "{text}"'), text)
    assert len(found) == 1
    fields: dict[str, str] = found[0].fields
    return fields


@pytest.mark.parametrize(
    "url",
    [f"https://{DOMAIN}/otlp/v1/logs", "http://localhost:8080/otlp/v1/logs"],
    ids=["from elsewhere over TLS", "from a process on this machine"],
)
def test_a_line_comes_in_with_its_token_and_none_without(endpoint: Endpoint, url: str) -> None:
    text = f"through {url.split('/')[2]}"
    refused = [endpoint.post(url, "let me in", token) for token in (None, "", "wrong", TOKEN[:-1])]
    assert refused == [401, 401, 401, 401]
    assert endpoint.post(url, text, TOKEN) == 200
    assert arrived(endpoint.lab, text)["service_name"] == "mobile"
    assert endpoint.lab.search('{service_name=~".+"} |= "let me in"') == []


def test_a_token_that_comes_in_the_clear_is_refused_and_not_led_on(endpoint: Endpoint) -> None:
    assert endpoint.post(f"http://{DOMAIN}/otlp/v1/logs", "in the clear", TOKEN) == 403
    assert endpoint.post(f"http://{DOMAIN}/", "anything else", None) == 308


def test_a_new_token_is_taken_with_a_reload_and_the_collector_says_so(endpoint: Endpoint) -> None:
    url, lab = f"https://{DOMAIN}/otlp/v1/logs", endpoint.lab
    artifacts = {each.path: each for each in endpoint.artifacts}

    def follows(seal: str) -> bool:
        reported = requests.get(lab.url("collector", PORTS["collector"], "/metrics"), timeout=2).text
        return compare_collector(artifacts, reported, seal) == []

    assert follows("hmac-one") and not follows("hmac-two")
    started = docker("inspect", "-f", "{{.State.StartedAt}}", lab.containers["collector"])
    for seal, token in (("hmac-two", "another-one"), ("hmac-one", TOKEN)):
        lab.secret(logs_token("mobile"), token)
        lab.secret(SEAL_FILE, seal)
        docker("kill", "--signal", "HUP", lab.containers["collector"])
        until(partial(follows, seal), "the new token")
        # Its own metrics come back a moment before its receivers.
        until(lambda: endpoint.post(url, "back", None) == 401, "the receiver")
        answers = [endpoint.post(url, "rotated", each) for each in ("another-one", TOKEN)]
        assert answers == ([200, 401] if token == "another-one" else [401, 200])
    assert docker("inspect", "-f", "{{.State.StartedAt}}", lab.containers["collector"]) == started


def test_nothing_but_lines_comes_in_there(endpoint: Endpoint) -> None:
    assert endpoint.post(f"https://{DOMAIN}/otlp/v1/traces", "a trace", TOKEN) == 401
    assert endpoint.post(f"https://{DOMAIN}/otlp/v1/logs/x", "deeper", TOKEN) == 401


def python_in(text: str) -> str:
    return text[text.index("import logging") : text.index("# Or into the configuration")]


def test_the_printed_python_sends_lines_and_errors_with_their_type(endpoint: Endpoint, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN + "\n")
    service = make_service("mobile", logs=Logs("push"))
    printed = push_lines(service, FROM_CONTAINER, "/run/lookout/x")
    program = python_in(printed).replace(FROM_CONTAINER, endpoint.lab.url("collector", 4318, "/v1/logs"))
    program += (
        'log = logging.getLogger("shop")\n'
        'log.warning("sent by python", extra={"request_id": "r-9", "tenant": "acme"})\n'
        "try:\n    {}['tea']\nexcept KeyError:\n    log.exception('python failed')\n"
        "lines.shutdown()\n"
    )
    environment = {**os.environ, "LOGS_TOKEN_FILE": str(tmp_path / "token"), "NO_PROXY": "*", "no_proxy": "*"}
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:__main__", "-c", program],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    fields = arrived(endpoint.lab, "sent by python")
    assert {name: fields.get(name) for name in ("service_name", "request_id", "tenant", "detected_level")} == {
        "service_name": "mobile", "request_id": "r-9", "tenant": "acme", "detected_level": "warn",
    }  # fmt: skip
    assert arrived(endpoint.lab, "python failed")["error_type"] == "KeyError"


def test_the_printed_collector_agent_is_valid_and_sends(endpoint: Endpoint, tmp_path: Path) -> None:
    """A collector of someone's own, with the printed lines merged into its configuration."""
    agent = tmp_path / "agent"
    agent.mkdir()
    (agent / "token").write_text(TOKEN)
    (agent / "app.log").write_text("from an agent\n")
    printed = push_lines(make_service("mobile", logs=Logs("push")), FROM_CONTAINER, "/agent/token")
    config = yaml.safe_load(printed[printed.index("# Or into the configuration") :])
    config["receivers"] = {"file_log": {"include": ["/agent/app.log"], "start_at": "beginning"}}
    config["service"] = {
        "extensions": list(config["extensions"]),
        "pipelines": {"logs": {"receivers": ["file_log"], "exporters": list(config["exporters"])}},
    }
    (agent / "agent.yaml").write_text(yaml.safe_dump(config))
    place = ["--network", endpoint.lab.network, "-v", f"{agent}:/agent:ro", "--user", "0:0"]
    container = docker("run", "-d", *place, image("collector"), "--config=/agent/agent.yaml")
    endpoint.lab.containers["agent"] = container
    assert arrived(endpoint.lab, "from an agent")["service_name"] == "mobile"
