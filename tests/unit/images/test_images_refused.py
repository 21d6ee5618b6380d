"""A registry that answers and refuses is quoted, and nothing is built in its place; one that cannot be reached is
quoted too, and then images are built. The sentences are Docker's own, of several of its releases.
"""

import time
from pathlib import Path
from typing import Final

import pytest

from images import Failed, docker, progress, provide, registry, room
from images.__main__ import main
from images.build import built_folder
from images.dotenv import read_dotenv
from images.provide import Mode
from images.recipes import GoModule, recipe_of
from tests.unit.images.fake_docker import ANSWERS, KNOWS_ONE, REFUSES, Docker, image

LOKI: Final = image("loki")
PREFIX: Final = "Error response from daemon: "
HUB: Final = 'Get "https://registry.example/v2/": '
LOOKUP: Final = HUB + "dial tcp: lookup registry.example"


def fails(sentence: str, *before: str) -> str:
    """A registry at which every pull ends with `sentence`, after what stands in `before`."""
    lines = "".join(f"echo '{line}'\n" for line in before)
    return f"{lines}cat >&2 <<'SAID'\n{sentence}\nSAID\nexit 1\n"


REFUSALS: Final[dict[str, str]] = {
    "a rate limit": "toomanyrequests: You have reached your pull rate limit.",
    "a rate limit, as containerd says it": 'unexpected status from HEAD request to https://x: 429 Too Many Requests',
    "a login that is missing": "unauthorized: authentication required",
    "a login that is asked for": 'Head "https://x/v2/acme/x/manifests/1": no basic auth credentials',
    "a login that is not enough": "denied: requested access to the resource is denied",
    "an image that is not there": "manifest for grafana/loki:3.7.8 not found: manifest unknown: manifest unknown",
    "a repository that is not there": "pull access denied for x, repository does not exist or may require docker login",
    "no image for this processor": "no matching manifest for linux/arm64/v8 in the manifest list entries",
    "a broken registry": "received unexpected HTTP status: 500 Internal Server Error",
    "a registry under repair": "received unexpected HTTP status: 503 Service Unavailable",
    "a page in place of an answer": "error unmarshalling content: invalid character '<' looking for beginning of value",
    "a certificate of others": HUB + "x509: certificate signed by unknown authority",
    "a certificate of another name": HUB + "tls: failed to verify certificate: x509: certificate is valid for a, not b",
    "no TLS at all": HUB + "http: server gave HTTP response to HTTPS client",
    "a connection that is cut": HUB + "EOF",
    "a connection in which nothing is said": HUB
    + "net/http: request canceled (Client.Timeout exceeded while awaiting headers)",
    "a disk that is full": "failed to register layer: write /usr/bin/loki: no space left on device",
    "a daemon that is gone": "Cannot connect to the Docker daemon at unix:///var/run/docker.sock.",
    "a daemon that refuses": "dial unix /var/run/docker.sock: connect: connection refused",
    "a sentence that no one has seen yet": "the sky is falling",
}  # fmt: skip
OUT_OF_REACH: Final[dict[str, str]] = {
    "no name": LOOKUP + " on 10.0.0.53:53: no such host",
    "no name, as containerd says it": 'failed to resolve reference "x:1": failed to do request: Head "https://x": '
    "dial tcp: lookup registry.example: no such host",
    "no resolver": LOOKUP + " on 10.0.0.53:53: read udp 10.0.0.1:3: i/o timeout",
    "a resolver that is shut": LOOKUP + " on [::1]:53: read udp: connection refused",
    "a resolver that is broken": LOOKUP + " on 10.0.0.53:53: server misbehaving",
    "a name for later": LOOKUP + ": Temporary failure in name resolution",
    "nothing listens": HUB + "dial tcp 10.0.0.9:443: connect: connection refused",
    "no way there": HUB + "dial tcp 10.0.0.9:443: connect: no route to host",
    "no network": HUB + "dial tcp 10.0.0.9:443: connect: network is unreachable",
    "packets that vanish": HUB + "dial tcp 10.0.0.9:443: i/o timeout",
    "packets that vanish, as an older one says it": HUB
    + "net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)",
    "a proxy that is gone": HUB + "proxyconnect tcp: dial tcp 10.0.0.8:3128: connect: connection refused",
}  # fmt: skip


