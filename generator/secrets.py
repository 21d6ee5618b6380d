"""The secrets that a site needs: making what can be made, naming what only the user has, and each container's share.

Owns secrets/ and its modes. A value is never printed, logged or put into a message. secrets/<name> is the user's own
copy, readable by its owner alone; secrets/.mounted/<consumer>/ is what a container sees under /run/secrets, readable
by whatever user runs in it: compose mounts files with the modes they have on the machine, and their way there leads
through secrets/, which is closed to everybody else.
"""

import getpass
import hashlib
import hmac
import re
import secrets
import shutil
import sys
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import bcrypt

from generator.conventions import (
    BUGSINK_ADMIN,
    BUGSINK_KEY,
    BUGSINK_PASSWORD,
    BUGSINK_WEBHOOK,
    DELIVERY_FILE,
    SEAL_FILE,
    SPEC_FILE,
    USER_HASH_KEY,
    logs_token,
)
from generator.credentials import credential_files
from generator.delivery import delivery_json
from generator.diagnostics import Diagnostic, Problems
from generator.disk.atomic import sweep_drafts, write_file
from generator.disk.locks import tree_lock
from generator.model import Channel, ScrapeJob, Site, SlackChannel
from generator.packs import load_packs
from generator.render.caddy import WEB_HASH
from generator.render.instrumentation import instrumented
from generator.report import render_text
from generator.resolve import resolve_site
from generator.resolve.jobs import KUMA_KEY
from generator.source import load_source
from generator.spec import load_spec

# made: a random value. derived: follows from another secret. later: Uptime Kuma hands it out once it runs.
# given: nobody but the user has it.
Origin = Literal["made", "derived", "later", "given"]

FOLDER: Final = "secrets"
MOUNTED: Final = ".mounted"
# Containers that mount a share whether or not anything is in it.
_CONSUMERS: Final = ("alertmanager", "caddy", "collector", "grafana", "prometheus")
_SAFE_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_WEB_PASSWORD: Final = "web_password"
# bcrypt reads no further.
_BCRYPT_BYTES: Final = 72


@dataclass(frozen=True, slots=True)
class Secret:
    """One file in secrets/: what it is, where its value comes from, and which containers are given it."""

    name: str
    purpose: str
    origin: Origin
    consumers: tuple[str, ...] = ()
    around: str = ""
    """What stands around a value that is made: an address with {key} in it."""


@dataclass(frozen=True, slots=True)
class SecretsReport:
    """What ensure_secrets did, and which secrets only the user can give."""

    made: tuple[str, ...]
    tightened: tuple[str, ...]
    missing: tuple[Secret, ...]


def needed_secrets(site: Site) -> tuple[Secret, ...]:
    """All secrets of `site`, one for each name, sorted."""
    found = [
        Secret("grafana_admin_password", "Grafana's user admin", "made", ("grafana",)),
        Secret("kuma_admin_password", "Uptime Kuma's user admin", "made"),
        Secret(KUMA_KEY.name, "Uptime Kuma's key to its metrics", "later", ("prometheus",)),
        Secret(USER_HASH_KEY, "what apps hash users' ids with", "made", tuple(s.name for s in instrumented(site))),
    ]
    if site.stack.domain:
        found.append(Secret(_WEB_PASSWORD, "the user admin of the public entrance", "made"))
        found.append(Secret(WEB_HASH, "what Caddy knows of that password", "derived", ("caddy",)))
    if site.watchdog:
        found.append(Secret(site.watchdog.name, "the watchdog's ping address", "given", ("alertmanager",)))
    people = (person.channel for person in site.people.values() if person.channel)
    found += [_of_channel(channel) for channel in (*site.channels.values(), *people)]
    found += [secret for service in site.services for job in service.jobs for secret in _of_job(job)]
    found += [_of_pushed_logs(service.name) for service in site.services if service.logs.mode == "push"]
    found += _of_errors(site)
    found += [
        Secret(own.name, f"of {service.name}'s own", "made", (service.name,))
        for service in site.services
        for own in service.secrets
    ]
    found += _of_exporters(site, {secret.name for secret in found if secret.origin == "made"})
    merged: dict[str, Secret] = {}
    for secret in found:
        merged[secret.name] = _merge(merged.get(secret.name, secret), secret)
    return tuple(merged[name] for name in sorted(merged))


def missing_secrets(site: Site, root: Path) -> tuple[Secret, ...]:
    """The secrets that only the user can give and has not given yet. Reads only."""
    folder = root / FOLDER
    return tuple(secret for secret in needed_secrets(site) if secret.origin == "given" and not _read(folder, secret))


def ensure_secrets(site: Site, root: Path) -> SecretsReport:
    """Make what can be made, never over what is there; bring modes and every container's share up to date.

    One run at a time: two at once would each make another value.
    """
    with tree_lock(root):
        return _ensure_secrets(site, root)


