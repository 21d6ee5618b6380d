"""Apps that are not ours, on three roads: another compose project, a process on the host, a public https address."""

import contextlib
import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.e2e.neighbour import LINE, THINGS, Attempt, attempts
from tests.e2e.stack import ENVIRONMENT, LANE, PROJECT, PUBLIC_NAME, Stack, image
from tests.support.waiting import until

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
    logs: push
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
    """The three apps, running, and services.yaml that declares them; the folder of the other compose project."""
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
    """A process on the host, listening where containers reach it and no one else does."""
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
    """Another user's compose project on the network `lookout`."""
    names = {"project": PROJECT, "image": image(stack, "PYTHON"), "network": ENVIRONMENT["LOOKOUT_NETWORK"]}
    (folder / "compose.yaml").write_text(COMPOSE.format(**names, tests=stack.root / "tests", token=token))
    cleanup.callback(other_project, stack, folder, "down", "--timeout", "1", "--volumes")
    other_project(stack, folder, "up", "--detach")


def other_project(stack: Stack, folder: Path, *arguments: str) -> None:
    """docker compose of another user's project: none of our environment applies to it."""
    environment = {key: value for key, value in stack.environment.items() if not key.startswith("COMPOSE_")}
    command = ["docker", "compose", "--file", str(folder / "compose.yaml"), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("service", ["shop", "hostapp", "public"])
def test_it_is_scraped_with_its_token(stack: Stack, apps: Path, service: str) -> None:
    until(lambda: stack.query(f'up{{service="{service}"}} == 1'), f"{service} is up", 60)
    # Its first request may come after the first scrape.
    served = f'http_requests_total{{service="{service}",status="200"}} > 0'
    until(lambda: stack.query(served), f"requests of {service} are counted", 60)


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
    until(lambda: stack.logs('{service_name="shop"}'), "a log line of the other project", 60)


def test_the_public_address_is_probed_over_verified_tls(stack: Stack, apps: Path) -> None:
    until(lambda: stack.query('probe_success{service="public"} == 1'), "the probe succeeds", 60)
    days = float(stack.query('probe_ssl_earliest_cert_expiry{service="public"} - time()')[0]["value"][1]) / 86400
    assert 80 < days < 91


def neighbour(stack: Stack, rows: list[Attempt]) -> list[str]:
    """What comes of attempts in a container on the apps' network that is no one's."""
    # Names that Docker does not know are not for the machine's resolvers to wait for.
    options = ("--network", ENVIRONMENT["LOOKOUT_NETWORK"], "--volume", f"{stack.root}/tests:/srv/tests:ro",
               "--dns-option", "timeout:1", "--dns-option", "attempts:1")  # fmt: skip
    command = ("docker", "run", "--rm", "--interactive", *options, "--workdir", "/srv", "--user", "65534:65534",
               image(stack, "PYTHON"), "python3", "-m", "tests.e2e.neighbour")  # fmt: skip
    done = subprocess.run(
        command, env=stack.environment, input=json.dumps(rows), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


def addresses(stack: Stack) -> dict[str, list[str]]:
    """Every address of every part; of the machine, those that a container finds; and the ports published on it."""
    form = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}"
    found = {
        name: stack.must("docker", "inspect", "--format", form, row["ID"]).split()
        for name, row in stack.services().items()
    }
    gateway = "{{range .IPAM.Config}}{{.Gateway}} {{end}}"
    networks = ("bridge", ENVIRONMENT["LOOKOUT_NETWORK"], f"{PROJECT}_core", f"{PROJECT}_edge")
    found["gateway"] = stack.must("docker", "network", "inspect", "--format", gateway, *networks).split()
    found["ports"] = [ENVIRONMENT[f"LOOKOUT_{name}"] for name in ("PORT", "KUMA_PORT", "DEMO_PORT")]
    return found


def test_a_container_beside_the_apps_gets_nothing_that_is_not_an_apps(stack: Stack, apps: Path) -> None:
    rows = attempts(addresses(stack))
    outcomes = list(zip(rows, neighbour(stack, rows), strict=True))
    allowed = [f"{row.sentence}: {outcome}" for row, outcome in outcomes if not outcome.startswith(row.right)]
    print(f"{len(THINGS)} things, {len(rows)} attempts, {len(rows) - len(allowed)} refused")
    assert allowed == []


def test_it_pushes_lines_with_a_token_and_reports_errors_with_a_key(stack: Stack, apps: Path) -> None:
    token = (stack.root / "secrets" / "public_logs_token").read_text().strip()
    dsn = urlsplit((stack.root / "secrets" / "shop_sentry_dsn").read_text().strip())
    report = f"POST /api{dsn.path}/store/?sentry_key={dsn.username}&sentry_version=7"
    event = json.dumps(
        {"event_id": uuid.uuid4().hex, "timestamp": time.time(), "platform": "python", "message": "beside"}
    )
    lines, reported = neighbour(stack, [
        Attempt("", "collector", 4318, "POST /v1/logs", ("200",), LINE, {"Authorization": f"Bearer {token}"}),
        Attempt("", "bugsink", 8000, report, ("200",), event),
    ])  # fmt: skip
    assert (lines[:3], reported[:3]) == ("200", "200"), (lines, reported)
    until(lambda: stack.logs('{service_name="public"} |= "from a neighbour"'), "the line that was pushed", 60)


def test_when_the_other_project_stops_its_outage_is_reported(stack: Stack, apps: Path) -> None:
    other_project(stack, apps, "stop", "--timeout", "1")
    until(lambda: ("ServiceDown", "shop") in stack.firing(), "ServiceDown of shop", 60)
