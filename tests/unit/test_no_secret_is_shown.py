"""Secrets of every kind, well-formed and not, go through all that reads them: no part of one is in anything that is
printed or rendered.

Values are planted by a seed. Hundreds of times as many with LOOKOUT_SOAK=1.
"""

import random
import string
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest

from generator.apply import kuma
from generator.apply import run as apply_run
from generator.apply.running import Running
from generator.cli import main
from generator.diagnostics import Diagnostic
from generator.kuma import KumaError
from generator.pipeline import Compiled, compile_text, resolve_text
from generator.report import render_text
from generator.secrets.files import form_problems
from generator.secrets.forms import FORMS
from generator.secrets.needed import needed_secrets
from generator.secrets.values import UnreadableSecret, decoded
from generator.site.model import Site
from generator.verbs import secrets, up
from generator.verbs import stages as verbs
from generator.verbs.backup import scratch
from generator.verbs.logs.user_hash import read_key
from tests.support.soak import size

ROOT = Path(__file__).resolve().parents[2]
SEEDS = size(6, 4000)
TEXT = """\
stack: {domain: mon.acme.dev, errors: bugsink}
people: {ana: {telegram: 1234567}}
channels:
  ops: {slack: {webhook: secret:slack_ops}}
  phone: {telegram: {chat: 1, token: secret:telegram_token}}
watchdog: {ping: secret:healthchecks_url}
services:
  api: {kind: [fastapi, instrumentation], targets: ["api:80"], metrics: {token: secret:api_token}, logs: push,
        secrets: [secret:own_key, secret:db_dsn]}
  edge: {kind: http, targets: ["https://edge.acme.dev"],
         metrics: {basic_auth: {username: u, password: secret:edge_password}, tls: {ca: secret:edge_ca}},
         errors: {dsn: secret:edge_dsn}}
  db: {kind: postgres, address: "db:5432", dsn: secret:db_dsn}
  remote: {kind: postgres, address: "db.acme.dev:5432", dsn: secret:remote_dsn, tls: {ca: secret:edge_ca}}
  cache: {kind: redis, address: "c.acme.dev:6379", tls: true, user: app, password: secret:cache_password}
"""
ODD = ("", "℀", "]", "[", " ", "#", "?", "%", "/", "@", ":", "\\", "'", '"', "$", "`", "\n", "\r\n", "\0", "%zz", "%00",
       "%ff", "{key}", "<<", "}}", "\t", "=", "&", "|^[", "ü", "\u202e", "::", "//", "[::1", "@[", "]:")  # fmt: skip
AROUND = ("{}", "{}\n", '"{}"\n', "\ufeff{}\r\n", "NAME={}", "  {}", "'{}'", "{}\n{}")
# By form, what a value is made of: {} is a part that is planted.
SHAPES = {
    "slack-webhook": ("https://hooks.slack.com/services/T0/B0/{}", "https://discord.com/api/webhooks/1/{}", "http://h/{}"),
    "telegram-token": ("123456789:{0}{1}{2}{0}", "-100{}", "https://api.telegram.org/bot{}"),
    "ping": ("https://hc-ping.com/{}", "http://hc-ping.com/{}", "https://u:{}@h/x"),
    "postgres-dsn": ("postgresql://{}:{}@db:5432/app", "postgres://u:{}@{}:5432/{}?sslmode={}", "host=db password={}",
                     "postgresql://u:{}@db.acme.dev/x?sslmode=disable&sslrootcert={}", "mysql://a:{}@b/c"),
    "sentry-dsn": ("https://{}@sentry.io/1", "http://{}:{}@h/{}", "https://{}"),
    "token": ("{}", "Bearer {}"),
    "key": ("{}{}",),
    "password": ("{}", "{}{}"),
    "web-password": ("{}", "{0}{0}{0}{0}{0}{0}{0}{0}"),
    "certificate": ("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----", "-----BEGIN PRIVATE KEY-----\n{}"),
    "text": ("{}", "{}\n{}"),
}  # fmt: skip