@pytest.mark.parametrize("sentence", REFUSALS.values(), ids=REFUSALS)
@pytest.mark.parametrize("mode", [Mode.AUTO, Mode.PULL])
def test_a_registry_that_answers_and_refuses_is_quoted_and_nothing_is_built(
    fake: Docker, built: list[str], mode: Mode, sentence: str
) -> None:
    fake.registry(fails(PREFIX + sentence))
    with pytest.raises(Failed) as failure:
        provide.provide(LOKI, mode)
    said = str(failure.value)
    assert said.startswith(f"loki {LOKI.version} cannot be pulled: {sentence}\n")
    assert str(progress.LOGS / "loki.log") in said
    assert sentence in (progress.LOGS / "loki.log").read_text()
    assert built == []
    assert not registry.SILENT.exists()


@pytest.mark.parametrize("sentence", OUT_OF_REACH.values(), ids=OUT_OF_REACH)
def test_where_no_registry_can_be_reached_images_are_built_and_the_reason_is_said_once(
    fake: Docker, built: list[str], capsys: pytest.CaptureFixture[str], sentence: str
) -> None:
    fake.registry(fails(PREFIX + sentence))
    assert provide.provide(LOKI, Mode.AUTO) == LOKI.standin
    assert provide.provide(image("caddy"), Mode.AUTO) == image("caddy").standin
    assert built == ["loki", "caddy"]
    assert capsys.readouterr().out.count(sentence) == 1
    assert len(fake.calls("pull")) == 1, "once a run is enough"
    with pytest.raises(Failed) as failure:
        provide.provide(image("redis"), Mode.PULL)
    assert sentence in str(failure.value)


def test_a_registry_that_lacks_one_image_gives_the_others(fake: Docker, built: list[str]) -> None:
    fake.registry(KNOWS_ONE)
    wanted = [LOKI, image("node-exporter")]
    had, failures = provide.each(wanted, lambda each: provide.provide(each, Mode.AUTO))
    assert had == {"node-exporter": image("node-exporter").pulled}
    assert [str(each).splitlines()[0] for each in failures] == [f"{LOKI.title} cannot be pulled: manifest unknown"]
    assert built == []


def test_what_a_registry_refuses_to_everybody_is_asked_once_and_the_rest_is_named(
    fake: Docker, built: list[str]
) -> None:
    fake.registry(fails(PREFIX + REFUSALS["a certificate of others"]))
    _, failures = provide.each([LOKI, image("caddy"), image("redis")], lambda each: provide.provide(each, Mode.AUTO))
    assert len(failures) == 2
    assert str(failures[1]) == f"not pulled for the same reason: {image('caddy').title}, {image('redis').title}"
    assert len(fake.calls("pull")) == 1
    assert built == []


def test_one_registry_that_cannot_be_reached_is_no_reason_to_build_when_another_answers(
    fake: Docker, built: list[str]
) -> None:
    fake.registry(f"case $2 in *loki*) {REFUSES.strip()} ;; *) {ANSWERS.strip()} ;; esac\n")
    assert provide.provide(image("caddy"), Mode.AUTO) == image("caddy").pulled
    with pytest.raises(Failed, match="no such host"):
        provide.provide(LOKI, Mode.AUTO)
    assert built == []


def test_a_pull_that_has_begun_and_then_loses_its_way_is_no_reason_to_build(fake: Docker, built: list[str]) -> None:
    fake.registry(fails(PREFIX + OUT_OF_REACH["no name"], "v1: Pulling from grafana/loki"))
    with pytest.raises(Failed, match="no such host"):
        provide.provide(LOKI, Mode.AUTO)
    assert built == []


# --- a registry that limits its rate ---

# Refuses as often as its file says, and then gives.
LATER: Final = f"""
left=$(cat "$here/left")
if [ "$left" -gt 0 ]; then
    echo $((left - 1)) >"$here/left"
    echo "{PREFIX}toomanyrequests: slow down" >&2; exit 1
fi
{ANSWERS}"""


