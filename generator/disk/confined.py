"""Files below one root, reached folder by folder, so that no name and no symbolic link leads out of it.

Owns what a path inside a tree is, and how folders and files below the root are opened. Each folder is opened relative
to the one above it and never through a link. Which files are whose is for the caller.
"""

import contextlib
import errno
import os
import stat
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

FOLDER_MODE: Final = 0o755
FILE_MODE: Final = 0o644
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Not blocking: a named pipe in a file's place would wait for a writer.
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

# What rmdir says of a folder that stays: something is in it, it is none, or a file system is mounted there.
_NOT_EMPTY: Final = frozenset({errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT, errno.ENOTDIR, errno.EBUSY})

Obstacle = Literal["link", "no folder", "no file"]


def inside(path: str) -> bool:
    """Whether `path` is a plain path below a root: relative, with no empty, `.` or `..` part, and printable."""
    return path.isprintable() and not {"", ".", ".."} & set(path.split("/"))


class Blocked(Exception):
    """Something stands at `path` that is neither a folder nor a file to write: a link, or the other of the two."""

    def __init__(self, path: str, obstacle: Obstacle) -> None:
        super().__init__(f"{path}: {obstacle}")
        self.path, self.obstacle = path, obstacle


class Tree:
    """The files below `root`, a context manager. Paths are relative with forward slashes, as `inside` has them.

    The folders from the root to the last path stay open, so that paths in sorted order cost few system calls.
    """

    def __init__(self, root: Path) -> None:
        """A `root` that does not exist is an empty tree. Raises OSError when it is no folder."""
        self.root = root
        self.closed: set[str] = set()
        """Folders on the way that other users may not enter."""
        self._names: list[str] = []
        self._open: list[int] = []
        self._missing = ""
        with contextlib.suppress(FileNotFoundError):
            self._open.append(os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close(0)

    @property
    def top(self) -> int:
        """The descriptor of the root. Raises FileNotFoundError when there is none."""
        if not self._open:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self.root))
        return self._open[0]

    def folder(self, path: str) -> int | None:
        """The descriptor of a folder, valid until the next call; None when there is none. Raises Blocked, OSError."""
        if not self._open or (self._missing and f"{path}/".startswith(self._missing)):
            return None
        names = path.split("/") if path else []
        same = 0
        while same < len(names) and same < len(self._names) and names[same] == self._names[same]:
            same += 1
        self._close(same + 1)
        for name in names[same:]:
            if not self._enter(name):
                self._missing = "/".join([*self._names, name, ""])
                return None
        return self._open[-1]

    def read(self, path: str) -> tuple[bytes, int] | None:
        """A file's bytes and its mode; None when there is none. Raises Blocked when it is no file, and OSError."""
        at = self.folder(path.rpartition("/")[0])
        if at is None:
            return None
        try:
            descriptor = os.open(path.rpartition("/")[2], _FILE, dir_fd=at)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise Blocked(path, "link") from error
            if error.errno == errno.ENXIO:
                raise Blocked(path, "no file") from error
            raise
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise Blocked(path, "no file")
            return _all(descriptor, status.st_size), stat.S_IMODE(status.st_mode)
        finally:
            os.close(descriptor)

    def place(self, path: str) -> tuple[int, str]:
        """The descriptor of the folder of `path`, which must exist, and its name in there. Raises Blocked, OSError."""
        folder, _, name = path.rpartition("/")
        at = self.folder(folder)
        if at is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), folder)
        return at, name

    def make(self, path: str) -> None:
        """Make a folder and those above it, readable for all whatever the umask is. Raises Blocked, OSError."""
        self._missing = ""
        parts = path.split("/") if path else []
        for depth in range(1, len(parts) + 1):
            each = "/".join(parts[:depth])
            if self.folder(each) is not None:
                continue
            at, name = self.place(each)
            os.mkdir(name, FOLDER_MODE, dir_fd=at)
            os.chmod(name, FOLDER_MODE, dir_fd=at)
            self._missing = ""

    def remove_folder(self, path: str) -> bool:
        """Remove a folder if it is there and empty; whether it was. Raises OSError when it cannot be removed."""
        try:
            at, name = self.place(path)
            os.rmdir(name, dir_fd=at)
        except Blocked:
            return False
        except OSError as error:
            if error.errno not in _NOT_EMPTY:
                raise
            return False
        return True

    def allow_reading(self, path: str) -> None:
        """Let all users read a file or enter a folder, unless it belongs to another user. Raises Blocked, OSError."""
        at, name = self.place(path)
        mode = os.stat(name, dir_fd=at, follow_symlinks=False).st_mode
        if stat.S_ISDIR(mode) or stat.S_ISREG(mode):
            with contextlib.suppress(PermissionError):
                os.chmod(name, stat.S_IMODE(mode) | (0o555 if stat.S_ISDIR(mode) else 0o444), dir_fd=at)

    def _enter(self, name: str) -> bool:
        """Go one folder down; False when there is none of this name."""
        try:
            descriptor = os.open(name, _FOLDER, dir_fd=self._open[-1])
        except FileNotFoundError:
            return False
        except OSError as error:
            if error.errno not in (errno.ENOTDIR, errno.ELOOP):
                raise
            status = os.stat(name, dir_fd=self._open[-1], follow_symlinks=False)
            path = "/".join([*self._names, name])
            raise Blocked(path, "link" if stat.S_ISLNK(status.st_mode) else "no folder") from error
        self._names.append(name)
        self._open.append(descriptor)
        if os.fstat(descriptor).st_mode & 0o555 != 0o555:
            self.closed.add("/".join(self._names))
        return True

    def _close(self, keep: int) -> None:
        """Close all but the first `keep` descriptors."""
        while len(self._open) > keep:
            os.close(self._open.pop())
        del self._names[max(keep - 1, 0) :]


def _all(descriptor: int, size: int) -> bytes:
    """All that is left to read; `size` is a guess."""
    chunk = os.read(descriptor, size + 1)
    if len(chunk) == size:
        return chunk
    chunks = [chunk]
    while chunk := os.read(descriptor, 1 << 20):
        chunks.append(chunk)
    return b"".join(chunks)
