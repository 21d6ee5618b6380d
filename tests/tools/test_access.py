"""Who may reach what through Caddy: the real one, with the Caddyfile as it is rendered, request by request.

And that each line of it counts: it is taken away, in turn, and then at least one request of the table comes out wrong.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import pytest

from generator.conventions import DELIVERY_FILE
from generator.render.caddy.config import render_caddy
from generator.site.model import Logs
from tests.tools.access_table import DOMAIN, KUMA, LOCAL, STATUS, Row, local_rows, public_rows
from tests.tools.caddy_lab import HTTPS, CaddyLab, Request, caddy_lab
from tests.unit.sites import STACK, make_service, make_site

# Lines that guard nothing, and what they are for.
NO_GUARD: Final = {
    "persist_config off": "the root file system is read-only",
    "metrics": "counts requests",
    "metrics /metrics": "counts requests",
    "respond /healthz 200": "what Caddy answers anyway",
    "respond /config SEAL": "what it has loaded, for `lookout plan`",
    "encode zstd gzip": "speed",
    "handle_errors {": "what an error's page says",
    "@unreachable expression {err.status_code} in [502, 503, 504]": "what an error's page says",
    'respond @unreachable "This part does not answer, or is not installed here: see make status." {err.status_code}':
        "what an error's page says",
    'respond "{err.status_code} {err.status_text}" {err.status_code}': "what an error's page says",
}  # fmt: skip
# Without it Caddy's admin endpoint is a port, and this lab loses it: tests/unit/test_render_caddy.py looks at the line.
ADMIN: Final = "admin unix/"
HEADERS: Final = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "SAMEORIGIN"),
    ("Referrer-Policy", "same-origin"),
    ("Server", None),
)
_STRICT: Final = (("Strict-Transport-Security", "max-age=31536000"),)
_PAGES: Final = {
    "/runbooks/api": (
        ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:"),
    ),
    "/": (
        ("Content-Security-Policy", "default-src 'self'; img-src data:; base-uri 'none'; form-action 'none'"),
        ("Cache-Control", "no-cache"),
    ),
    f"/{DELIVERY_FILE}": (("Cache-Control", "no-store"),),
}
_LOCAL_PAGES: Final = (
    (LOCAL, "localhost", "/grafana/"),
    *((LOCAL, "localhost", path) for path in _PAGES),
    (KUMA, "localhost", "/"),
)
_PUBLIC_PAGES: Final = ((HTTPS, DOMAIN, "/grafana/"), (HTTPS, STATUS, "/"))


def caddyfile(domain: str) -> str:
    stack = replace(STACK, errors=True, domain=domain, base_url=f"https://{domain}" if domain else STACK.base_url)
    site = make_site(make_service("mobile", logs=Logs("push")), stack=stack)
    return re.sub(r"sha256-[0-9a-f]+", "SEAL", render_caddy(site)[0].content)


@pytest.fixture(scope="module")
def caddy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CaddyLab]:
    folder = tmp_path_factory.mktemp("access")
    for path, text in (("site/index.html", "home"), ("site/runbook.html", render_caddy(make_site())[1].content)):
        (folder / "srv" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "srv" / path).write_text(text)
    (folder / DELIVERY_FILE).write_text("delivery")
    (folder / "srv/runbooks").mkdir(parents=True)
    (folder / "srv/runbooks/api.md").write_text('# api\n\n<a id="ServiceDown"></a>\n\n## ServiceDown\n')
    (folder / "srv/runbooks/README.md").write_text("# All runbooks\n\n[api](api.md)\n")
    with caddy_lab(folder) as lab:
        yield lab


def outcome(caddy: CaddyLab, request: Request, word: str = "") -> str:
    """What the part saw that was reached; else the status, and `word` if it is on the page."""
    response = caddy.send(request)
    return response.seen or f"{response.status} {word if word in response.body else ''}".rstrip()


def wrong(caddy: CaddyLab, rows: list[Row]) -> Iterator[str]:
    """What is not as the table has it; lazily, since the first is enough to know."""
    for sentence, request, expected in rows:
        if (found := outcome(caddy, request, expected.partition(" ")[2])) != expected:
            yield f"{sentence}: {found}, not {expected}"
    yield from bare(caddy, public=len(rows) == len(PUBLIC))


def bare(caddy: CaddyLab, *, public: bool) -> Iterator[str]:
    """Endpoints whose answers lack a header that browsers obey, or say which server it is."""
    for port, host, path in [*_LOCAL_PAGES, *(_PUBLIC_PAGES if public else ())]:
        got = caddy.send(Request(port, host, "GET", path)).headers
        wanted = [*HEADERS, *(_STRICT if port == HTTPS else ()), *(_PAGES.get(path, ()) if port == LOCAL else ())]
        yield from [f"{host}{path}: {name} is {got.get(name)}" for name, value in wanted if got.get(name) != value]


LOCALLY: Final = local_rows()
PUBLIC: Final = [*LOCALLY, *public_rows()]


@pytest.mark.parametrize(("domain", "rows"), [("", LOCALLY), (DOMAIN, PUBLIC)], ids=["without a domain", "with one"])
def test_every_request_of_the_table_is_answered_as_it_says(caddy: CaddyLab, domain: str, rows: list[Row]) -> None:
    assert caddy.load(caddyfile(domain)) == ""
    print(f"{len(rows)} requests")
    assert list(wrong(caddy, rows)) == []


def mutants(text: str) -> Iterator[tuple[str, str]]:
    """Each line taken away, with the block that it opens; each word of a matcher; each `not`."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        stripped = line.strip()
        if not stripped or stripped in NO_GUARD or stripped.startswith(("#", "}", ADMIN)):
            continue
        end = number + 1
        if stripped.endswith("{"):
            end = next(i for i in range(number + 1, len(lines)) if lines[i] == line[: -len(line.lstrip())] + "}") + 1
        yield f"{number + 1}: {stripped}", "\n".join(lines[:number] + lines[end:])
        for other in _weaker(line):
            yield (
                f"{number + 1}: {stripped} -> {other.strip()}",
                "\n".join([*lines[:number], other, *lines[number + 1 :]]),
            )


def _weaker(line: str) -> Iterator[str]:
    found = re.match(r"^(\s*(?:@\w+ )?(?:not )?(?:path|method|host)) (.+)$", line)
    words = found[2].split() if found else []
    for index in range(len(words) if len(words) > 1 else 0):
        yield f"{found[1]} {' '.join(words[:index] + words[index + 1 :])}" if found else ""
    if re.match(r"^\s*(@\w+ )?not [a-z]+ ", line):
        yield line.replace("not ", "", 1)


def likely(mutant: str, row: Row) -> tuple[bool, int]:
    """The order in which rows are asked: those about what the line is about first, large ones last."""
    request = row[1]
    about = f"{row[0]} {request.method} {request.path} {' '.join(request.headers)}".lower()
    return request.size > 0, -sum(word in about for word in set(re.findall(r"[a-z]{3,}", mutant.lower())))


def test_no_line_can_be_missing(caddy: CaddyLab) -> None:
    text = caddyfile(DOMAIN)
    assert set(NO_GUARD) <= {line.strip() for line in text.split("\n")}
    survivors, killed, refused = [], 0, 0
    for name, mutant in mutants(text):
        if caddy.load(mutant):
            refused += 1  # what Caddy does not take, apply does not leave running
        elif next(wrong(caddy, sorted(PUBLIC, key=lambda row: likely(name, row))), None):
            killed += 1
        else:
            survivors.append(name)
    print(f"{killed} mutants killed, {refused} refused by Caddy, {len(survivors)} left")
    assert survivors == []