@pytest.mark.parametrize(("refusals", "pulls"), [(0, 1), (1, 2), (2, 3)])
def test_a_rate_limit_that_ends_soon_is_waited_for(
    fake: Docker, built: list[str], capsys: pytest.CaptureFixture[str], refusals: int, pulls: int
) -> None:
    (fake.folder / "left").write_text(str(refusals))
    fake.registry(LATER)
    assert provide.provide(LOKI, Mode.AUTO) == LOKI.pulled
    assert len(fake.calls("pull")) == pulls
    said = capsys.readouterr().out
    assert said.count("toomanyrequests: slow down") == refusals
    assert said.count("limits its rate; the next try is in") == refusals


def test_a_rate_limit_that_stays_is_said_with_the_ways_out_and_the_next_image_is_not_waited_for(
    fake: Docker, built: list[str]
) -> None:
    (fake.folder / "left").write_text("99")
    fake.registry(LATER)
    _, failures = provide.each([LOKI, image("caddy")], lambda each: provide.provide(each, Mode.AUTO))
    assert "docker login" in str(failures[0]) and "LOOKOUT_IMAGES=build make up" in str(failures[0])
    assert len(fake.calls("pull")) == 3
    assert built == []


def test_only_a_rate_limit_is_tried_again(fake: Docker, built: list[str]) -> None:
    fake.registry(fails(PREFIX + "received unexpected HTTP status: 500 Internal Server Error"))
    with pytest.raises(Failed):
        provide.provide(LOKI, Mode.AUTO)
    assert len(fake.calls("pull")) == 1


# --- a registry that is silent, and one that is back ---


