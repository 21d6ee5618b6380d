"""Rendered dashboards as the rules see them: JSON with names for what is asked of it often.

Reading alone: nothing here judges. A missing key reads as nothing, because its absence is for a rule to report.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import yaml

from generator.conventions import MAY_BE_EMPTY, RUNBOOKS_PATH, runbook_url
from generator.site.model import Site

DASHBOARDS: Final = "grafana/dashboards/"
PROVISIONING: Final = "grafana/provisioning/"


class UnreadableFile(ValueError):
    """A file that is not what its name says."""


@dataclass(frozen=True)
class QueryTarget:
    """One query of a panel."""

    data: Mapping[str, Any]

    @property
    def expr(self) -> str:
        return str(self.data.get("expr", ""))

    @property
    def ref(self) -> str:
        return str(self.data.get("refId", ""))

    @property
    def legend(self) -> str:
        return str(self.data.get("legendFormat") or "")

    @property
    def kind(self) -> str:
        """`prometheus` or `loki`."""
        return str((self.data.get("datasource") or {}).get("type", ""))

    @property
    def instant(self) -> bool:
        return self.data.get("instant") is True or self.data.get("queryType") == "instant"


@dataclass(frozen=True)
class PanelView:
    """One panel, wherever it stands, and the titled row that it stands in."""

    data: Mapping[str, Any]
    row: str
    collapsed: bool

    @property
    def id(self) -> Any:
        return self.data.get("id")

    @property
    def title(self) -> str:
        return str(self.data.get("title") or "")

    @property
    def type(self) -> str:
        return str(self.data.get("type", ""))

    @property
    def description(self) -> str:
        return str(self.data.get("description") or "")

    @property
    def empty_reason(self) -> str | None:
        """Why the panel may show nothing; None when it must show something."""
        _, mark, reason = self.description.partition(MAY_BE_EMPTY)
        return reason.strip() if mark else None

    @property
    def defaults(self) -> Mapping[str, Any]:
        config = self.data.get("fieldConfig") or {}
        return config.get("defaults") or {}

    @property
    def targets(self) -> tuple[QueryTarget, ...]:
        return tuple(QueryTarget(each) for each in self.data.get("targets") or ())

    @property
    def thresholds(self) -> tuple[float, ...]:
        """The values at which the panel changes colour."""
        steps = (self.defaults.get("thresholds") or {}).get("steps") or ()
        return tuple(float(step["value"]) for step in steps if step.get("value") is not None)

    @property
    def links(self) -> Iterator[Mapping[str, Any]]:
        """Links in the header and on the data, those of overrides included."""
        yield from self.data.get("links") or ()
        yield from self.defaults.get("links") or ()
        for override in (self.data.get("fieldConfig") or {}).get("overrides") or ():
            for each in override.get("properties") or ():
                if each.get("id") == "links":
                    yield from each.get("value") or ()


@dataclass(frozen=True)
class Document:
    """One dashboard file."""

    path: str
    text: str
    data: Mapping[str, Any]

    @property
    def uid(self) -> str:
        return str(self.data.get("uid") or "")

    @property
    def folder(self) -> str:
        return self.path.removeprefix(DASHBOARDS).rpartition("/")[0]

    @property
    def tags(self) -> tuple[str, ...]:
        return tuple(self.data.get("tags") or ())

    @property
    def variables(self) -> tuple[Mapping[str, Any], ...]:
        return tuple((self.data.get("templating") or {}).get("list") or ())

    @property
    def annotations(self) -> tuple[Mapping[str, Any], ...]:
        return tuple((self.data.get("annotations") or {}).get("list") or ())

    @property
    def rows(self) -> tuple[Mapping[str, Any], ...]:
        return tuple(each for each in self.data.get("panels") or () if each.get("type") == "row")

    @cached_property
    def panels(self) -> tuple[PanelView, ...]:
        """All panels, those inside collapsed rows included; rows themselves are not panels."""
        found: list[PanelView] = []
        title = ""
        for each in self.data.get("panels") or ():
            if each.get("type") == "row":
                title = str(each.get("title") or "")
                found += [PanelView(inner, title, True) for inner in each.get("panels") or ()]
            else:
                found.append(PanelView(each, title, False))
        return tuple(found)

    def line_of(self, panel: Any) -> int:
        """The line on which a panel's id is written; 1 when it is nowhere."""
        place = self.text.find(f'"id": {panel}')
        return self.text.count("\n", 0, place) + 1 if place >= 0 else 1


@dataclass(frozen=True)
class Bundle:
    """Everything that is judged together: all dashboards, the provisioning files, and the Site they came from."""

    documents: tuple[Document, ...]
    provisioning: Mapping[str, Any]
    site: Site | None = None

    @cached_property
    def by_uid(self) -> Mapping[str, Document]:
        return {document.uid: document for document in self.documents}

    @cached_property
    def runbook_pages(self) -> frozenset[str]:
        """The runbooks that there are, below their common address: each alert's, each service's, and the list."""
        alerts = self.site.alerts if self.site else ()
        pages = {runbook_url("", alert.service, alert.name).removeprefix(f"{RUNBOOKS_PATH}/") for alert in alerts}
        return frozenset({"", *pages, *(alert.service for alert in alerts)})

    @cached_property
    def datasources(self) -> tuple[Mapping[str, Any], ...]:
        """Every provisioned data source."""
        return tuple(
            source
            for content in self.provisioning.values()
            if isinstance(content, Mapping)
            for source in content.get("datasources") or ()
        )


def read_document(path: str, text: str) -> Document:
    """The dashboard in a file. Raises Unreadable."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise UnreadableFile(f"not JSON: {error}") from error
    if not isinstance(data, dict):
        raise UnreadableFile("not a JSON object")
    return Document(path, text, data)


def read_provisioning(text: str) -> Any:
    """The content of a provisioning file. Raises Unreadable."""
    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise UnreadableFile(f"not YAML: {error}") from error
