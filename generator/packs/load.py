"""Packs from their folders: read, checked for shape, and joined with the pack they are based on.

Owns reading; what a pack means for a service is generator.packs.instantiate. Packs are package data, read once a run.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from generator.conventions import OWN_PACK
from generator.diagnostics import Diagnostic, Problems, Span
from generator.packs.case_schema import TestsFile
from generator.packs.schema import (
    ExporterSpec,
    OneOf,
    PackFile,
    PanelsFile,
    ParamSpec,
    ParamType,
    RulesFile,
    parse_value,
)
from generator.packs.template import pack_problem
from generator.site.model import ParamValue

PACKS: Final = Path(__file__).resolve().parents[2] / "packs"
# How a pack's file is named in messages and in an alert's origin.
LABEL: Final = "packs"

Model = TypeVar("Model", bound=BaseModel)
_TEXT: Final = "tag:yaml.org,2002:str"


@dataclass(frozen=True, slots=True)
class Param:
    """A knob of a pack, its values converted: ratios from 0 to 1, seconds, bytes.

    `kind` is the pack whose pack.yaml declares it: services.yaml sets it as `params: {KIND: {NAME: VALUE}}`.
    """

    kind: str
    name: str
    type: ParamType
    default: ParamValue
    why: str
    unit: str
    min: float | None
    max: float | None
    holds: str = ""

    @property
    def path(self) -> str:
        """Kind and name, as services.yaml nests them: `http.latency_p95`; a custom alert's has no kind."""
        return self.name if self.kind == OWN_PACK else f"{self.kind}.{self.name}"


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack, complete. `source` is the pack whose rules these are: itself, or the one it is based on."""

    name: str
    source: str
    folder: Path
    spec: PackFile
    rules: RulesFile
    panels: PanelsFile
    params: Mapping[str, Param]
    runbooks: Mapping[str, str]
    lines: Mapping[str, Span]
    # Of a pack that is no folder: its cases, the place of all of it, and what distinguishes it from others of its name.
    tests: TestsFile | None = None
    place: Span | None = None
    digest: str = ""
    # The runbooks of alerts that no rule makes.
    events: Mapping[str, str] = field(default_factory=dict)
    # The edges of the histograms that indicators read, as the pack's fixtures have them.
    edges: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The pack's name for people."""
        return self.spec.title

    @property
    def alert_names(self) -> tuple[str, ...]:
        """The names of all alerts, in the order of rules.yaml."""
        return tuple(alert.name for alert in self.rules.alerts)

    @property
    def needs(self) -> tuple[str, ...]:
        """The fields of a service that the pack cannot do without."""
        return tuple(self.spec.needs)

    @property
    def exporter(self) -> ExporterSpec | None:
        """The exporter that speaks the service's protocol, if one is needed."""
        return self.spec.exporter

    @property
    def relabel(self) -> tuple[Mapping[str, object], ...]:
        """metric_relabel_configs that map the service's metrics to the pack's names."""
        return tuple(self.spec.relabel)

    @property
    def own_metrics(self) -> tuple[str, ...]:
        """How the names begin of which only those are stored that something reads."""
        return tuple(self.spec.own_metrics)

    @property
    def required_metrics(self) -> tuple[str, ...]:
        """Metrics of which a service has at least one, whichever program exports them."""
        return tuple(metric for program in self.spec.programs for metric in program.metrics)

    @property
    def each_required(self) -> tuple[str, ...]:
        """Metrics each of which has to be there."""
        groups = [each.one_of if isinstance(each, OneOf) else [each] for each in self.spec.requires]
        metrics = [[each.metrics for each in group if not each.may_be_absent] for group in groups]
        return tuple(sorted({name for lists in metrics if lists for name in set.intersection(*map(set, lists))}))

    @property
    def required_labels(self) -> tuple[tuple[str, str], ...]:
        """Metric and label, each that the pack's rules read, of whichever program exports it."""
        groups = [each.one_of if isinstance(each, OneOf) else [each] for each in self.spec.requires]
        pairs = [[{(m, label) for m, names in each.labels.items() for label in names} for each in g] for g in groups]
        return tuple(sorted({pair for group in pairs for pair in set.intersection(*group)}))

    def span(self, file: str, line: int = 1) -> Span:
        """A place in one of the pack's files."""
        return self.place or Span(f"{LABEL}/{self.source}/{file}", line, 1, 1)


