"""The endpoint to the stack: who may reach what, with and without a domain.

The rendered file is adapted by Caddy itself where the pinned Caddy is at hand; what it does with requests is the
business of the end-to-end tests.
"""

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from generator.conventions import (
    SECRETS_MOUNT,
    WEB_HASH,
)
from generator.parts.table import PORTS
from generator.render.caddy.config import render_caddy
from generator.site.model import Logs, Service, Stack
from tests.unit.sites import STACK, make_service, make_site

PUBLIC = replace(
    STACK, domain="mon.acme.dev", base_url="https://mon.acme.dev", status_url="https://status.mon.acme.dev"
)
CADDY = sorted((Path.home() / ".cache/lookout/tools").glob("caddy-*/caddy"))


def caddyfile(stack: Stack = STACK, *services: Service) -> str:
    files = {artifact.path: artifact.content for artifact in render_caddy(make_site(*services, stack=stack))}
    return files["caddy/Caddyfile"]


def adapted(text: str, folder: Path) -> Any:
    """The JSON that Caddy makes of a Caddyfile."""
    if not CADDY:
        pytest.skip("no pinned caddy among the host tools; `make test` puts it there")
    (folder / "Caddyfile").write_text(text)
    command = [str(CADDY[-1]), "adapt", "--config", "Caddyfile", "--adapter", "caddyfile"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "not formatted" not in done.stderr
    return json.loads(done.stdout)


def listeners(config: Any) -> list[str]:
    return sorted(address for server in config["apps"]["http"]["servers"].values() for address in server["listen"])


def handlers(node: Any, kind: str) -> list[Any]:
    """Every handler of a kind, however deep it stands."""
    if isinstance(node, dict):
        found = [node] if node.get("handler") == kind else []
        return found + [each for value in node.values() for each in handlers(value, kind)]
    return [each for value in node for each in handlers(value, kind)] if isinstance(node, list) else []


def test_without_a_domain_only_the_local_endpoints_listen_and_nothing_asks_for_a_certificate(tmp_path: Path) -> None:
    config = adapted(caddyfile(), tmp_path)
    assert listeners(config) == [":2020", ":3001", ":8080"]
    assert all(server["automatic_https"] == {"disable": True} for server in config["apps"]["http"]["servers"].values())
    assert "tls" not in config["apps"]
    assert handlers(config, "authentication") == []


def test_with_a_domain_the_public_endpoint_has_tls_and_a_login_whose_hash_is_in_a_file(tmp_path: Path) -> None:
    config = adapted(caddyfile(PUBLIC), tmp_path)
    assert listeners(config) == [":2020", ":3001", ":443", ":80", ":8080"]
    (login,) = handlers(config, "authentication")
    (account,) = login["providers"]["http_basic"]["accounts"]
    assert account == {"username": "admin", "password": f"{{file.{SECRETS_MOUNT}/{WEB_HASH}}}"}


def test_the_public_login_stands_after_grafana_and_before_everything_else() -> None:
    public = caddyfile(PUBLIC).split("\nmon.acme.dev {")[1]
    order = [public.index(step) for step in ("import guard", "import grafana", "basic_auth", "import parts")]
    assert order == sorted(order)


PUSHING = make_service("mobile", logs=Logs("push"))


def test_pushed_lines_have_an_endpoint_only_when_a_service_pushes() -> None:
    assert "4318" not in caddyfile(PUBLIC) + caddyfile()
    assert "@push" not in caddyfile(PUBLIC)
    assert caddyfile(STACK, PUSHING).count("\t\timport push\n") == 1


def test_pushed_lines_come_in_before_the_login_with_their_own_token_and_never_in_the_clear(tmp_path: Path) -> None:
    text = caddyfile(PUBLIC, PUSHING)
    config = adapted(text, tmp_path)
    assert "collector:4318" in [each["upstreams"][0]["dial"] for each in handlers(config, "reverse_proxy")]
    public = text.split("\nmon.acme.dev {")[1]
    assert public.index("import push") < public.index("basic_auth")
    clear = text.split("\nhttp://mon.acme.dev, ")[1]
    assert clear.index("@push path /otlp/v1/logs") < clear.index("error @push 403") < clear.index("redir https://")


@pytest.mark.parametrize(
    "part", ["prometheus", "alertmanager", "grafana", "loki", "uptime-kuma"], ids=lambda part: f"{part} is reached"
)
def test_every_part_with_a_page_is_reached_at_the_port_it_listens_on(part: str, tmp_path: Path) -> None:
    proxies = handlers(adapted(caddyfile(), tmp_path), "reverse_proxy")
    dials = {upstream["dial"] for proxy in proxies for upstream in proxy["upstreams"]}
    assert f"{part}:{PORTS[part]}" in dials


def test_the_admin_endpoint_is_no_network_port(tmp_path: Path) -> None:
    assert adapted(caddyfile(), tmp_path)["admin"]["listen"].startswith("unix/")


def test_caddy_takes_the_rendered_public_site_with_a_hash_from_a_file(tmp_path: Path) -> None:
    """The placeholder is filled in when the configuration is loaded, so a wrong one is seen by `validate`."""
    secret = tmp_path / WEB_HASH
    secret.write_text(bcrypt.hashpw(b"open sesame", bcrypt.gensalt(4)).decode() + "\n")
    text = caddyfile(PUBLIC).replace(SECRETS_MOUNT, str(tmp_path))
    adapted(text, tmp_path)
    command = [str(CADDY[-1]), "validate", "--config", "Caddyfile", "--adapter", "caddyfile"]
    home = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    assert subprocess.run(command, cwd=tmp_path, env=home, capture_output=True, check=False).returncode == 0
    secret.unlink()
    done = subprocess.run(command, cwd=tmp_path, env=home, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "username and password are required" in done.stderr


def test_the_runbook_page_reads_files_without_filling_in_braces_that_are_the_runbooks_own() -> None:
    files = {artifact.path: artifact.content for artifact in render_caddy(make_site())}
    page = files["caddy/site/runbook.html"]
    assert "readFile" in page
    assert "include " not in page


def test_the_same_site_gives_the_same_bytes() -> None:
    assert render_caddy(make_site()) == render_caddy(make_site())
