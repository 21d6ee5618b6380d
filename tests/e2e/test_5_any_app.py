"""Apps that are not ours, on three roads: another compose project, a process on the host, a public https address."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.stack import ENVIRONMENT, PROJECT, PUBLIC_NAME, Stack, image, wait_for

HOST_PORT = 18765
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
def apps(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The three apps, running, and services.yaml telling of them; the folder of the other compose project."""
    folder = tmp_path_factory.mktemp("shop")
    token = folder / "token"
    token.mkdir(mode=0o755)
    (token / "any_app_token").write_text("e2e-any-app-token")
    (stack.root / "secrets" / "any_app_token").write_text("e2e-any-app-token")
    folder.chmod(0o755)
    tests = stack.root / "tests"
    text = COMPOSE.format(
        project=PROJECT, image=image(stack, "PYTHON"), tests=tests, token=token, network=ENVIRONMENT["LOOKOUT_NETWORK"]
    )
    (folder / "compose.yaml").write_text(text)
    gateway = stack.must("docker", "network", "inspect", "bridge", "-f", "{{(index .IPAM.Config 0).Gateway}}").strip()
    on_host = subprocess.Popen(
        [sys.executable, "-m", "tests.e2e.app", "--host", gateway, "--port", str(HOST_PORT),
         "--token-file", str(token / "any_app_token")], cwd=stack.root, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    public = stack.must(
        "docker", "run", "--detach", "--network", ENVIRONMENT["LOOKOUT_NETWORK"], "--network-alias", PUBLIC_NAME,
        "--volume", f"{tests}:/srv/tests:ro", "--volume", f"{token}:/token:ro", "--volume", f"{stack.root}/ca:/ca:ro",
        "--workdir", "/srv", "--user", "65534:65534", image(stack, "PYTHON"),
        "python3", "-m", "tests.e2e.app", "--host", "0.0.0.0", "--port", "8443",
        "--token-file", "/token/any_app_token", "--certificate", "/ca/server.pem",
    ).strip()  # fmt: skip
    try:
        other_project(stack, folder, "up", "--detach")
        stack.edit("\nhosts:\n", f"{SERVICES}\nhosts:\n")
        stack.must("make", "apply")
        yield folder
    finally:
        other_project(stack, folder, "down", "--timeout", "1")
        stack.run("docker", "rm", "--force", "--volumes", public)
        on_host.terminate()
        on_host.wait(timeout=10)
        stack.edit(f"{SERVICES}\n", "\n")
        stack.must("make", "apply")


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
