"""Who may reach what through Caddy: the real one, with the Caddyfile as it is rendered, request by request.

And that each line of it counts: it is taken away, in turn, and then at least one request of the table comes out wrong.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
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


@dataclass(frozen=True, slots=True, eq=False)
class Check:
    """A request, what has to come of it, and the headers that its answer must have (None: must not have)."""

    sentence: str
    request: Request
    expected: str = ""
    headers: tuple[tuple[str, str | None], ...] = ()

    @property
    def words(self) -> frozenset[str]:
        """What it is about."""
        request = self.request
        headers = " ".join(f"header {name} {value}" for name, value in self.headers)
        about = f"{self.sentence} {request.method} {request.path} {' '.join(request.headers)} {headers}"
        return words_of(about, "max_size" if request.size else "")


def words_of(*texts: str) -> frozenset[str]:
    return frozenset(word for text in texts for word in re.findall(r"[a-z]{3,}", text.lower()))


def checks_of(rows: list[Row], *, public: bool) -> list[Check]:
    """The table, and of some pages the headers that browsers obey, or that say which server it is."""
    made = [Check(*row) for row in rows]
    for port, host, path in [*_LOCAL_PAGES, *(_PUBLIC_PAGES if public else ())]:
        wanted = [*HEADERS, *(_STRICT if port == HTTPS else ()), *(_PAGES.get(path, ()) if port == LOCAL else ())]
        made.append(Check("", Request(port, host, "GET", path), headers=tuple(wanted)))
    return made


def wrong(caddy: CaddyLab, check: Check) -> list[str]:
    """What is not as the check has it: what the part saw that was reached, else the status and a word of the page."""
    response = caddy.send(check.request)
    got, where = response.headers, f"{check.request.host}{check.request.path}"
    found = [f"{where}: {name} is {got.get(name)}" for name, value in check.headers if got.get(name) != value]
    word = check.expected.partition(" ")[2]
    came = response.seen or f"{response.status} {word if word in response.body else ''}".rstrip()
    if check.expected and came != check.expected:
        found.append(f"{check.sentence}: {came}, not {check.expected}")
    return found


LOCALLY: Final = checks_of(local_rows(), public=False)
PUBLIC: Final = checks_of([*local_rows(), *public_rows()], public=True)


@pytest.mark.parametrize(("domain", "checks"), [("", LOCALLY), (DOMAIN, PUBLIC)], ids=["without a domain", "with one"])
def test_every_request_of_the_table_is_answered_as_it_says(caddy: CaddyLab, domain: str, checks: list[Check]) -> None:
    assert caddy.load(caddyfile(domain)) == ""
    print(f"{len(checks)} requests")
    assert [fault for check in checks for fault in wrong(caddy, check)] == []


@dataclass(frozen=True, slots=True)
class Mutant:
    """A Caddyfile with something missing, and the words of what is missing and of what stands around it."""

    name: str
    text: str
    words: frozenset[str]
    near: frozenset[str]


def mutants(text: str) -> Iterator[Mutant]:
    """Each line taken away, with the block that it opens; each word of a matcher; each `not`."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        stripped = line.strip()
        if not stripped or stripped in NO_GUARD or stripped.startswith(("#", "}", ADMIN)):
            continue
        end = number + 1
        if stripped.endswith("{"):
            end = next(i for i in range(number + 1, len(lines)) if lines[i] == line[: -len(line.lstrip())] + "}") + 1
        block = [*lines[number:end], *_imported(line, lines)]
        near = words_of(*_around(lines, number), *lines[max(0, number - 3) : number + 4])
        without = "\n".join(lines[:number] + lines[end:])
        yield Mutant(f"{number + 1}: {stripped}", without, words_of(*block), near)
        for other in _weaker(line):
            changed = "\n".join([*lines[:number], other, *lines[number + 1 :]])
            yield Mutant(f"{number + 1}: {stripped} -> {other.strip()}", changed, words_of(line), near)


def _imported(line: str, lines: list[str]) -> list[str]:
    """The snippet that the line imports."""
    found = re.match(r"\s*import (\w+)$", line)
    start = f"({found[1]}) {{" if found else ""
    return lines[lines.index(start) : lines.index("}", lines.index(start))] if start in lines else []


def _around(lines: list[str], number: int) -> Iterator[str]:
    """The line itself, and those that open the blocks in which it stands."""
    depth = len(lines[number])
    for line in reversed(lines[: number + 1]):
        indent = len(line) - len(line.lstrip("\t"))
        if line and indent < depth:
            depth = indent
            yield line


def _weaker(line: str) -> Iterator[str]:
    found = re.match(r"^(\s*(?:@\w+ )?(?:not )?(?:path|method|host)) (.+)$", line)
    words = found[2].split() if found else []
    for index in range(len(words) if len(words) > 1 else 0):
        yield f"{found[1]} {' '.join(words[:index] + words[index + 1 :])}" if found else ""
    if re.match(r"^\s*(@\w+ )?not [a-z]+ ", line):
        yield line.replace("not ", "", 1)


class Order:
    """Which checks are asked first of a mutant: those about what is missing, a rare word counting for more; then those
    that failed with the mutants before it; large ones last, unless that is what is missing."""

    def __init__(self, checks: list[Check]) -> None:
        self._words = {check: check.words for check in checks}
        self._common = Counter(word for words in self._words.values() for word in words)
        self._failed: dict[Check, int] = {}

    def of(self, mutant: Mutant) -> list[Check]:
        def shared(check: Check, words: frozenset[str]) -> float:
            return sum(1 / self._common[word] for word in self._words[check] & words)

        def key(check: Check) -> tuple[bool, float, int]:
            about = shared(check, mutant.words) + shared(check, mutant.near) / 4
            large = check.request.size > 0 and "size" not in mutant.words
            return large, -about, -self._failed.get(check, 0)

        return sorted(self._words, key=key)

    def fails(self, check: Check) -> None:
        """It is the likeliest one now where words say nothing."""
        self._failed[check] = max(self._failed.values(), default=0) + 1


def test_no_line_can_be_missing(caddy: CaddyLab) -> None:
    text = caddyfile(DOMAIN)
    assert set(NO_GUARD) <= {line.strip() for line in text.split("\n")}
    order = Order(PUBLIC)
    survivors, killed, refused, asked = [], 0, 0, 0
    for mutant in mutants(text):
        if caddy.load(mutant.text):
            refused += 1  # what Caddy does not take, apply does not leave running
            continue
        for check in order.of(mutant):
            asked += 1
            if wrong(caddy, check):
                order.fails(check)
                killed += 1
                break
        else:
            survivors.append(mutant.name)
    print(f"{killed} mutants killed with {asked} requests, {refused} refused by Caddy, {len(survivors)} left")
    assert survivors == []
