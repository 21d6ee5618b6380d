"""How what is watched is reached: managed stores over TLS, logins of endpoints, what may not travel unencrypted, and
the names of secrets that are taken."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.diagnostics import Diagnostic, Problems
from generator.parts.secrets import STACK_SECRETS
from generator.pipeline import Compiled, compile_text, resolve_text
from generator.report import render_text
from generator.secrets.files import ensure_secrets, missing_secrets
from generator.site.model import Service, Tls
from generator.verbs.connect.lines import connect_lines

HEAD = "channels: {ops: {slack: {webhook: secret:slack_ops}}}\nservices:\n"
CACHE = '  cache: {kind: redis, address: "%s", %s}\n'
REMOTE = "eu1.example.net:6379"


def compiled_of(services: str) -> Compiled:
    return compile_text(HEAD + services, "services.yaml")


def service_of(services: str, name: str) -> Service:
    return next(each for each in resolve_text(HEAD + services, "services.yaml")[0].services if each.name == name)


def problems_of(text: str) -> tuple[Diagnostic, ...]:
    try:
        return resolve_text(text, "services.yaml")[1]
    except Problems as problems:
        return problems.diagnostics


def only(services: str, code: str) -> Diagnostic:
    (found,) = (each for each in problems_of(HEAD + services) if each.code == code)
    return found


def exporter_of(compiled: Compiled, name: str) -> dict[str, Any]:
    text = next(each.content for each in compiled.artifacts if each.path == "compose.rendered.yaml")
    service: dict[str, Any] = yaml.safe_load(text)["services"][name]
    return service


def rendered(compiled: Compiled, path: str) -> Any:
    return yaml.safe_load(next(each.content for each in compiled.artifacts if each.path == path))


def test_a_managed_redis_is_asked_over_tls_as_its_user_with_the_password_in_a_file(tmp_path: Path) -> None:
    compiled = compiled_of(CACHE % (REMOTE, "tls: true, user: default, password: secret:cache_password"))
    environment = exporter_of(compiled, "redis-exporter-cache")["environment"]
    assert {name: value for name, value in environment.items() if not name.startswith(("REDIS_EXPORTER", "GOMEM"))} == {
        "REDIS_ADDR": f"rediss://{REMOTE}",
        "REDIS_USER": "default",
        "REDIS_PASSWORD_FILE": "/run/secrets/password.by_address",
    }
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/cache_password").write_text('\ufeff"pa$$ w@rd"\r\n')
    ensure_secrets(compiled.site, tmp_path)
    given = tmp_path / "secrets/.mounted/redis-exporter-cache/password.by_address"
    assert json.loads(given.read_text()) == {f"rediss://default@{REMOTE}": "pa$$ w@rd"}


@pytest.mark.parametrize(
    ("address", "more", "expected"),
    [
        ("rediss://redis.acme.dev:6380", "", ("redis.acme.dev:6380", "", Tls())),
        ("rediss://redis.acme.dev/0", "", ("redis.acme.dev:6379", "", Tls())),
        ("rediss://app@redis.acme.dev:6380/3", "", ("redis.acme.dev:6380", "app", Tls())),
        ("rediss://[fd00::4]", "user: app", ("[fd00::4]:6379", "app", Tls())),
        ("redis://cache:6379", "", ("cache:6379", "", None)),
        ("10.0.0.5:6379", "", ("10.0.0.5:6379", "", None)),
    ],
)
def test_an_address_as_its_provider_shows_it_is_the_same(address: str, more: str, expected: tuple[Any, ...]) -> None:
    service = service_of(CACHE % (address, f"{more}, password: secret:p".strip(", ")), "cache")
    assert (service.address, service.user, service.tls) == expected


def test_an_authority_of_ones_own_is_given_to_the_exporter(tmp_path: Path) -> None:
    services = CACHE % ("10.0.0.5:6379", "tls: {ca: secret:own_ca}, password: secret:p")
    services += '  db: {kind: postgres, address: "10.0.0.6:5432", dsn: secret:db_dsn, tls: {ca: secret:own_ca}}\n'
    compiled = compiled_of(services)
    assert "own_ca" in {secret.name for secret in missing_secrets(compiled.site, tmp_path)}
    (tmp_path / "secrets").mkdir()
    pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    (tmp_path / "secrets/own_ca").write_text(pem)
    ensure_secrets(compiled.site, tmp_path)
    for exporter in ("redis-exporter-cache", "postgres-exporter-db"):
        assert (tmp_path / "secrets/.mounted" / exporter / "tls.ca").read_text() == pem
    environment = exporter_of(compiled, "redis-exporter-cache")["environment"]
    assert environment["REDIS_EXPORTER_TLS_CA_CERT_FILE"] == "/run/secrets/tls.ca"
    address = (tmp_path / "secrets/.mounted/postgres-exporter-db/dsn.address").read_text()
    assert address.endswith("sslmode=verify-full&sslrootcert=%2Frun%2Fsecrets%2Ftls.ca")


@pytest.mark.parametrize(
    "address", [REMOTE, "8.8.8.8:6379", "[2606:4700::1]:6379", "redis://redis.acme.dev", "db.internal:1"]
)
def test_a_password_in_plain_text_beyond_local_addresses_is_refused_with_both_ways_out(address: str) -> None:
    problem = only(CACHE % (address, "password: secret:p"), "spec/plain-token")
    assert problem.level == "error"
    assert "tls: true" in problem.hint and 'insecure: "why' in problem.hint


@pytest.mark.parametrize(
    "address", ["cache:6379", "10.0.0.5:6379", "[fd00::4]:6379", "100.64.0.9:6379", "localhost:6379"]
)
def test_to_a_local_address_it_may_travel(address: str) -> None:
    assert problems_of(HEAD + CACHE % (address, "password: secret:p")) == ()


def test_a_reason_lets_it_travel_and_every_check_repeats_it() -> None:
    services = CACHE % (REMOTE, 'password: secret:p, insecure: "over our WireGuard"')
    problem = only(services, "spec/insecure")
    assert problem.level == "warning" and problem.message.endswith(": over our WireGuard")
    assert problem.span and problem.span.line == 3


def test_a_reason_without_a_cause_or_without_words_is_refused() -> None:
    assert (
        "leave insecure out"
        in only(CACHE % ("cache:6379", 'password: secret:p, insecure: "why"'), "spec/bad-value").message
    )
    assert "say why" in only(CACHE % (REMOTE, "password: secret:p, insecure: true"), "spec/wrong-type").message


def test_tokens_passwords_of_endpoints_and_bots_are_held_to_the_same() -> None:
    app = '  api: {kind: http, targets: ["http://api.acme.dev:80"], metrics: {%s}%s}\n'
    basic = "basic_auth: {username: prom, password: secret:p}"
    assert "the token" in only(app % ("token: secret:t", ""), "spec/plain-token").message
    assert "the password" in only(app % (basic, ""), "spec/plain-token").message
    assert only(app % (basic, ", insecure: a tunnel"), "spec/insecure").level == "warning"
    unverified = app.replace("http://api.acme.dev:80", "https://api.acme.dev") % (
        f"{basic}, tls: {{insecure: true}}",
        "",
    )
    assert "without a check of its certificate" in only(unverified, "spec/plain-token").message
    bot = "channels: {phone: {telegram: {chat: 1, api: 'http://bot.acme.dev'%s}}}\nservices:\n" + CACHE % (
        "cache:1",
        "",
    )
    bot = bot.replace(", }", "}")
    assert [each.code for each in problems_of(bot % "")] == ["spec/plain-token"]
    assert [each.code for each in problems_of(bot % ", insecure: a tunnel")] == ["spec/insecure"]
    assert problems_of(bot.replace("bot.acme.dev", "receivers:8080") % "") == ()


def test_basic_auth_and_tls_of_an_endpoint_are_rendered() -> None:
    metrics = "basic_auth: {username: prom, password: secret:p}, tls: {ca: secret:edge_ca, server_name: edge.acme.dev}"
    text = f'  api: {{kind: fastapi, targets: ["https://10.0.0.5:8443"], metrics: {{{metrics}}}}}\n'
    jobs = rendered(compiled_of(text), "prometheus/prometheus.yml")["scrape_configs"]
    job = next(each for each in jobs if each["job_name"] == "api")
    assert job["basic_auth"] == {"username": "prom", "password_file": "/run/secrets/p"}
    assert job["tls_config"] == {"ca_file": "/run/secrets/edge_ca", "server_name": "edge.acme.dev"}
    skipped = text.replace("ca: secret:edge_ca, server_name: edge.acme.dev", "insecure: true")
    jobs = rendered(compiled_of(skipped), "prometheus/prometheus.yml")["scrape_configs"]
    assert next(each for each in jobs if each["job_name"] == "api")["tls_config"] == {"insecure_skip_verify": True}


def test_connect_asks_an_endpoint_with_basic_auth_as_prometheus_does() -> None:
    metrics = "basic_auth: {username: prom, password: secret:p}"
    text = f'  edge: {{kind: http, targets: ["https://edge.acme.dev"], metrics: {{{metrics}}}}}\n'
    printed = connect_lines(resolve_text(HEAD + text, "services.yaml")[0], "edge", "/srv")
    assert 'curl -fsS -u "prom:$(cat /srv/secrets/.mounted/prometheus/p)" https://edge.acme.dev:443/metrics' in printed
    assert "without a token" not in printed


def test_statuses_that_a_probe_expects_are_a_module_and_a_monitor_of_their_own() -> None:
    text = "  c: {kind: probe, targets: [https://acme.dev/login], expect: [401, 200]}\n"
    text += "  d: {kind: http, targets: [d:8000], url: https://acme.dev/old, expect: [301]}\n"
    compiled = compiled_of(text)
    modules = rendered(compiled, "prometheus/blackbox.yml")["modules"]
    assert modules["http_200_401"]["http"]["valid_status_codes"] == [200, 401]
    assert modules["http_200_401"]["http"]["follow_redirects"] is True
    assert modules["http_301"]["http"]["follow_redirects"] is False
    assert "valid_status_codes" not in modules["http_2xx"]["http"]
    monitors = {each["name"]: each for each in rendered(compiled, "uptime-kuma/monitors.json")["monitors"]}
    assert monitors["c"]["accepted_statuscodes"] == ["200", "401"]
    assert (
        "probed over http"
        in only("  c: {kind: probe, targets: [tcp://db:1], expect: [200]}\n", "spec/bad-value").message
    )


@pytest.mark.parametrize(
    ("services", "said"),
    [
        ('  edge: {kind: http, targets: ["https://scraper:s3cretpw@edge.acme.dev/metrics"]}\n', "basic_auth"),
        ('  edge: {kind: http, targets: ["scraper:s3cretpw@edge:80"]}\n', "basic_auth"),
        ('  c: {kind: redis, address: "rediss://default:s3cretpw@redis.acme.dev:6380/0"}\n', "password: secret:NAME"),
        ('  c: {kind: redis, address: "default:s3cretpw@redis:6380"}\n', "password: secret:NAME"),
        ('  d: {kind: postgres, address: "postgresql://u:s3cretpw@db:5432/x", dsn: secret:d}\n', "dsn: secret:NAME"),
        ('  p: {kind: probe, targets: ["https://u:s3cretpw@acme.dev"]}\n', "expect"),
        ('  p: {kind: http, targets: [p:80], url: "https://u:s3cretpw@acme.dev"}\n', "expect"),
        ('  p: {kind: http, targets: [p:80], url: "ftp://u:s3cretpw@acme.dev"}\n', ""),
        ('  p: {kind: http, targets: ["https://u:s3cretpw/x@acme.dev"]}\n', "basic_auth"),
        ('  p: {kind: redis, address: "p:80", pasword: s3cretpw}\n', ""),
        ('  p: {kind: redis, adress: "p:80", password: s3cretpw}\n', ""),
        ('  p: {kind: redis, address: "p:80", password: "s3cretpw}\n', ""),
    ],
)
def test_a_login_that_was_typed_into_services_yaml_is_refused_and_not_shown(services: str, said: str) -> None:
    text = HEAD + services
    found = problems_of(text)
    assert any(each.level == "error" for each in found)
    printed = render_text(found, {"services.yaml": text})
    assert "s3cret" not in printed
    assert said in printed


RESERVED_PLACES = (
    "  api: {kind: http, targets: [api:80], secrets: [secret:%s]}\n",
    "  api: {kind: http, targets: [api:80], metrics: {token: secret:%s}}\n",
    "  api: {kind: http, targets: [api:80], metrics: {basic_auth: {username: a, password: secret:%s}}}\n",
    "  api: {kind: http, targets: [api:80], errors: {dsn: secret:%s}}\n",
    "  c: {kind: redis, address: 'c:1', password: secret:%s}\n",
    "  c: {kind: redis, address: 'c:1', tls: {ca: secret:%s}}\n",
    "  d: {kind: postgres, address: 'd:1', dsn: secret:%s}\n",
)


@pytest.mark.parametrize("secret", STACK_SECRETS, ids=lambda secret: secret.name)
@pytest.mark.parametrize("place", RESERVED_PLACES)
def test_the_names_of_the_stacks_own_secrets_are_refused_everywhere(place: str, secret: Any) -> None:
    problem = only(place % secret.name, "spec/reserved-name")
    assert secret.name in problem.message
    other = problem.hint.removeprefix("write secret:")
    assert other != secret.name
    assert not [each for each in problems_of(HEAD + place % other) if each.level == "error"]


def test_what_is_made_for_another_service_is_not_for_the_taking() -> None:
    text = "stack: {errors: bugsink}\n" + HEAD
    text += "  bot: {kind: http, targets: [bot:80], logs: push}\n"
    text += "  api: {kind: http, targets: [api:80], secrets: [secret:bot_logs_token, secret:bot_sentry_dsn]}\n"
    assert [each.code for each in problems_of(text)] == ["spec/reserved-name"] * 2
    own = "channels: {ops: {slack: {webhook: secret:grafana_admin_password}}}\nservices: {}\n"
    assert [each.code for each in problems_of(own)] == ["spec/reserved-name"]


MANAGED = (
    CACHE % (REMOTE, "tls: true, user: default, password: secret:p")
    + '  db: {kind: postgres, address: "db.eu1.example.net:5432", dsn: secret:db_dsn}\n'
)


@pytest.mark.parametrize("name", ["cache", "db"])
def test_of_a_managed_store_nothing_is_said_of_docker_or_a_firewall_of_ones_own(name: str) -> None:
    site = resolve_text(HEAD + MANAGED, "services.yaml")[0]
    service = next(each for each in site.services if each.name == name)
    texts = [
        runbook.markdown for pack in service.packs for runbook in pack.runbooks if pack.pack in ("redis", "postgres")
    ]
    texts.append(connect_lines(site, name))
    for text in texts:
        assert "docker exec" not in text and "ufw" not in text
        assert f"compose.service={name}" not in text
    assert "over TLS" in texts[-1]
    client = "redis-cli -h eu1.example.net -p 6379 --tls --user default" if name == "cache" else "sslmode=require"
    assert any(client in text for text in texts[:-1])


@pytest.mark.parametrize("field", ["user: x", "tls: true", "password: secret:p", "dsn: secret:d"])
def test_what_no_exporter_reads_is_refused(field: str) -> None:
    problem = only(f"  api: {{kind: http, targets: ['api:80'], {field}}}\n", "spec/bad-value")
    assert "reads a" in problem.message
