"""What `lookout connect` prints: by road, for the very service, and such that it runs when it is pasted."""

import asyncio
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from fastapi import FastAPI

from generator.site.model import Logs, PackInstance, Service
from generator.values.secret import SecretRef
from generator.verbs.connect.app import INSTRUMENTATOR
from generator.verbs.connect.lines import connect_lines
from generator.verbs.connect.push import PACKAGES
from tests.unit.sites import STACK, make_job, make_service, make_site

ROOT = "/srv/lookout"
TOKEN = SecretRef("api_metrics_token")


def app(address: str, scheme: str = "http", **overrides: Any) -> Service:
    job = make_job("api", targets=((address, address),), scheme=scheme)
    return make_service("api", **{"jobs": (job,), "token": TOKEN, **overrides})


def lines(service: Service) -> str:
    return connect_lines(make_site(service), service.name, ROOT)


def yaml_in(text: str) -> Any:
    """The compose snippet of an answer: the paragraph that begins with `services:`."""
    (snippet,) = (part for part in text.split("\n\n") if "\nservices:" in part)
    return yaml.safe_load(snippet)


def python_in(text: str) -> str:
    return text[text.index("# In the module") : text.index("# Then, here")]


def shell_in(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(("BRIDGE=", "SUBNET=", "curl", "fly ", "ufw", "apt"))]


def test_another_compose_project_joins_the_network_and_labels_its_lines() -> None:
    snippet = yaml_in(lines(app("api:8000")))
    part = snippet["services"]["api"]
    assert snippet["networks"] == {"lookout": {"external": True}}
    assert part["networks"] == ["default", "lookout"]
    assert part["logging"]["driver"] == "json-file"
    assert part["logging"]["options"]["labels"] == "com.docker.compose.service,com.docker.compose.project"
    assert part["logging"]["options"]["tag"] == "{{.Name}}"


def test_a_container_is_reported_where_its_token_is_and_never_what_it_is() -> None:
    part = yaml_in(lines(app("api:8000")))["services"]["api"]
    assert part["environment"] == {"METRICS_TOKEN_FILE": "/run/lookout/api_metrics_token"}
    assert part["volumes"] == [f"{ROOT}/secrets/.mounted/api:/run/lookout:ro"]
    assert "volumes" not in yaml_in(lines(app("api:8000", token=None)))["services"]["api"]


def test_an_app_with_the_library_is_reported_its_settings_and_all_of_its_secrets() -> None:
    text = lines(app("api:8000", kinds=("fastapi", "instrumentation")))
    part = yaml_in(text)["services"]["api"]
    assert part["environment"] == {
        "LOOKOUT_CONFIG": "/etc/lookout/api.json",
        "LOOKOUT_METRICS_TOKEN_FILE": "/run/lookout/api_metrics_token",
        "LOOKOUT_USER_HASH_KEY_FILE": "/run/lookout/user_hash_key",
    }
    assert part["volumes"] == [
        f"{ROOT}/instrumentation/services:/etc/lookout:ro",
        f"{ROOT}/secrets/.mounted/api:/run/lookout:ro",
    ]
    assert "from lookout_instrumentation.fastapi import init" in text


def test_a_process_with_the_library_is_handed_its_secrets_by_systemd() -> None:
    text = lines(app("host.docker.internal:8000", kinds=("http", "instrumentation")))
    assert f"Environment=LOOKOUT_CONFIG={ROOT}/instrumentation/services/api.json" in text
    assert f"LoadCredential=user_hash_key:{ROOT}/secrets/.mounted/api/user_hash_key" in text
    assert "Environment=LOOKOUT_METRICS_TOKEN_FILE=%d/api_metrics_token" in text


def test_a_container_under_another_name_is_warned_that_its_lines_are_under_that_name() -> None:
    text = lines(app("web:8000"))
    assert list(yaml_in(text)["services"]) == ["web"]
    assert 'service_name="web"' in text


def test_an_app_that_pushes_is_given_the_variables_that_its_library_reads() -> None:
    variables = yaml_in(lines(app("api:8000", logs=Logs("push"))))["services"]["api"]["environment"]
    assert variables["OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"] == "http://collector:4318/v1/logs"
    assert variables["OTEL_SERVICE_NAME"] == "api"
    assert variables["LOGS_TOKEN_FILE"] == "/run/lookout/api_logs_token"


def test_an_app_that_pushes_is_reported_where_to_from_where_it_is() -> None:
    """And of its token only the file's place."""
    roads = {
        "api:8000": ("http://collector:4318/v1/logs", "/run/lookout/api_logs_token"),
        "host.docker.internal:8765": (
            "http://127.0.0.1:8080/otlp/v1/logs",
            f"{ROOT}/secrets/.mounted/api/api_logs_token",
        ),
    }
    for target, (url, file) in roads.items():
        text = lines(app(target, logs=Logs("push")))
        assert f'OTLPLogExporter("{url}"' in text
        assert f"Bearer%20$(cat {file})" in text
        assert f"filename: {file}" in text
    assert f"LoadCredential=api_logs_token:{ROOT}/secrets/.mounted/api/api_logs_token" in text
    public = replace(STACK, domain="mon.acme.dev")
    service = app("shop.acme.dev:443", scheme="https", logs=Logs("push"))
    text = connect_lines(make_site(service, stack=public), "api", ROOT)
    assert 'OTLPLogExporter("https://mon.acme.dev/otlp/v1/logs"' in text
    assert f"# Copy {ROOT}/secrets/.mounted/api/api_logs_token to where the app is" in text


def test_the_printed_packages_are_those_that_the_tests_run_with() -> None:
    pinned = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert [package for package in PACKAGES if f'"{package}"' not in pinned] == []


