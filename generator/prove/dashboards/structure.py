"""Rules about the form of a dashboard's JSON: what Grafana would silently drop, ignore or draw over."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from generator.prove.dashboards.document import Bundle, Document, PanelView
from generator.prove.dashboards.rule import Finding
from generator.prove.dashboards.sdk_types import lost_keys, wrong_types
from generator.render.grafana.grid import COLUMNS

PANEL_TYPES: Final = frozenset({"stat", "timeseries", "table", "heatmap", "logs", "gauge", "text"})
CALCS: Final = frozenset(
    {"lastNotNull", "last", "firstNotNull", "first", "min", "max", "mean", "median", "sum", "count", "range", "delta"}
)
TRANSFORMATIONS: Final = frozenset({"merge", "organize", "joinByField", "sortBy", "reduce", "filterFieldsByName"})
SCHEMA_VERSION: Final = 42
_UID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_RUNTIME_KEYS: Final = ("id", "version", "iteration", "__inputs", "__requires", "gnetId", "snapshot")


def round_trip(bundle: Bundle) -> Iterator[Finding]:
    """Grafana's own types read the dashboard and write it again without losing or changing anything."""
    for document in bundle.documents:
        for problem in lost_keys(document.data):
            yield Finding(document.path, problem)


def types(bundle: Bundle) -> Iterator[Finding]:
    """Every value has the type, and every word is one of those, that Grafana's own types name."""
    for document in bundle.documents:
        for problem in wrong_types(document.data):
            yield Finding(document.path, problem)


def schema_version(bundle: Bundle) -> Iterator[Finding]:
    """The schema version is 42: what Grafana 12 and 13 read without migrating."""
    for document in bundle.documents:
        if document.data.get("schemaVersion") != SCHEMA_VERSION:
            yield Finding(document.path, f"schemaVersion is {document.data.get('schemaVersion')}, not {SCHEMA_VERSION}")


def panel_types(bundle: Bundle) -> Iterator[Finding]:
    """Every panel is of a type that a plain Grafana draws."""
    for document, panel in _panels(bundle):
        if panel.type not in PANEL_TYPES:
            yield Finding(document.path, f"'{panel.title}' has the type '{panel.type}', which nothing draws", panel.id)


def panel_ids(bundle: Bundle) -> Iterator[Finding]:
    """Every panel and row has an id of its own above 0."""
    for document in bundle.documents:
        things = [*document.rows, *(panel.data for panel in document.panels)]
        counted = Counter(thing.get("id") for thing in things)
        for thing in things:
            number, title = thing.get("id"), thing.get("title")
            if not isinstance(number, int) or number < 1:
                yield Finding(document.path, f"'{title}' has the id {number}", number)
            elif counted[number] > 1:
                yield Finding(document.path, f"'{title}' shares the id {number} with another", number)


def grid(bundle: Bundle) -> Iterator[Finding]:
    """Panels stand inside the 24 columns, overlap nowhere and leave no hole."""
    for document in bundle.documents:
        yield from _grid_of(document, document.data.get("panels") or ())
        for row in document.rows:
            yield from _grid_of(document, row.get("panels") or ())


def _grid_of(document: Document, things: Any) -> Iterator[Finding]:
    taken: dict[tuple[int, int], str] = {}
    for thing in things:
        title, box = thing.get("title"), thing.get("gridPos") or {}
        cells = _cells(box)
        if not cells:
            yield Finding(document.path, f"'{title}' is not inside the {COLUMNS} columns: {dict(box)}", thing.get("id"))
        if other := next((taken[cell] for cell in cells if cell in taken), None):
            yield Finding(document.path, f"'{title}' overlaps '{other}'", thing.get("id"))
        taken.update(dict.fromkeys(cells, str(title)))
    width = Counter(line for _, line in taken)
    if hole := next((line for line in sorted(width) if width[line] != COLUMNS), None):
        yield Finding(document.path, f"grid line {hole} has a hole: {width[hole]} of {COLUMNS} columns are filled")