def _ensure_secrets(site: Site, root: Path) -> SecretsReport:
    folder, needed = root / FOLDER, needed_secrets(site)
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        sweep_drafts(folder)
        tightened = _tighten(folder, needed)
        made = [secret.name for secret in needed if _make(folder, secret)]
        by_name = {secret.name: secret for secret in needed}
        formed = credential_files(site, lambda name: _read(folder, by_name[name]))
        delivery = delivery_json(site, lambda name: bool(_read(folder, by_name[name])))
        # The collector reads its tokens with its configuration, and says by their seal which ones it has read.
        pushed = any("collector" in secret.consumers for secret in needed)
        sealed = {"collector": {SEAL_FILE: share_seal(site, root, "collector")}} if pushed else {}
        _share(folder, needed, {**formed, **sealed, "caddy": {DELIVERY_FILE: delivery}})
    except OSError as error:
        message = f"{error.filename or folder}: {error.strerror}"
        raise Problems([Diagnostic("apply/secret-missing", message, notes=("secrets/ cannot be prepared",))]) from error
    return SecretsReport(tuple(made), tuple(tightened), missing_secrets(site, root))


def share_seal(site: Site, root: Path, consumer: str) -> str:
    """Which secrets a container is given, as a short text from which they cannot be guessed: it changes when one of
    them does. Reads only."""
    folder, needed = root / FOLDER, needed_secrets(site)
    key = next(_read(folder, secret) for secret in needed if secret.name == USER_HASH_KEY)
    mine = sorted(f"{secret.name}\0{_read(folder, secret)}" for secret in needed if consumer in secret.consumers)
    digest = hmac.new(key.encode(), "\0\0".join(mine).encode(), hashlib.sha256).hexdigest()
    # With a word in front, as sixteen digits alone may be read as a number.
    return f"hmac-{digest[:16]}"


def _of_channel(channel: Channel) -> Secret:
    if isinstance(channel, SlackChannel):
        purpose = f"the Slack incoming webhook of {channel.name}"
        return Secret(channel.webhook.name, purpose, "given", ("alertmanager",))
    return Secret(channel.token.name, f"the Telegram bot's token of {channel.name}", "given", ("alertmanager",))


def _of_job(job: ScrapeJob) -> list[Secret]:
    """A token is ours to make, and the service gets it too; a password was set by whoever set up the target."""
    found = []
    if job.token:
        consumers = ("prometheus", job.service)
        found.append(Secret(job.token.name, f"the token of {job.service}'s metrics", "made", consumers))
    if job.basic_password and job.basic_password != KUMA_KEY:
        name = job.basic_password.name
        found.append(Secret(name, f"the password of {job.service}'s metrics", "given", ("prometheus",)))
    return found


def _of_pushed_logs(service: str) -> Secret:
    """One token a service: it says whose the lines are."""
    return Secret(logs_token(service), f"the token of the lines that {service} pushes", "made", ("collector", service))


def _of_errors(site: Site) -> list[Secret]:
    """What Bugsink runs with, and each app's address to report to, whose key is made before Bugsink runs."""
    found = []
    if site.stack.errors:
        found += [
            Secret(BUGSINK_PASSWORD, f"Bugsink's user {BUGSINK_ADMIN}", "made"),
            Secret(BUGSINK_KEY, "what Bugsink signs its sessions with", "made", ("bugsink",)),
            Secret(BUGSINK_WEBHOOK, "the bridge's address, known to Bugsink alone", "made", ("bugsink-bridge",)),
        ]
    for service in site.services:
        if errors := service.errors:
            origin: Origin = "made" if errors.project else "given"
            purpose = f"where {service.name} reports its errors"
            found.append(Secret(errors.dsn.name, purpose, origin, (service.name,), errors.address))
    return found


def _of_exporters(site: Site, made: Container[str]) -> list[Secret]:
    """What exporters log in with. A DSN is made for a role of ours; a password is whoever's who set up the store,
    unless it is one of those that we make."""
    found = []
    for service in site.services:
        if dsn := service.dsn:
            found.append(Secret(dsn.secret.name, f"how {service.name} is asked", "made", around=dsn.made))
        if password := service.password:
            origin: Origin = "made" if password.name in made else "given"
            found.append(Secret(password.name, f"{service.name}'s password", origin))
    return found


def _merge(one: Secret, other: Secret) -> Secret:
    """One file that is used twice: both consumers get it, and what somebody must give is not made up."""
    if not _SAFE_NAME.fullmatch(other.name):
        raise ValueError(f"{other.name!r} cannot be the name of a secret file")
    given = one if one.origin == "given" else other
    return replace(given, consumers=tuple(sorted({*one.consumers, *other.consumers})))


def _tighten(folder: Path, needed: Iterable[Secret]) -> list[str]:
    """Take from everybody but the owner what they may do with secrets/ and the files in it."""
    places = [(folder, 0o700), *((folder / secret.name, 0o600) for secret in needed)]
    tightened = []
    for path, mode in places:
        if path.exists() and path.stat().st_mode & 0o077:
            path.chmod(mode)
            tightened.append(path.name)
    return tightened


