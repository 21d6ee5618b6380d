"""YAML text to plain data, remembering where every key and value stands.

Owns positions. It knows nothing of what the file means. YAML 1.2 rules for plain words: only true and false are
booleans, dates and clock times stay text, so that `on`, `no`, `12:30` and `2026-11-23` mean what they say.
"""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import yaml
from yaml.composer import Composer

from generator.diagnostics import Diagnostic, Problems, Span

Path = tuple[str | int, ...]

MAX_DEPTH: Final = 50


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry stands: its key (None in a list and at the root) and its value."""

    key: Span | None
    value: Span


@dataclass(frozen=True, slots=True)
class Source:
    """A parsed file: its data and the place of every entry in it."""

    file: str
    text: str
    data: Any
    places: dict[Path, Place]

    def value_span(self, path: Path) -> Span:
        """The span of the value at `path`, or of the nearest entry around it."""
        return self._nearest(path).value

    def key_span(self, path: Path) -> Span:
        """The span of the key at `path`, or of the nearest entry around it."""
        place = self._nearest(path)
        return place.key or place.value

    def _nearest(self, path: Path) -> Place:
        for length in range(len(path), -1, -1):
            place = self.places.get(tuple(path[:length]))
            if place:
                return place
        return Place(None, Span(self.file, 1, 1, 1))


class _Loader(yaml.SafeLoader):
    """SafeLoader with the plain words of YAML 1.2 (see the module's docstring)."""


class _Quick(Composer, yaml.CSafeLoader):
    """The same on libyaml's tokens, some times as fast. Its messages differ: what it refuses, the other one judges.

    Nodes are made of them by PyYAML's Python: its C code knows no limit of depth and ends the process.
    """

    def __init__(self, stream: str) -> None:
        yaml.CSafeLoader.__init__(self, stream)
        Composer.__init__(self)


_Loader.yaml_implicit_resolvers, _Quick.yaml_implicit_resolvers = {}, {}
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?(\d+\.\d*|\.\d+|\d+(?=[eE]))([eE][-+]?\d+)?", "-+.0123456789"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
):
    for _each in (_Loader, _Quick):
        _each.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))


def load_source(text: str, file: str) -> Source:
    """Parse `text`. Raises Problems with every duplicate key, alias and tag, or the first syntax error."""
    try:
        node = _nodes(text)
    except yaml.MarkedYAMLError as error:
        raise Problems([_syntax_error(error, file, len(text.splitlines()))]) from error
    except yaml.YAMLError as error:
        raise Problems([_unreadable_character(error, text, file)]) from error
    except RecursionError as error:
        raise Problems([Diagnostic("source/syntax", "the file is nested too deeply", Span(file, 1, 1, 1))]) from error
    if node is None or _is_null(node):
        raise Problems([Diagnostic("source/empty", "the file is empty", Span(file, 1, 1, 1))])
    builder = _Builder(file)
    data = builder.build(node, (), None)
    if builder.problems:
        raise Problems(builder.problems)
    return Source(file, text, data, builder.places)


# What libyaml takes though PyYAML refuses it, or counts otherwise: `a?b` within braces, tabs, marks of byte order.
_DISPUTED: Final = re.compile("[^\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff]|\\?")


def _nodes(text: str) -> yaml.Node | None:
    if not _DISPUTED.search(text):
        with contextlib.suppress(yaml.YAMLError):
            return yaml.compose(text, Loader=_Quick)
    return yaml.compose(text, Loader=_Loader)


# What a YAML escape can put into a text though no tool and no person can read it: controls, halves of characters.
_UNREADABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_PLAIN_TAGS: Final = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


class _Builder:
    """Walks the node tree once, building data and places and collecting problems."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.places: dict[Path, Place] = {}
        self.problems: list[Diagnostic] = []
        self.seen: set[int] = set()
        self.loader = _Loader("")

    def build(self, node: yaml.Node, path: Path, key: Span | None) -> Any:
        span = self._span(node)
        self.places[path] = Place(key, span)
        if id(node) in self.seen:
            self._problem("source/alias", "aliases (*name) are not supported here; write the value out", span)
            return None
        self.seen.add(id(node))
        if len(path) > MAX_DEPTH:
            self._problem("source/syntax", "the file is nested too deeply", span)
            return None
        if not isinstance(node, yaml.ScalarNode) and node.tag not in _PLAIN_TAGS:
            self._problem("source/tag", f"the tag {node.tag} is not supported here", span)
            return None
        if isinstance(node, yaml.MappingNode):
            return dict(self._entries(node, path))
        if isinstance(node, yaml.SequenceNode):
            return [self.build(child, (*path, index), None) for index, child in enumerate(node.value)]
        return self._scalar(node, span)

    def _entries(self, node: yaml.MappingNode, path: Path) -> Iterator[tuple[str, Any]]:
        first: dict[str, Span] = {}
        for key_node, value_node in node.value:
            span = self._span(key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                self._problem("source/syntax", "a key must be a plain word", span)
                continue
            name = str(key_node.value)
            self._check_readable(name, span)
            if name in first:
                note = f"first written on line {first[name].line}"
                self._problem("source/duplicate-key", f"'{name}' is written twice", span, note)
                continue
            first[name] = span
            yield name, self.build(value_node, (*path, name), span)

    def _scalar(self, node: yaml.Node, span: Span) -> Any:
        try:
            value = self.loader.construct_object(node)
        except (yaml.YAMLError, ValueError, OverflowError, IndexError):
            self._problem("source/tag", f"the tag or value {node.tag} is not supported here", span)
            return None
        if isinstance(value, str):
            self._check_readable(value, span)
        if isinstance(value, bytes | set | tuple | list | dict):
            self._problem("source/tag", f"the tag {node.tag} is not supported here", span)
            return None
        return value

    def _check_readable(self, text: str, span: Span) -> None:
        if found := _UNREADABLE.search(text):
            message = f"this text holds U+{ord(found[0]):04X}, a character that cannot be shown or sent"
            self._problem("source/unreadable", message, span)

    def _span(self, node: yaml.Node) -> Span:
        start, end = node.start_mark, node.end_mark
        # The end of a block follows from what comes after it.
        block = isinstance(node, yaml.CollectionNode) and not node.flow_style
        length = end.column - start.column if end.line == start.line and not block else 1
        return Span(self.file, start.line + 1, start.column + 1, start.column + 1 + max(length, 1))

    def _problem(self, code: str, message: str, span: Span, *notes: str) -> None:
        self.problems.append(Diagnostic(code, message, span, notes=notes))


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _syntax_error(error: yaml.MarkedYAMLError, file: str, lines: int) -> Diagnostic:
    """At the problem; where that is the end of the file, at the thing that was begun and never ended."""
    at_end = error.problem_mark is None or error.problem_mark.line >= lines
    mark = error.context_mark if at_end and error.context_mark else error.problem_mark
    span = Span(file, mark.line + 1, mark.column + 1, mark.column + 2) if mark else Span(file, 1, 1, 1)
    message = ": ".join(filter(None, (error.context, error.problem)))
    return Diagnostic("source/syntax", f"this is not valid YAML: {message}", span)


def _unreadable_character(error: yaml.YAMLError, text: str, file: str) -> Diagnostic:
    position = getattr(error, "position", 0)
    before = text[:position] if isinstance(position, int) else ""
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    message = "this character is not allowed in YAML; save the file as UTF-8 without control characters"
    return Diagnostic("source/unreadable", message, Span(file, line, column, column + 1))