def _cells(box: Mapping[str, Any]) -> list[tuple[int, int]]:
    """The grid cells that a box covers; none when it is not inside the grid."""
    numbers = [value for value in (box.get(key) for key in "xywh") if isinstance(value, int)]
    if len(numbers) != 4:
        return []
    x, y, w, h = numbers
    if w < 1 or h < 1 or x < 0 or y < 0 or x + w > COLUMNS:
        return []
    return [(column, line) for column in range(x, x + w) for line in range(y, y + h)]


def uids(bundle: Bundle) -> Iterator[Finding]:
    """Every dashboard has a uid of up to 40 small letters, digits and dashes, its own and its file's name."""
    counted = Counter(document.uid for document in bundle.documents)
    for document in bundle.documents:
        if not _UID.fullmatch(document.uid):
            yield Finding(document.path, f"the uid '{document.uid}' is not up to 40 small letters, digits and dashes")
        elif counted[document.uid] > 1:
            yield Finding(document.path, f"the uid '{document.uid}' is another file's too; Grafana then loads neither")
        elif not document.path.endswith(f"/{document.uid}.json"):
            yield Finding(document.path, f"the file is not called after its uid '{document.uid}'")


def titles(bundle: Bundle) -> Iterator[Finding]:
    """No two dashboards of one folder share a title; Grafana would stop loading any."""
    counted = Counter((document.folder, document.data.get("title")) for document in bundle.documents)
    for document in bundle.documents:
        title = document.data.get("title")
        if not title:
            yield Finding(document.path, "the dashboard has no title")
        elif counted[document.folder, title] > 1:
            yield Finding(document.path, f"the folder '{document.folder}' has more than one dashboard '{title}'")


def runtime_state(bundle: Bundle) -> Iterator[Finding]:
    """Nothing in the file is what a running Grafana adds: ids, versions, chosen values."""
    for document in bundle.documents:
        for key in _RUNTIME_KEYS:
            if document.data.get(key) is not None:
                yield Finding(document.path, f"'{key}' belongs to a running Grafana, not to a file")
        for variable in document.variables:
            if variable.get("current"):
                yield Finding(document.path, f"the variable '{variable.get('name')}' has a saved value")


def ref_ids(bundle: Bundle) -> Iterator[Finding]:
    """The queries of a panel are named by single capital letters, each once."""
    for document, panel in _panels(bundle):
        refs = [target.ref for target in panel.targets]
        if len(set(refs)) != len(refs) or not all(re.fullmatch("[A-Z]", ref) for ref in refs):
            yield Finding(document.path, f"'{panel.title}' names its queries {', '.join(refs)}", panel.id)


def words(bundle: Bundle) -> Iterator[Finding]:
    """Calculations and transformations are ones that Grafana knows."""
    for document, panel in _panels(bundle):
        options = panel.data.get("options") or {}
        calcs = [*_list(options.get("legend"), "calcs"), *_list(options.get("reduceOptions"), "calcs")]
        used = [str(each.get("id")) for each in panel.data.get("transformations") or ()]
        for unknown in sorted({*calcs} - CALCS) + sorted({*used} - TRANSFORMATIONS):
            yield Finding(document.path, f"'{panel.title}' uses '{unknown}', which Grafana does not know", panel.id)


def conventions(bundle: Bundle) -> Iterator[Finding]:
    """Every dashboard is read-only, in the reader's time zone, shares one crosshair and asks twice a minute at most."""
    wanted = {"editable": False, "timezone": "browser", "graphTooltip": 1}
    for document in bundle.documents:
        for key, value in wanted.items():
            if document.data.get(key) != value:
                yield Finding(document.path, f"'{key}' is {document.data.get(key)!r}, not {value!r}")
        if not re.fullmatch(r"30s|[1-9]\d*[mh]", str(document.data.get("refresh") or "")):
            yield Finding(document.path, f"it refreshes every {document.data.get('refresh')!r}; 30s is often enough")
        for each in (*(document.data.get("links") or ()), *document.annotations):
            if "placement" in each:
                name = each.get("title") or each.get("name")
                yield Finding(document.path, f"'{name}' is hidden in a menu by its 'placement'")


def _panels(bundle: Bundle) -> Iterator[tuple[Document, PanelView]]:
    for document in bundle.documents:
        for panel in document.panels:
            yield document, panel


def _list(options: Mapping[str, Any] | None, key: str) -> list[str]:
    return list((options or {}).get(key) or ())