@cache
def load_packs(root: Path = PACKS) -> Mapping[str, Pack]:
    """All packs by name. Raises Problems naming the file when one is broken."""
    folders = sorted(path.parent for path in root.glob("*/pack.yaml"))
    own = {folder.name: _load_pack_file(folder) for folder in folders}
    packs = {folder.name: _load_whole(folder, own[folder.name]) for folder in folders if not own[folder.name].based_on}
    for folder in folders:
        base = own[folder.name].based_on
        if base and base not in packs:
            raise pack_problem(f"based_on: no pack with rules is called '{base}'", _label(folder, "pack.yaml"))
        if base:
            packs[folder.name] = _derive(folder, own[folder.name], packs[base])
    return dict(sorted(packs.items()))


@cache
def load_tests(folder: Path) -> TestsFile:
    """tests.yaml of the pack in `folder`."""
    return _parse(folder, "tests.yaml", TestsFile)[0]


def tests_of(pack: Pack) -> TestsFile:
    """tests.yaml of a pack, or of the one whose rules it uses."""
    return pack.tests or load_tests(pack.folder.parent / pack.source)


def read_yaml(path: Path, label: str) -> tuple[Any, yaml.Node]:
    """A YAML file as data and as nodes that know their lines; a key written twice is an error."""
    if not path.is_file():
        raise pack_problem(f"the pack has no {path.name}", label)
    loader = yaml.CSafeLoader(path.read_text(encoding="utf-8"))
    try:
        node = loader.get_single_node()
        if node is None:
            raise pack_problem("the file is empty", label)
        return _data(node, loader, label), node
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise pack_problem(f"this is not valid YAML: {error.problem}", label, line) from error
    finally:
        loader.dispose()


def _label(folder: Path, file: str) -> str:
    return f"{LABEL}/{folder.name}/{file}"


def _load_pack_file(folder: Path) -> PackFile:
    return _parse(folder, "pack.yaml", PackFile)[0]


def _load_whole(folder: Path, spec: PackFile) -> Pack:
    rules, written = _parse(folder, "rules.yaml", RulesFile)
    return Pack(
        name=folder.name,
        source=folder.name,
        folder=folder,
        spec=spec,
        rules=rules,
        panels=_parse(folder, "panels.yaml", PanelsFile)[0],
        params=_params(folder.name, spec.params),
        runbooks=_read_runbooks(folder, [alert.name for alert in rules.alerts]),
        events=_read_runbooks(folder, spec.events),
        lines=_rule_lines(written, _label(folder, "rules.yaml")),
        edges=_edges(folder, spec),
    )


def _derive(folder: Path, spec: PackFile, base: Pack) -> Pack:
    """A pack that maps onto `base`: the base's rules over the pack's own metrics and exporter."""
    params = {**base.spec.params, **spec.params}
    signals = {**base.spec.signals, **spec.signals}
    indicators = {**base.spec.indicators, **spec.indicators}
    merged = spec.model_copy(update={"params": params, "signals": signals, "indicators": indicators})
    # A parameter of the base stays the base's, with another default or without.
    known = {**_params(folder.name, params), **_params(base.name, {name: params[name] for name in base.params})}
    edges = _edges(folder, merged)
    return replace(base, name=folder.name, folder=folder, spec=merged, params=known, edges=edges)


