"""The secrets that a site needs: making what can be made, naming what only the user has, and each container's share.

Owns secrets/ and its modes. A value is never printed, logged or put into a message. secrets/<name> is the user's own
copy, readable by its owner alone; secrets/.mounted/<consumer>/ is what a container sees under /run/secrets, readable
by whatever user runs in it: compose mounts files with the modes they have on the machine, and their way there leads
through secrets/, which is closed to everybody else.
"""

import hashlib
import hmac
import re
import secrets
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import bcrypt

from generator.conventions import DELIVERY_FILE, SEAL_FILE, USER_HASH_KEY, WEB_PASSWORD
from generator.diagnostics import Diagnostic, Problems
from generator.disk.atomic import sweep_drafts
from generator.disk.locks import tree_lock
from generator.net.dsn import parse_dsn
from generator.secrets.credentials import credential_files
from generator.secrets.delivery import delivery_json
from generator.secrets.forms import BY_NAME
from generator.secrets.needed import Secret, needed_secrets
from generator.secrets.values import (
    FOLDER,
    FOLDER_MODE,
    OWNER_ONLY,
    UnreadableSecret,
    read_value,
    write_changed,
    write_value,
)
from generator.site.model import Site

MOUNTED: Final = ".mounted"
# Containers that mount a share whether or not anything is in it.
_CONSUMERS: Final = ("alertmanager", "caddy", "collector", "grafana", "prometheus")
# What Lookout or Uptime Kuma wrote, and makes again when it does not fit.
_OURS: Final = ("derived", "later")


@dataclass(frozen=True, slots=True)
class SecretsReport:
    """What ensure_secrets did, and which secrets only the user can give."""

    made: tuple[str, ...]
    tightened: tuple[str, ...]
    missing: tuple[Secret, ...]


def missing_secrets(site: Site, root: Path) -> tuple[Secret, ...]:
    """The secrets that only the user can give and has not given yet. Reads only."""
    folder = root / FOLDER
    return tuple(secret for secret in needed_secrets(site) if secret.origin == "given" and not _read(folder, secret))


def check_secrets(site: Site, root: Path) -> list[Diagnostic]:
    """What is wrong with the values that are there, without any part of them. Reads only."""
    return [problem for secret in needed_secrets(site) for problem in _check(root / FOLDER, secret)]


def ensure_secrets(site: Site, root: Path) -> SecretsReport:
    """Make what can be made, never over what is there; bring modes and every container's share up to date. Raises
    Problems, before anything but modes is changed, when a value that is there is not what it should be.

    One run at a time: two at once would each make another value.
    """
    with tree_lock(root):
        return _ensure_secrets(site, root)


def _ensure_secrets(site: Site, root: Path) -> SecretsReport:
    folder, needed = root / FOLDER, needed_secrets(site)
    try:
        folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
        sweep_drafts(folder)
        tightened = _tighten(folder, needed)
        if problems := check_secrets(site, root):
            raise Problems(problems)
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


def _tighten(folder: Path, needed: Iterable[Secret]) -> list[str]:
    """Take from everybody but the owner what they may do with secrets/ and the files in it."""
    places = [(folder, FOLDER_MODE), *((folder / secret.name, OWNER_ONLY) for secret in needed)]
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
        write_value(folder / secret.name, secrets.token_urlsafe(24))
        return True
    if secret.origin == "derived":
        password = read_value(folder / WEB_PASSWORD).encode()
        if not _matches(password, _read(folder, secret).encode()):
            write_value(folder / secret.name, bcrypt.hashpw(password, bcrypt.gensalt()).decode())
            return True
    return False


def _make_address(folder: Path, secret: Secret) -> bool:
    """The address, with a key that stays when the rest of it changes. What is no address of ours stays as it is."""
    present = _read(folder, secret)
    key = _key(secret, present)
    if present and not key:
        return False
    wanted = secret.around.format(key=key or secrets.token_hex(16))
    if wanted == present:
        return False
    write_value(folder / secret.name, wanted)
    return True


def _key(secret: Secret, value: str) -> str:
    """The key in an address that was made here; empty when it was not."""
    role = re.escape(secret.around.partition("{key}")[0].rpartition("//")[2])
    end = re.escape(secret.around.rpartition("/")[2].partition("?")[0])
    found = re.search(rf"//{role}([0-9a-f]{{32}})@.+/{end}(\?\S*)?$", value) if secret.around else None
    return found[1] if found else ""


def _matches(password: bytes, hashed: bytes) -> bool:
    try:
        return bcrypt.checkpw(password, hashed)
    except ValueError:
        return False


def _check(folder: Path, secret: Secret) -> list[Diagnostic]:
    """The problems of one value; none when it is not there yet."""
    try:
        value = read_value(folder / secret.name)
    except UnreadableSecret as error:
        return [Diagnostic("apply/secret-form", f"{FOLDER}/{secret.name} {error}", notes=(secret.purpose,))]
    ours = not value or secret.origin in _OURS or _key(secret, value)
    return [] if ours else form_problems(secret, value)


def form_problems(secret: Secret, value: str) -> list[Diagnostic]:
    """Why a value does not fit the forms of its secret."""
    found = []
    for form in (BY_NAME[name] for name in secret.forms):
        reason = form.problem(value)
        if not reason and form.name == "postgres-dsn":
            reason = parse_dsn(value).problem(plain=secret.plain, ca=secret.with_ca)
        if reason:
            notes = (f"it is for {secret.purpose}", f"expected: {form.example}")
            message = f"{FOLDER}/{secret.name} is no {form.what}: {reason}"
            found.append(Diagnostic("apply/secret-form", message, notes=notes))
    return found


def _read(folder: Path, secret: Secret) -> str:
    """The value as it is meant; empty when there is no file."""
    try:
        return read_value(folder / secret.name)
    except UnreadableSecret as error:
        # Not chained: what it came from holds the value.
        raise Problems([Diagnostic("apply/secret-form", f"{FOLDER}/{secret.name} {error}")]) from None


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
            write_changed(share / name, text, 0o444)
        for path in set(share.iterdir()) - {share / name for name in mine}:
            path.unlink()
    for path in set(mounted.iterdir()) - {mounted / consumer for consumer in consumers}:
        shutil.rmtree(path)


def keep_secret(root: Path, secret: Secret, value: str) -> None:
    """Write a value that the user gave, for its owner alone."""
    write_value(root / FOLDER / secret.name, value)
