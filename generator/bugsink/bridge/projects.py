"""The projects that the bridge knows, read again when their file changes: a new app is no reason to start the bridge
again, which holds alerts that Alertmanager has not taken yet.
"""

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Projects:
    """What stands in the file now, by a project's number. A file that cannot be read leaves what was read before."""

    def __init__(self, file: Path) -> None:
        self._file, self._seen = file, (0, 0, 0)
        self._projects: Mapping[str, Any] = {}
        self._lock = threading.Lock()

    def __call__(self) -> Mapping[str, Any]:
        with self._lock:
            try:
                found = self._file.stat()
                seen = (found.st_ino, found.st_mtime_ns, found.st_size)
                if seen != self._seen:
                    self._projects = json.loads(self._file.read_text(encoding="utf-8"))["projects"]
                    self._seen = seen
            except (OSError, ValueError, KeyError):
                pass
            return self._projects
