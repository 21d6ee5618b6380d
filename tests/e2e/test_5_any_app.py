"""Apps that are not ours, on three roads: another compose project, a process on the host, a public https address."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.stack import ENVIRONMENT, LANE, PROJECT, PUBLIC_NAME, Stack, image, wait_for

HOST_PORT = 18765 + 100 * LANE
SERVICES = f"""
  shop:
    kind: http
    owner: ana
    targets: [shop:8000]
    metrics: {{token: secret:any_app_token}}

  hostapp:
    kind: http
    owner: ana
    targets: ["host.docker.internal:{HOST_PORT}"]
    metrics: {{token: secret:any_app_token}}

  public:
    kind: http
    owner: ana
    targets: ["https://{PUBLIC_NAME}:8443"]
    url: https://{PUBLIC_NAME}:8443/
    metrics: {{token: secret:any_app_token}}
"""
COMPOSE = """\
name: {project}-shop
services:
  shop:
    image: {image}
    command: [python3, -m, tests.e2e.app, --host, 0.0.0.0, --port, "8000", --token-file, /token/any_app_token]
    working_dir: /srv
    user: "65534:65534"
    volumes: ["{tests}:/srv/tests:ro", "{token}:/token:ro"]
    networks: [lookout]
    logging:
      driver: json-file
      options: {{labels: "com.docker.compose.service,com.docker.compose.project", tag: "{{{{.Name}}}}"}}
networks:
  lookout: {{external: true, name: {network}}}
"""


@pytest.fixture(scope="module")
def apps(stack: Stack) -> Iterator[Path]:
    """The three apps, running, and services.yaml telling of them; the folder of the other compose project."""
    folder = stack.root / "shop"
    token = folder / "token"
    token.mkdir(parents=True)
    for path in (token / "any_app_token", stack.root / "secrets" / "any_app_token"):
        path.write_text("e2e-any-app-token")
    with contextlib.ExitStack() as cleanup:
        _start_on_host(stack, token, cleanup)
        _start_behind_tls(stack, token, cleanup)
        _start_other_project(stack, folder, token, cleanup)
        stack.edit("\nhosts:\n", f"{SERVICES}\nhosts:\n")
        cleanup.callback(stack.must, "make", "apply")
        cleanup.callback(stack.edit, f"{SERVICES}\n", "\n")
        stack.must("make", "apply")
        yield folder


def _start_on_host(stack: Stack, token: Path, cleanup: contextlib.ExitStack) -> None:
    """A process on the host, listening where containers reach it and nobody else does."""
    gateway = stack.must("docker", "network", "inspect", "bridge", "-f", "{{(index .IPAM.Config 0).Gateway}}").strip()
    options = ["--host", gateway, "--port", str(HOST_PORT), "--token-file", str(token / "any_app_token")]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.e2e.app", *options], cwd=stack.root, stdout=subprocess.DEVNULL
    )
    cleanup.callback(process.wait, timeout=10)
    cleanup.callback(process.terminate)


def _start_behind_tls(stack: Stack, token: Path, cleanup: contextlib.ExitStack) -> None:
    """An https server under a public name."""
    mounts = (f"{stack.root}/tests:/srv/tests:ro", f"{token}:/token:ro", f"{stack.root}/ca:/ca:ro")
    container = stack.must(
        "docker", "run", "--detach", "--network", ENVIRONMENT["LOOKOUT_NETWORK"], "--network-alias", PUBLIC_NAME,
        *(word for mount in mounts for word in ("--volume", mount)),
        "--workdir", "/srv", "--user", "65534:65534", image(stack, "PYTHON"),
        "python3", "-m", "tests.e2e.app", "--host", "0.0.0.0", "--port", "8443",
        "--token-file", "/token/any_app_token", "--certificate", "/ca/server.pem",
    ).strip()  # fmt: skip
    cleanup.callback(stack.run, "docker", "rm", "--force", "--volumes", container)


def _start_other_project(stack: Stack, folder: Path, token: Path, cleanup: contextlib.ExitStack) -> None:
    """Somebody else's compose project on the network `lookout`."""
    names = {"project": PROJECT, "image": image(stack, "PYTHON"), "network": ENVIRONMENT["LOOKOUT_NETWORK"]}
    (folder / "compose.yaml").write_text(COMPOSE.format(**names, tests=stack.root / "tests", token=token))
    cleanup.callback(other_project, stack, folder, "down", "--timeout", "1", "--volumes")
    other_project(stack, folder, "up", "--detach")


def other_project(stack: Stack, folder: Path, *arguments: str) -> None:
    """docker compose of somebody else's project: none of our environment applies to it."""
    environment = {key: value for key, value in stack.environment.items() if not key.startswith("COMPOSE_")}
    command = ["docker", "compose", "--file", str(folder / "compose.yaml"), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("service", ["shop", "hostapp", "public"])
def test_it_is_scraped_with_its_token(stack: Stack, apps: Path, service: str) -> None:
    wait_for(lambda: stack.query(f'up{{service="{service}"}} == 1'), 60, f"{service} is up")
    assert stack.query(f'http_requests_total{{service="{service}",status="200"}} > 0')


@pytest.mark.parametrize(
    ("service", "lines"),
    [
        ("shop", ["networks:", "external: true", "com.docker.compose.service"]),
        ("hostapp", ["host.docker.internal", str(HOST_PORT)]),
        ("public", [f"https://{PUBLIC_NAME}:8443", "Authorization"]),
    ],
)
def test_connect_prints_the_lines_for_its_road(stack: Stack, apps: Path, service: str, lines: list[str]) -> None:
    printed = stack.must(sys.executable, "-m", "generator", "connect", service)
    for line in lines:
        assert line in printed
    assert "e2e-any-app-token" not in printed


def test_the_other_projects_log_lines_arrive_under_its_name(stack: Stack, apps: Path) -> None:
    wait_for(lambda: stack.logs('{service_name="shop"}'), 60, "a log line of the other project")


def test_the_public_address_is_probed_over_verified_tls(stack: Stack, apps: Path) -> None:
    wait_for(lambda: stack.query('probe_success{service="public"} == 1'), 60, "the probe succeeds")
    days = float(stack.query('probe_ssl_earliest_cert_expiry{service="public"} - time()')[0]["value"][1]) / 86400
    assert 80 < days < 91


def test_when_the_other_project_stops_its_outage_is_told(stack: Stack, apps: Path) -> None:
    other_project(stack, apps, "stop", "--timeout", "1")
    wait_for(lambda: ("ServiceDown", "shop") in stack.firing(), 60, "ServiceDown of shop")