def _make(folder: Path, secret: Secret) -> bool:
    """Write the secret's file if its value is ours to choose and not chosen yet; True if it was written."""
    if secret.around:
        return _make_address(folder, secret)
    if secret.origin == "made" and not _read(folder, secret):
        _write(folder / secret.name, secrets.token_urlsafe(24) + "\n", 0o600)
        return True
    if secret.origin == "derived":
        password = (folder / _WEB_PASSWORD).read_text(encoding="utf-8").strip().encode()
        if len(password) > _BCRYPT_BYTES:
            message = f"secrets/{_WEB_PASSWORD} is longer than {_BCRYPT_BYTES} bytes, which no bcrypt hash covers"
            raise Problems([Diagnostic("apply/secret-missing", message)])
        if not _matches(password, _read(folder, secret).encode()):
            _write(folder / secret.name, bcrypt.hashpw(password, bcrypt.gensalt()).decode() + "\n", 0o600)
            return True
    return False


def _make_address(folder: Path, secret: Secret) -> bool:
    """The address, with a key that stays when the rest of it changes. What is no address of ours stays as it is."""
    present = _read(folder, secret)
    before = secret.around.partition("{key}")[0]
    role = re.escape(before.rpartition("//")[2])
    end = re.escape(secret.around.rpartition("/")[2].partition("?")[0])
    key = re.search(rf"//{role}([0-9a-f]{{32}})@.+/{end}(\?\S*)?$", present)
    if present and not key:
        return False
    wanted = secret.around.format(key=key[1] if key else secrets.token_hex(16))
    if wanted == present:
        return False
    _write(folder / secret.name, wanted + "\n", 0o600)
    return True


def _matches(password: bytes, hashed: bytes) -> bool:
    try:
        return bcrypt.checkpw(password, hashed)
    except ValueError:
        return False


def _read(folder: Path, secret: Secret) -> str:
    """The value without white space around it; empty when there is no file."""
    try:
        return (folder / secret.name).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        # Not chained: the error holds the value.
        raise Problems([Diagnostic("apply/secret-missing", f"{FOLDER}/{secret.name} is not UTF-8 text")]) from None


def _share(folder: Path, needed: Sequence[Secret], formed: Mapping[str, Mapping[str, str]]) -> None:
    """Bring secrets/.mounted/ to exactly what the containers need; `formed` is what exporters read in a form of their
    own. A file that cannot be filled yet is empty, so that a configuration which names it is valid."""
    mounted = folder / MOUNTED
    consumers = sorted({*_CONSUMERS, *formed, *(consumer for secret in needed for consumer in secret.consumers)})
    for consumer in consumers:
        share = mounted / consumer
        share.mkdir(parents=True, exist_ok=True)
        for path in (mounted, share):
            path.chmod(0o755)
        mine = {secret.name: _read(folder, secret) for secret in needed if consumer in secret.consumers}
        mine |= formed.get(consumer, {})
        for name, text in mine.items():
            _write(share / name, text, 0o444)
        for path in set(share.iterdir()) - {share / name for name in mine}:
            path.unlink()
    for path in set(mounted.iterdir()) - {mounted / consumer for consumer in consumers}:
        shutil.rmtree(path)


def _write(path: Path, text: str, mode: int) -> None:
    """Write in one step, nothing when nothing changes: a container never sees half a file."""
    if path.is_file() and path.stat().st_mode & 0o777 == mode and path.read_text(encoding="utf-8") == text:
        return
    write_file(path, text, mode)


def _ask(root: Path, missing: Iterable[Secret]) -> None:
    """Ask whoever sits there for what only they can give; an empty answer leaves it for later."""
    for secret in missing:
        answer = getpass.getpass(f"{secret.name}: {secret.purpose} (empty: later): ").strip()
        if answer:
            _write(root / FOLDER / secret.name, answer + "\n", 0o600)


def main(arguments: Sequence[str]) -> int:
    """`make secrets`: `--ask` asks for what is missing when somebody is there to answer."""
    root = Path.cwd()
    try:
        text = (root / SPEC_FILE).read_text(encoding="utf-8-sig")
        source = load_source(text, SPEC_FILE)
        site, _ = resolve_site(load_spec(source), source, load_packs())
        report = ensure_secrets(site, root)
        if report.missing and "--ask" in arguments and sys.stdin.isatty():
            _ask(root, report.missing)
            report = ensure_secrets(site, root)
    except Problems as problems:
        print(render_text(problems.diagnostics, {}), file=sys.stderr)
        return 1
    except (OSError, UnicodeDecodeError) as error:
        print(f"{SPEC_FILE}: {error}", file=sys.stderr)
        return 1
    for what, names in (("made", report.made), ("closed to others", report.tightened)):
        if names:
            print(f"secrets: {what}: {', '.join(names)}")
    if report.missing:
        wanted = ", ".join(f"{secret.name} ({secret.purpose})" for secret in report.missing)
        print(f"secrets: only you have: {wanted}; write each into secrets/<name>, then `make apply`")
    else:
        print("secrets: all there")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