class Planter:
    """Makes values, and remembers the parts that may not be seen again."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.parts: list[str] = []

    def part(self, plain: bool) -> str:
        """Twelve letters with something odd in the middle; half of them are remembered as what may not be shown."""
        word = "".join(self.random.choices(string.ascii_letters + string.digits, k=12))
        self.parts += [word[:6], word[6:]]
        return word if plain else word[:6] + self.random.choice(ODD) + word[6:]

    def value(self, form: str) -> bytes:
        plain = self.random.random() < 0.4
        shape = self.random.choice(SHAPES[form])
        text = shape.format(*(self.part(plain) for _ in range(4)))
        around = "{}\n" if plain else self.random.choice(AROUND)
        whole = around.replace("{}", text)
        if self.random.random() < 0.05:
            return whole.encode() + b"\xff\xfe"
        return whole.encode(self.random.choice(("utf-8", "utf-8", "utf-16")) if not plain else "utf-8")


@cache
def compiled() -> Compiled:
    return compile_text(TEXT, "services.yaml")


@cache
def resolved() -> tuple[Site, tuple[Diagnostic, ...]]:
    return resolve_text(TEXT, "services.yaml")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An installation without Docker whose compiler runs once for all seeds."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "services.yaml").write_text(TEXT)
    (tmp_path / "secrets").mkdir(mode=0o700)
    for module in (verbs, up):
        monkeypatch.setattr(module, "check_tree", lambda *_: [])
        monkeypatch.setattr(module, "compile_file", lambda _: compiled())
    monkeypatch.setattr(verbs, "resolve_text", lambda *_: resolved())
    monkeypatch.setattr(secrets, "resolve_text", lambda *_: resolved())
    monkeypatch.setattr(apply_run, "running_services", lambda _: frozenset())
    yield tmp_path


def verbs_that_read() -> dict[str, Callable[[], object]]:
    """What reads secrets, or is near them."""
    root = Path.cwd()
    running = apply_run.running_stack(root, resolved()[0], compiled().artifacts)
    refused = subprocess.CompletedProcess(("docker",), 1, "", "refused")
    return {
        "make secrets": lambda: secrets.main([]),
        "up prepare": lambda: up.main(["prepare"]),
        "up follow": lambda: up.main(["follow"]),
        "check": lambda: main(["check"]),
        "plan": lambda: main(["plan"]),
        "apply": lambda: main(["apply"]),
        "apply for machines": lambda: main(["apply", "--json"]),
        "connect db": lambda: main(["connect", "db"]),
        "connect remote": lambda: main(["connect", "remote"]),
        "connect cache": lambda: main(["connect", "cache"]),
        "connect api": lambda: main(["connect", "api"]),
        "logs of a user": lambda: main(["logs", "--user", "ana"]),
        "the key of users": lambda: read_key(root),
        "monitors": lambda: print(*kuma.apply(running)),
        "the error tracker": lambda: print(*_bugsink(running, refused)),
        "backup-check": lambda: main(["backup-check", "db", "dumps"]),
    }


def _bugsink(running: Running, refused: "subprocess.CompletedProcess[str]") -> list[object]:
    from generator import bugsink as errors

    try:
        return [errors.apply(running.site, running.root / "secrets", lambda *_: refused)]
    except errors.BugsinkError as error:
        return [error.message, error.hint]


def test_every_form_has_a_shape() -> None:
    assert list(SHAPES) == [form.name for form in FORMS]


def test_no_refusal_of_a_value_holds_a_part_of_it() -> None:
    """The same without the verbs around it, so that many more can be tried."""
    needed = needed_secrets(resolved()[0])
    taken = refused = 0
    for seed in range(SEEDS * 60):
        planter = Planter(seed)
        for secret in needed:
            content = planter.value(next((name for name in secret.forms if name != "text"), "text"))
            try:
                value = decoded(content)
            except UnreadableSecret as error:
                said = str(error)
            else:
                said = render_text(form_problems(secret, value), {})
            taken, refused = taken + (not said), refused + bool(said)
            assert not any(part in said for part in planter.parts), (seed, secret.name, said)
    assert taken > SEEDS * 60 and refused > SEEDS * 60


def test_no_part_of_a_secret_is_printed_or_rendered(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "dumps").mkdir()
    (place / "dumps/db.dump").write_bytes(b"PGDMP")
    monkeypatch.setattr(scratch, "image_of", lambda _: "none")
    monkeypatch.setenv("LOKI_ADDR", "http://127.0.0.1:9")
    monkeypatch.setattr(kuma, "apply_kuma", lambda url, folder, monitors, force: _kuma_secrets(folder))
    taken = refused = 0
    needed = needed_secrets(resolved()[0])
    for seed in range(SEEDS):
        planter = Planter(seed)
        for secret in needed:
            form = next((name for name in secret.forms if name != "text"), "text")
            # A few at a time, or one that is refused hides what the others do.
            if planter.random.random() < (1.0 if seed % 4 == 0 else 0.2):
                (place / "secrets" / secret.name).write_bytes(planter.value(form))
            else:
                (place / "secrets" / secret.name).unlink(missing_ok=True)
        for name, run in verbs_that_read().items():
            code: object = None
            try:
                code = run()
            except SystemExit as left:
                code = left.code
            except Exception as error:
                code = 1
                print(error)
            shown = "".join(capsys.readouterr())
            assert "internal error" not in shown and "Traceback" not in shown, (seed, name, shown)
            for part in planter.parts:
                assert part not in shown, (seed, name, shown)
            taken, refused = taken + (name == "apply" and not code), refused + (name == "apply" and bool(code))
        _nothing_rendered(place, planter, seed)
    assert taken and refused, "both ends have to be tried"


def _kuma_secrets(folder: Path) -> object:
    """What the reconciler of Uptime Kuma reads, without a server."""
    from generator.kuma.secrets import read_secret

    for name in ("kuma_admin_password", "slack_ops", "telegram_token", "kuma_api_key"):
        with suppress(KeyError):
            print(repr(read_secret(folder, name, "Uptime Kuma")))
    raise KumaError("no server")


def _nothing_rendered(place: Path, planter: Planter, seed: int) -> None:
    for path in place.rglob("*"):
        if path.is_file() and "secrets" not in path.relative_to(place).parts:
            text = path.read_text(encoding="utf-8", errors="replace")
            assert not any(part in text for part in planter.parts), (seed, path)


def test_a_dump_that_fails_names_its_command_and_no_argument(tmp_path: Path) -> None:
    command = [str(ROOT / "scripts/dump.sh"), "db", str(tmp_path), "true", "postgresql://u:planted@db/x"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "the command printed nothing: true" in done.stderr
    assert "planted" not in done.stdout + done.stderr
