"""Rule files of the user's own, in prometheus/custom: whether Prometheus stores what they read.

Of its own parts and exporters Lookout stores what something that it renders reads. It does not render these files, so a
rule in one of them could read a metric that is not stored, and never fire. promtool judges the rest of them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import promql_parser as pp

from generator.diagnostics import Diagnostic, Problems, Span
from generator.promql.tree import PromQLError, parse, walk
from generator.render.prometheus.keep import not_stored
from generator.site.model import Site
from generator.source.read import Source, load_source

CUSTOM: Final = "prometheus/custom"


def custom_rules(folder: Path) -> list[str]:
    """The paths of the files, from `folder`."""
    return sorted(str(path.relative_to(folder)) for path in (folder / CUSTOM).glob("*.yml"))


def check_custom(site: Site, folder: Path) -> list[Diagnostic]:
    """A problem for each metric that a rule reads and no scrape job stores."""
    read = [found for path in custom_rules(folder) for found in _read(folder, path)]
    # Asked once: to answer it, all rules and panels of the site are read.
    missing = set(not_stored(site, {name for name, _ in read})) if read else set()
    return [_unstored(name, span) for name, span in read if name in missing]


def _read(folder: Path, path: str) -> Iterator[tuple[str, Span]]:
    """The metrics that the rules of a file read, and where."""
    try:
        source = load_source((folder / path).read_text(encoding="utf-8"), path)
    except (OSError, UnicodeDecodeError, Problems):  # promtool says so
        return
    for expr, span in _expressions(source):
        yield from ((name, span) for name in _names(expr))


def _unstored(name: str, span: Span) -> Diagnostic:
    message = f"no rule or panel of Lookout reads '{name}', so Prometheus does not store it"
    return Diagnostic("check/not-stored", message, span, hint=f"write stack: {{keep_metrics: [{name}]}}")


def _expressions(source: Source) -> Iterator[tuple[str, Span]]:
    groups = source.data.get("groups") if isinstance(source.data, dict) else None
    for at, group in enumerate(_list(groups)):
        for number, rule in enumerate(_list(group.get("rules") if isinstance(group, dict) else None)):
            expr = rule.get("expr") if isinstance(rule, dict) else None
            if isinstance(expr, str):
                yield expr, source.value_span(("groups", at, "rules", number, "expr"))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _names(expr: str) -> list[str]:
    try:
        tree = parse(expr)
    except PromQLError:  # promtool says so
        return []
    return sorted({node.name for node in walk(tree) if isinstance(node, pp.VectorSelector) and node.name})
