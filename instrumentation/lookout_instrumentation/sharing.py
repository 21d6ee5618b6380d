"""The folder in which the workers of one server keep their metrics together: the one that was named, or one made here.

Owns the choice, the making and the cleaning of the folder, and that prometheus-client follows it at whatever time. An
app starts in every case: where there is no folder to be had, this process counts for itself, and that is said.
"""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import prometheus_client.values
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from lookout_instrumentation.processes import lives, parent_of_workers, started

VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
# A worker writes a megabyte or two, into memory that is not there until it is written: where there is none left the
# process would be killed.
ROOM_BYTES: Final = 32 * 2**20
_LINES: Final = (
    f"give the workers a folder of their own in memory: `{VARIABLE}=/run/metrics` in the environment, and in "
    'compose.yaml `tmpfs: ["/run/metrics:mode=1777"]`; or run one worker a container and more containers'
)


@dataclass(frozen=True)
class Shared:
    """Where metrics are kept: together in `folder`, or in this process alone. It is `partial` when others keep theirs
    as well, so that each scrape sees one of them; `fault` is what is wrong, in a sentence."""

    folder: Path | None = None
    partial: bool = False
    fault: str = ""


def shared(named: Path | None, workers: int) -> Shared:
    """Where the metrics of this process go, which is one of so many; `named` is the folder that was asked for."""
    if named is None and workers == 1:
        return Shared()
    return _of_several(named, parent_of_workers(), f"{workers} workers would each have their own metrics", workers > 1)


def shared_with_children() -> Shared:
    """The same for a process that will have children which count, and shared with no other process until now."""
    return _of_several(None, os.getpid(), "the children of this process count where no scrape looks", True)


def _of_several(named: Path | None, parent: int, otherwise: str, several: bool) -> Shared:
    fault = ""
    if named is not None:
        if _is_usable(named):
            _join(named)
            return Shared(named)
        fault = f"{VARIABLE}: {named} is not a folder that can be written to"
    own = own_folder(parent)
    if own is not None:
        _join(own)
        return Shared(own, fault=fault and f"{fault}; metrics are kept in {own} instead")
    _leave()
    return Shared(partial=several, fault=f"{fault or otherwise}, and no folder could be made: {_LINES}")


def own_folder(parent: int) -> Path | None:
    """A folder for the workers of the process `parent`, which no other user can read or have made; None where there is
    no place for one. What ended processes left is removed."""
    for place in _places():
        with suppress(OSError):
            if _room(place) < ROOM_BYTES:
                continue
            base = _private(place / f"lookout-metrics-{_user()}-{_namespace()}")
            folder = _private(base / f"{parent}-{started(parent)}")
            _clean(base)
            return folder
    return None


def adopt(registry: CollectorRegistry) -> None:
    """Have metrics that were made before the folder was known keep their values there."""
    for collector in list(registry._collector_to_names):
        if isinstance(collector, MetricWrapperBase):
            for child in _children(collector):
                _move(child)


def _children(metric: Any) -> Iterator[Any]:
    if metric._is_observable():
        yield metric
    yield from list(getattr(metric, "_metrics", {}).values())


def _move(child: Any) -> None:
    """Create the values of `child` again, of the kind that is in use now, with the same numbers."""
    before = dict(vars(child))
    if not any(hasattr(before.get(name), "get") for name in ("_value", "_sum")):
        return  # of a kind that several processes cannot share
    child._metric_init()
    for name in ("_value", "_sum", "_count"):
        if name in before and (number := before[name].get()):
            getattr(child, name).set(number)
    for old, new in zip(before.get("_buckets", ()), getattr(child, "_buckets", ()), strict=True):
        if number := old.get():
            new.set(number)


def _join(folder: Path) -> None:
    """prometheus-client looks at the environment: at its import for whether, later for where."""
    os.environ[VARIABLE] = str(folder)
    if prometheus_client.values.ValueClass is prometheus_client.values.MutexValue:
        prometheus_client.values.ValueClass = prometheus_client.values.MultiProcessValue()  # type: ignore[no-untyped-call]
        adopt(REGISTRY)


def _leave() -> None:
    """Metrics of the app's own must not be looked for in a folder that is not there."""
    os.environ.pop(VARIABLE, None)
    prometheus_client.values.ValueClass = prometheus_client.values.MutexValue


def _is_usable(folder: Path) -> bool:
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
        return True
    return False


def _places() -> Iterator[Path]:
    """In memory first. A container has /dev/shm even where its root cannot be written to."""
    if own := os.environ.get("XDG_RUNTIME_DIR"):
        yield Path(own)
    yield Path("/dev/shm")
    with suppress(OSError):
        yield Path(tempfile.gettempdir())


def _room(place: Path) -> int:
    if not hasattr(os, "statvfs"):
        return ROOM_BYTES
    found = os.statvfs(place)
    return found.f_bavail * found.f_frsize


def _private(folder: Path) -> Path:
    """`folder`, made if need be. Raises OSError when it is not a folder of this user's alone."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or (hasattr(os, "geteuid") and found.st_uid != os.geteuid()):
        raise PermissionError(f"{folder} belongs to another user")
    if stat.S_IMODE(found.st_mode) & 0o077:
        folder.chmod(0o700)
    tempfile.TemporaryFile(dir=folder).close()
    return folder


def _clean(base: Path) -> None:
    """Remove the folders of processes that have ended."""
    for folder in base.iterdir():
        parent, _, began = folder.name.partition("-")
        if parent.isdigit() and began.isdigit() and not lives(int(parent), int(began)):
            shutil.rmtree(folder, ignore_errors=True)


def _user() -> int:
    return os.geteuid() if hasattr(os, "geteuid") else 0


def _namespace() -> int:
    """What distinguishes containers that share such a place: in each, the same number is another process."""
    try:
        return Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return 0
