"""docs/alerts.md: every promise with the alerts, proofs and runbooks that keep it, out of all packs.

Owns the page's layout; what keeps what is generator.packs.promises' business.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from generator.artifact import Artifact
from generator.conventions import GENERATED
from generator.packs.load import tests_of
from generator.packs.promises import Keeper, PromiseSpec, keepers, load_promises, packs_with
from generator.site.model import Site

PATH: Final = "docs/alerts.md"
_PACKS: Final = "../packs"
_INTRO: Final = """\
# Alerts

Everything that Lookout promises to notice and to measure, and what keeps the promise. A proof is a test for promtool
that is rendered from the fault in the pack's tests.yaml: the alert is quiet on good data, fires on bad data with
exactly its labels and text, resolves, and is silent at the very limit. `make mutants` makes every alert wrong in every
way that counts, and its proof has to notice. Which alerts your own services have, for what:
[coverage](coverage.md); how soon they tell an outage: [detection](detection.md).
"""
_HEAD: Final = ("| Alert | Kind | Severity | Proven with | Runbook |", "|---|---|---|---|---|")


def render_promises(_: Site) -> tuple[Artifact, ...]:
    """The page; it is about packs and not about the site."""
    every, promises = keepers(), load_promises()
    lines = [f"<!-- {GENERATED} -->", _INTRO]
    for name, promise in promises.alerts.items():
        lines += [f"## {name}", "", promise.says, "", *_kept_by(promise)]
        lines += _table(keeper for keeper in every if name in keeper.alert.promises)
    lines += ["## Beyond these", "", "What else the packs tell.", ""]
    lines += _table(keeper for keeper in every if not keeper.alert.promises)
    lines += ["# Metrics", "", "What is measured, and the kinds whose alerts and panels ask for it.", ""]
    for name, promise in promises.metrics.items():
        lines += [f"## {name}", "", promise.says, "", *_kept_by(promise), *_metrics(promise)]
    return (Artifact(PATH, "\n".join(lines).rstrip("\n") + "\n"),)


def _kept_by(promise: PromiseSpec) -> Iterator[str]:
    if promise.kept_by:
        yield "Kept by a mechanism; what fails when it does not:"
        yield ""
        for test in promise.kept_by:
            yield f"- [{test.partition('::')[2]}](../{test.partition('::')[0]})"
        yield ""


def _table(kept: Iterable[Keeper]) -> list[str]:
    rows = [_row(keeper) for keeper in kept]
    return [*_HEAD, *rows, ""] if rows else []


def _row(keeper: Keeper) -> str:
    pack, alert = keeper.pack, keeper.alert
    fault = tests_of(pack).alerts[alert.name].fault.rstrip(".")
    proof = f"[{_cell(fault)}]({_PACKS}/{pack.name}/tests.yaml)"
    runbook = f"[what to do]({_PACKS}/{pack.name}/runbooks/{alert.name}.md)"
    return f"| {alert.name} | {pack.name} | {alert.severity} | {proof} | {runbook} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


def _metrics(promise: PromiseSpec) -> list[str]:
    rows = [f"| `{metric}` | {', '.join(packs_with(metric))} |" for metric in promise.metrics]
    return ["| Metric | Kinds |", "|---|---|", *rows, ""] if rows else []
