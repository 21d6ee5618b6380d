"""Real certificates, short and long, before the real prober: what it says of them, and which alert that is."""

import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from generator.packs import load_packs
from generator.pipeline import compile_text
from tests.e2e.certificates import make_authority
from tests.support import tools
from tests.support.servers import free_port
from tests.support.waiting import until

DAY = 86_400
SITE = "services: {web: {kind: probe, targets: ['https://web.acme.dev', 'tls://web.acme.dev:443']}}\n"


class Answer(BaseHTTPRequestHandler):
    """200, and no word about it."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the rendered modules, certificates for some days each, and all their authorities in one file."""
    folder = tmp_path_factory.mktemp("certificates")
    rendered = {artifact.path: artifact.content for artifact in compile_text(SITE, "services.yaml").artifacts}
    (folder / "blackbox.yml").write_text(rendered["prometheus/blackbox.yml"])
    for days in (1, 5, 14, 60):
        make_authority(folder / str(days), "localhost", str(days))
    (folder / "ca.pem").write_text("".join((path / "ca.pem").read_text() for path in folder.iterdir() if path.is_dir()))
    for path in (folder, *folder.parents[:2]):
        path.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def prober(authorities: Path) -> Iterator[str]:
    """The blackbox exporter, which trusts these authorities."""
    port = free_port()
    container = f"lookout-test-prober-{port}"
    started = tools.docker(
        "run", "--detach", "--network", "host", "--name", container, "--env", "SSL_CERT_FILE=/test/ca.pem",
        "--volume", f"{authorities}:/test:ro", tools.image("blackbox-exporter"),
        "--config.file=/test/blackbox.yml", f"--web.listen-address=127.0.0.1:{port}",
    )  # fmt: skip
    assert started.returncode == 0, started.stderr
    try:
        until(lambda: _answers(f"http://127.0.0.1:{port}/-/healthy"), "the blackbox exporter")
        yield f"http://127.0.0.1:{port}/probe"
    finally:
        tools.docker("rm", "--force", container)


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).status_code == 200
    except requests.RequestException:
        return False


@pytest.fixture
def serve(authorities: Path) -> Iterator["Serve"]:
    servers = Serve(authorities)
    yield servers
    servers.close()


class Serve:
    """Servers with a certificate for so many days; called with them, the port of one."""

    def __init__(self, authorities: Path) -> None:
        self.authorities = authorities
        self.running: list[ThreadingHTTPServer] = []

    def __call__(self, days: int) -> int:
        server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.authorities / str(days) / "server.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.running.append(server)
        return int(server.server_address[1])

    def close(self) -> None:
        for server in self.running:
            server.shutdown()
            server.server_close()


def probe(prober: str, module: str, target: str) -> dict[str, float]:
    page = requests.get(prober, params={"module": module, "target": target}, timeout=60).text
    return {s.name: s.value for family in text_string_to_metric_families(page) for s in family.samples if not s.labels}


@pytest.mark.parametrize(
    ("days", "reported"),
    [(1, {"warning", "critical"}), (5, {"warning", "critical"}), (14, {"warning"}), (60, set())],
    ids=["a day", "five days", "two weeks", "two months"],
)
@pytest.mark.parametrize("module", ["http_2xx", "tls"])
def test_a_short_certificate_is_reported_by_how_short_it_is(
    prober: str, serve: Serve, module: str, days: int, reported: set[str]
) -> None:
    address = f"localhost:{serve(days)}"
    found = probe(prober, module, f"https://{address}" if module == "http_2xx" else address)
    assert found["probe_success"] == 1
    left = found["probe_ssl_earliest_cert_expiry"] - time.time()
    assert (days - 0.1) * DAY < left <= days * DAY
    params = load_packs()["probe"].params
    assert {name for name in ("warning", "critical") if left < float(params[f"certificate_{name}"].default)} == reported