def test_what_only_pushes_is_reported_no_more_than_that() -> None:
    text = lines(make_service("api", jobs=(), logs=Logs("push")))
    assert text.startswith("What api needs: it sends its lines.")
    assert "query=up" not in text


def test_a_process_on_the_machine_listens_where_containers_reach_it() -> None:
    text = lines(app("host.docker.internal:8765", logs=Logs("file", "/var/log/api/api.log")))
    assert '--bind "$BRIDGE:8765"' in text
    assert 'ufw allow proto tcp from "$SUBNET" to any port 8765' in text
    assert f"LoadCredential=api_metrics_token:{ROOT}/secrets/.mounted/api/api_metrics_token" in text
    assert "StandardOutput=append:/var/log/api/api.log" in text
    assert "mkdir -p /var/log/api\n" in text
    assert "services:" not in text


def test_localhost_is_put_right() -> None:
    assert "write host.docker.internal:8765" in lines(app("localhost:8765"))


def test_a_process_whose_lines_would_be_looked_for_in_docker_is_reported_so() -> None:
    assert "logs: {file: /var/log/api/api.log}" in lines(app("host.docker.internal:8765"))


def test_what_is_behind_https_gets_the_token_by_its_platform() -> None:
    text = lines(app("shop.acme.dev:443", scheme="https", logs=Logs("none")))
    assert f'METRICS_TOKEN="$(cat {ROOT}/secrets/.mounted/api/api_metrics_token)"' in text
    assert "https://shop.acme.dev:443/metrics | head" in text
    assert "services:" not in text and "BRIDGE" not in text


def test_lines_that_no_one_collects_are_said_to_be_so() -> None:
    assert "write logs: none" in lines(app("shop.acme.dev:443", scheme="https"))
    assert "or logs: none" in lines(app("shop.acme.dev:443", scheme="https", logs=Logs("push")))


def test_an_address_without_a_token_is_said_to_be_open() -> None:
    text = lines(app("shop.acme.dev:443", scheme="https", token=None))
    assert "metrics: {token: secret:api_metrics_token}" in text


def test_a_data_store_that_an_exporter_asks_only_joins_the_network() -> None:
    job = make_job("cache", targets=(("redis-exporter-cache:9121", "cache:6379"),))
    text = lines(make_service("cache", kinds=("redis",), jobs=(job,), targets=(), address="cache:6379"))
    assert list(yaml_in(text)["services"]) == ["cache"]
    assert "/metrics" not in text


@pytest.mark.parametrize(
    ("service", "reason"),
    [
        (make_service("web", url="https://acme.dev", jobs=()), "https://acme.dev"),
        (make_service("vps", kinds=("host",), targets=("node-exporter:9100",), jobs=(make_job("vps"),)), "by itself"),
        (make_service("lookout", kinds=("stack",), jobs=(make_job("loki"),)), "by itself"),
    ],
    ids=["what is only probed", "this machine", "the stack itself"],
)
def test_there_is_nothing_to_paste_for(service: Service, reason: str) -> None:
    assert "nothing to paste" in lines(service)
    assert reason in lines(service)


def test_another_machine_gets_a_node_exporter() -> None:
    job = make_job("vps2", targets=(("10.0.0.5:9100", "10.0.0.5:9100"),))
    text = lines(make_service("vps2", kinds=("host",), targets=("10.0.0.5:9100",), jobs=(job,)))
    assert "--web.listen-address=10.0.0.5:9100" in text


@pytest.mark.parametrize("address", ["api:8000", "host.docker.internal:8765", "10.0.0.5:80"])
def test_the_shell_lines_can_be_pasted(address: str) -> None:
    for line in shell_in(lines(app(address))):
        subprocess.run(["sh", "-n", "-c", line], check=True)


def test_every_answer_ends_with_how_to_see_that_it_works() -> None:
    assert lines(app("api:8000")).endswith("--data-urlencode 'query=up{service=\"api\"}'\n")


# --- FastAPI ------------------------------------------------------------------------------------------------


def ask(app: FastAPI, path: str, token: str = "") -> httpx2.Response:
    async def get() -> httpx2.Response:
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://api") as client:
            return await client.get(path, headers={"Authorization": f"Bearer {token}"} if token else {})

    return asyncio.run(get())


def test_the_lines_for_fastapi_run_and_print_what_the_pack_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packs = (PackInstance("http", {"latency_p95": 0.3}, alerts=(), records=(), rows=(), runbooks=()),)
    code = python_in(lines(app("api:8000", kinds=("fastapi",), packs=packs)))
    served = FastAPI()
    served.get("/items/{number}")(lambda number: {"number": number})
    exec(compile(code, "pasted", "exec"), {"app": served})
    assert ask(served, "/metrics").status_code == 401, "without a token it lets no one in"
    (tmp_path / "token").write_text("s3cret\n")
    monkeypatch.setenv("METRICS_TOKEN_FILE", str(tmp_path / "token"))
    assert ask(served, "/items/7").status_code == 200
    assert ask(served, "/metrics", "wrong").status_code == 401
    text = ask(served, "/metrics", "s3cret").text
    assert 'http_requests_total{handler="/items/{number}",method="GET",status="200"} 1.0' in text
    assert 'http_request_duration_seconds_bucket{handler="/items/{number}",le="0.3",method="GET"} 1.0' in text
    assert 'handler="/metrics"' not in text


def test_the_package_is_the_one_that_the_pack_was_written_for() -> None:
    pack = yaml.safe_load(Path("packs/fastapi/pack.yaml").read_text())
    name, version = INSTRUMENTATOR.split("==")
    assert {"exporter": name, "version": version}.items() <= pack["requires"][0].items()