def test_a_registry_that_says_nothing_is_given_up(
    fake: Docker, built: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(registry, "TIMEOUT_SECONDS", 1.0)
    fake.registry("exec sleep 60\n")
    started = time.monotonic()
    assert provide.provide(LOKI, Mode.AUTO) == LOKI.standin
    assert time.monotonic() - started < 30
    assert "no registry answered within 1 s" in capsys.readouterr().out


def test_one_that_has_answered_may_take_its_time(
    fake: Docker, built: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "TIMEOUT_SECONDS", 0.5)
    fake.registry('echo "v1: Pulling from somewhere"; sleep 1.2\n')
    assert provide.provide(LOKI, Mode.AUTO) == LOKI.pulled


def test_that_none_was_reached_shortens_the_next_wait_and_hides_none_that_is_back(
    fake: Docker, built: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    pull = docker.pull
    monkeypatch.setattr(docker, "pull", lambda name, ref, timeout: waits.append(timeout) or pull(name, ref, timeout))  # type: ignore[func-returns-value]
    for registry_says, expected in ((REFUSES, LOKI.standin), (REFUSES, LOKI.standin), (ANSWERS, LOKI.pulled)):
        fake.registry(registry_says)
        registry.asked.cache_clear()
        assert provide.provide(LOKI, Mode.AUTO) == expected
    assert waits == [registry.TIMEOUT_SECONDS, registry.SHORT_TIMEOUT_SECONDS, registry.SHORT_TIMEOUT_SECONDS]
    assert not registry.SILENT.exists()


def test_no_login_to_a_proxy_is_shown_or_logged(fake: Docker, built: list[str]) -> None:
    fake.registry(fails(PREFIX + "proxy http://ana:hunter2@10.0.0.8:3128 answered 407"))
    with pytest.raises(Failed) as failure:
        provide.provide(LOKI, Mode.AUTO)
    assert "answered 407" in str(failure.value)
    assert "hunter2" not in str(failure.value) + (progress.LOGS / "loki.log").read_text()


# --- what stays in .env ---


def test_what_could_not_be_pulled_this_time_stays_as_it_was(
    fake: Docker, built: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A stack that runs goes on with what it has: no profile is switched off because a registry says 429."""
    monkeypatch.setattr("images.__main__._DOTENV", tmp_path / ".env")
    monkeypatch.setattr("images.alone.CACHE", tmp_path / "cache")
    monkeypatch.setattr("images.tracker.ROOT", tmp_path)
    (tmp_path / "services.yaml").write_text("stack: {errors: bugsink}\n")
    before = "COMPOSE_PROFILES=demo,errors,grafana,mine\nIMAGE_GRAFANA=grafana:old\nIMAGE_BUGSINK=bugsink:old\n"
    (tmp_path / ".env").write_text(before)
    fake.holds(image("caddy").pulled)
    fake.registry(fails(PREFIX + "toomanyrequests: You have reached your pull rate limit."))
    assert main([]) == 1
    env = read_dotenv(tmp_path / ".env")
    assert env["COMPOSE_PROFILES"] == "demo,errors,grafana,mine"
    assert (env["IMAGE_GRAFANA"], env["IMAGE_BUGSINK"]) == ("grafana:old", "bugsink:old")
    assert env["IMAGE_CADDY"] == image("caddy").pulled
    assert built == []
    said = capsys.readouterr().err
    assert said.count("toomanyrequests: You have reached your pull rate limit.") == 1
    assert "not pulled for the same reason:" in said


# --- is there room to build? ---


def shortages(
    monkeypatch: pytest.MonkeyPatch, folder: Path, disk: float, memory: float, name: str, data: Path = Path("/nowhere")
) -> list[str]:
    """What a machine with so many GiB free lacks; `data` is where Docker keeps its own, elsewhere if not said."""
    monkeypatch.setattr(docker, "ask", lambda *_: str(data))
    usage = type("Usage", (), {"free": int(disk * room.GIB)})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    meminfo = folder / "meminfo"
    meminfo.write_text(f"MemTotal: 9 kB\nMemAvailable: {int(memory * 2**20)} kB\nSwapFree: 0 kB\n")
    monkeypatch.setattr(room, "_MEMORY", meminfo)
    return REAL_SHORTAGES(image(name))


REAL_SHORTAGES: Final = room.shortages
ROOM: Final[dict[str, tuple[str, float, float, list[str]]]] = {
    "room enough": ("loki", 100, 8, []),
    "too little disk": ("loki", 8, 8, ["11.0 GiB of disk"]),
    "too little memory": ("loki", 100, 1.5, ["3.0 GiB of memory"]),
    "too little of both": ("loki", 8, 1.5, ["11.0 GiB of disk", "3.0 GiB of memory"]),
    "what is not compiled needs little": ("redis", 8, 0.5, []),
    "and yet some": ("redis", 0.5, 8, ["1.0 GiB of disk"]),
}


@pytest.mark.parametrize(("name", "disk", "memory", "lacks"), ROOM.values(), ids=ROOM)
def test_disk_and_memory_are_looked_at_before_anything_is_built(
    fake: Docker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    disk: float,
    memory: float,
    lacks: list[str],
) -> None:
    found = shortages(monkeypatch, tmp_path, disk, memory, name)
    assert len(found) == len(lacks)
    for line, start in zip(found, lacks, strict=True):
        assert line.startswith(start) and "are free" in line


def test_one_disk_for_both_has_to_hold_both(fake: Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (found,) = shortages(monkeypatch, tmp_path, 14, 8, "loki", data=tmp_path)
    assert found.startswith("15.0 GiB of disk")


def test_what_was_compiled_before_needs_no_room_to_compile(
    fake: Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in recipe_of("loki").parts:
        assert isinstance(part, GoModule)
        built_folder(part, LOKI.version).mkdir(parents=True)
    assert shortages(monkeypatch, tmp_path, 8, 0.5, "loki") == []


def test_a_build_that_no_one_asked_for_stops_when_room_is_short_and_one_that_was_asked_for_is_tried(
    fake: Docker, built: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(room, "shortages", lambda _: ["11.0 GiB of disk at /, where 2.0 GiB are free"])
    with pytest.raises(Failed, match=r"building needs 11\.0 GiB of disk at /, where 2\.0 GiB are free"):
        provide.provide(LOKI, Mode.AUTO)
    assert built == []
    assert provide.provide(LOKI, Mode.BUILD) == LOKI.standin
    assert "11.0 GiB of disk" in capsys.readouterr().out
    assert built == ["loki"]