def _edges(folder: Path, spec: PackFile) -> dict[str, tuple[float, ...]]:
    """Read with the pack, so that what is resolved later reads nothing."""
    names = sorted({indicator.histogram for indicator in spec.indicators.values() if indicator.histogram})
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("fixtures/*.prom")) if names)
    found = {name: re.findall(rf'^{name}_bucket{{[^}}]*le="([\d.e+-]+)"', text, re.MULTILINE) for name in names}
    return {name: tuple(sorted({float(edge) for edge in edges})) for name, edges in found.items()}


def _params(kind: str, specs: Mapping[str, ParamSpec]) -> dict[str, Param]:
    params = {}
    for name, spec in specs.items():
        bounds = [None if raw is None else parse_value(spec.type, raw) for raw in (spec.min, spec.max)]
        low, high = (None if bound is None else float(bound) for bound in bounds)
        default = parse_value(spec.type, spec.default)
        params[name] = Param(kind, name, spec.type, default, spec.why, spec.unit, low, high, spec.holds)
    return params


def _read_runbooks(folder: Path, alerts: Iterable[str]) -> dict[str, str]:
    """By alert, what its runbook says. Raises Problems that name all that are missing."""
    paths = {alert: folder / "runbooks" / f"{alert}.md" for alert in alerts}
    if missing := [alert for alert, path in paths.items() if not path.is_file()]:
        spans = {alert: Span(_label(folder, f"runbooks/{alert}.md"), 1, 1, 1) for alert in missing}
        raise Problems(Diagnostic("pack/invalid", f"the alert {a} has no runbook", at) for a, at in spans.items())
    return {alert: path.read_text(encoding="utf-8") for alert, path in paths.items()}


def _parse(folder: Path, file: str, model: type[Model]) -> tuple[Model, yaml.Node]:
    """What a file says, and its nodes."""
    label = _label(folder, file)
    data, node = read_yaml(folder / file, label)
    try:
        return model.model_validate(data), node
    except ValidationError as error:
        raise Problems(
            Diagnostic(
                "pack/invalid",
                f"{'.'.join(str(step) for step in problem['loc'])}: {problem['msg']}",
                Span(label, _line(node, problem["loc"]), 1, 1),
            )
            for problem in error.errors()
        ) from error


def line_of(folder: Path, file: str, path: tuple[int | str, ...]) -> int:
    """The line of a pack's file at which the entry at `path` stands."""
    return _line(read_yaml(folder / file, _label(folder, file))[1], path)


def _line(node: yaml.Node, path: tuple[int | str, ...]) -> int:
    """The line of the entry at `path`, or of the nearest one around it."""
    for step in path:
        child = None
        if isinstance(node, yaml.MappingNode):
            child = next((value for key, value in node.value if key.value == step), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            child = node.value[step]
        if child is None:
            break
        node = child
    return int(node.start_mark.line) + 1


def _rule_lines(node: yaml.Node, label: str) -> dict[str, Span]:
    """Where each record and alert of rules.yaml is written, by its name."""
    lines: dict[str, Span] = {}
    for key, entries in node.value:
        for entry in entries.value if key.value in ("records", "alerts") else ():
            name = next(value.value for word, value in entry.value if word.value == "name")
            line = entry.start_mark.line + 1
            if name in lines:
                raise pack_problem(f"'{name}' is written twice", label, line)
            lines[name] = Span(label, line, 1, 1)
    return lines


def _data(node: yaml.Node, loader: yaml.CSafeLoader, label: str) -> Any:
    """What a node says. PyYAML's own way from a node to data takes five times as long, and knows no duplicates."""
    if isinstance(node, yaml.MappingNode):
        found: dict[Any, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise pack_problem("a key must be a plain word", label, key.start_mark.line + 1)
            name = _data(key, loader, label)
            if name in found:
                raise pack_problem(f"'{key.value}' is written twice", label, key.start_mark.line + 1)
            found[name] = _data(value, loader, label)
        return found
    if isinstance(node, yaml.SequenceNode):
        return [_data(value, loader, label) for value in node.value]
    return node.value if node.tag == _TEXT else loader.construct_object(node)
