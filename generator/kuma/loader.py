"""Read `uptime-kuma/monitors.json`, and say everything that is wrong with it in one error.

Owns the way from bytes to MonitorsFile: messages, and the checks that no single entry shows.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from generator.kuma.errors import KumaError
from generator.kuma.model import Monitor, MonitorsFile

_FILE: Final = TypeAdapter(MonitorsFile)


def load_monitors(path: Path) -> MonitorsFile:
    """Read the file; every problem that it has is in the one KumaError."""
    try:
        return parse_monitors(path.read_bytes(), path.name)
    except OSError as error:
        raise KumaError(f"{path} cannot be read: {error.strerror}", "render it first") from error


def parse_monitors(content: bytes, name: str = "monitors.json") -> MonitorsFile:
    """The file's values from its bytes; `name` is only for messages."""
    try:
        loaded = _FILE.validate_json(content)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        raise _invalid(name, [f"{_place(e['loc'])}: {e['msg']}" for e in found]) from None
    if problems := sorted(_cross_check(loaded)):
        raise _invalid(name, problems)
    return loaded


def _invalid(name: str, problems: list[str]) -> KumaError:
    hint = "the file is rendered: render it again, do not edit it"
    return KumaError(f"{name}: " + "; ".join(problems), hint)


def _place(location: tuple[int | str, ...]) -> str:
    """`monitors[2].url` from pydantic's location, without the union member's name that it puts in."""
    text = ""
    for index, part in enumerate(location):
        if isinstance(part, int):
            text += f"[{part}]"
        elif not (index == 2 and location[0] == "monitors" and index + 1 < len(location)):
            text += f".{part}" if text else part
    return text or "the file"


def _cross_check(file: MonitorsFile) -> Iterable[str]:
    """What no single entry shows: keys used twice, references that lead nowhere, parents that go round."""
    monitors = {m.key: m for m in file.monitors}
    channels = {n.key for n in file.notifications}
    yield from _twice("monitor", (m.key for m in file.monitors))
    yield from _twice("notification", (n.key for n in file.notifications))
    for monitor in file.monitors:
        for channel in set(monitor.notify) - channels:
            yield f"monitor '{monitor.key}' notifies '{channel}', which is not declared"
        yield from _check_parents(monitor.key, monitors)
    for group in file.status_page.groups if file.status_page else ():
        for key in set(group.monitors) - monitors.keys():
            yield f"status page group '{group.name}' shows '{key}', which is not declared"


def _twice(what: str, keys: Iterable[str]) -> Iterable[str]:
    return (f"{what} key '{key}' is used twice" for key, times in Counter(keys).items() if times > 1)


def _check_parents(key: str, monitors: Mapping[str, Monitor]) -> Iterable[str]:
    """Problems on the way up from one monitor."""
    seen, parent = {key}, monitors[key].parent
    if parent is not None and parent not in monitors:
        yield f"monitor '{key}' has the parent '{parent}', which is not declared"
    elif parent is not None and monitors[parent].type != "group":
        yield f"monitor '{key}' has the parent '{parent}', which is not a group"
    while parent is not None and parent in monitors:
        if parent in seen:
            yield f"monitor '{key}' is its own ancestor"
            return
        seen.add(parent)
        parent = monitors[parent].parent
