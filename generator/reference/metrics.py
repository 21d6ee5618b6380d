"""docs/reference/metrics.md: every metric that a pack asks for, as the real exporters print it.

Owns which metrics a pack asks for, and what the exporters say of them. What the library for apps exports is the
library's own page.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from generator.artifact import Artifact
from generator.packs import Pack
from generator.packs.fixtures import read_fixtures
from generator.packs.relabel import relabelled
from generator.reference.markdown import Packs, page, table, with_rules

_INTRO = """\
# Metrics

Every metric that the alerts and panels of some kind ask for. The type and the meaning are those that the real exporters
print ([fixtures](../add-a-pack.md#runbooks-and-fixtures)). An app with the library exports [these](app-metrics.md).
What a kind cannot work without is on its [page](kinds.md).
"""
_META = re.compile(r"^# (HELP|TYPE) (\w+) (.+)$", re.MULTILINE)
_PARTS = ("_bucket", "_count", "_sum")


@dataclass(frozen=True, slots=True)
class Printed:
    """What fixtures say of all metrics: names as they are stored, and help and type by the name that is printed."""

    names: frozenset[str]
    help: Mapping[str, str]
    types: Mapping[str, str]

    def family(self, name: str) -> str:
        """The metric that a series belongs to: a histogram for its buckets."""
        whole = next((name.removesuffix(part) for part in _PARTS if name.endswith(part)), name)
        return whole if self.types.get(whole) in ("histogram", "summary") else name


def metrics_page(packs: Packs) -> Artifact:
    """The page."""
    printed = read_printed(packs)
    kinds: dict[str, set[str]] = {}
    for pack in with_rules(packs):
        for metric in metrics_of(pack, printed):
            kinds.setdefault(printed.family(metric), set()).add(pack.name)
    rows = [
        (
            f"`{metric}`",
            printed.types.get(metric, ""),
            printed.help.get(metric, ""),
            ", ".join(f"[{name}](kinds/{name}.md)" for name in sorted(named)),
        )
        for metric, named in sorted(kinds.items())
    ]
    return page("metrics", [_INTRO, table(("Metric", "Type", "Meaning", "Kinds"), rows)])


def read_printed(packs: Packs) -> Printed:
    """All fixtures of the packs."""
    names: set[str] = set()
    said: dict[str, dict[str, str]] = {"HELP": {}, "TYPE": {}}
    for pack in packs.values():
        files = sorted(pack.folder.glob("fixtures/*.prom"))
        names |= {series.name for series in relabelled(read_fixtures(files), pack.relabel)}
        for file in files:
            for what, metric, text in _META.findall(file.read_text(encoding="utf-8")):
                said[what].setdefault(metric, text)
    return Printed(frozenset(names), said["HELP"], said["TYPE"])


def metrics_of(pack: Pack, printed: Printed) -> list[str]:
    """The metrics, as stored, that the files of a pack with rules of its own ask for."""
    texts = [(pack.folder / f"{file}.yaml").read_text(encoding="utf-8") for file in ("pack", "rules", "panels")]
    words = set(re.findall(r"\w+", "\n".join(texts)))
    patterns = [re.compile(each) for each in re.findall(r'__name__=~"([^"<]+)"', "\n".join(texts))]
    known = printed.names | set(pack.required_metrics)
    return sorted(name for name in known if name in words or any(each.fullmatch(name) for each in patterns))
