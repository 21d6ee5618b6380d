"""docs/reference/kinds.md and a page for each kind: what it needs, its parameters, its alerts and their limits.

Owns those pages, all of them out of the packs.
"""

import re
from collections.abc import Iterator
from typing import Final

from generator import units
from generator.artifact import Artifact
from generator.packs import Pack, Param, load_packs
from generator.packs.coverage import MODES
from generator.packs.load import tests_of
from generator.packs.schema import AlertSpec
from generator.reference.markdown import Packs, page, table

# From a page in docs/reference/kinds/ to the folder of packs.
_PACKS: Final = "../../../packs"
_INTRO: Final = """\
# Kinds

`kind` of a service in [services.yaml](services-yaml.md) names one or several of these; others come by themselves, for a
`url`, an `slo`, a host, the stack itself. Each is a folder in `packs/`, with alerts, panels, runbooks and
proofs. What no kind has: [an alert of your own](../alerts-of-your-own.md), or
[a new kind](../add-a-pack.md).

`params` of a service changes the thresholds of its alerts, each under the kind that has it:

```yaml
services:
  api:
    kind: [fastapi, llm]
    targets: [api:8000]
    params:
      http: {error_ratio_critical: 2%}
      llm: {latency_p95: 30s}
```
"""
_PLACEHOLDER: Final = re.compile(r"<<(.+?)>>|<%(.+?)%>", re.DOTALL)
_SIGNAL: Final = re.compile(r"\bsig\.(\w+)")


def kinds_pages(packs: Packs) -> tuple[Artifact, ...]:
    """The list, and a page for each kind."""
    rows = [(f"[{name}](kinds/{name}.md)", pack.title, _needs(pack)) for name, pack in packs.items()]
    index = page("kinds", [_INTRO, table(("Kind", "What it is", "Needs"), rows)])
    return (index, *(_kind(pack, load_packs()[pack.source]) for pack in packs.values()))


def _kind(pack: Pack, base: Pack) -> Artifact:
    derived = pack is not base
    borrowed = f"Alerts, panels and further parameters are those of [{base.name}]({base.name}.md)." if derived else ""
    params = {name: param for name, param in pack.params.items() if param.kind == pack.name}
    parts = [f"# {pack.name}", f"{pack.title}.", borrowed, "\n".join(_uses(pack))]
    if params:
        rows = [_param_row(param) for _, param in sorted(params.items())]
        parts += ["## Parameters", table((f"Under `{pack.name}`", "Default", "Bounds", "Why this default"), rows)]
    if not derived:
        rows = [_alert_row(pack, alert) for alert in pack.rules.alerts]
        head = ("Alert and runbook", "Severity", "Limits", "Waits", "Proven with")
        parts += ["## Alerts", f"As written: [rules.yaml]({_PACKS}/{pack.name}/rules.yaml).", table(head, rows)]
    return page(f"kinds/{pack.name}", parts)


def _uses(pack: Pack) -> Iterator[str]:
    if needs := _needs(pack):
        yield f"- Needs {needs}"
    for each in pack.spec.programs:
        metrics = ", ".join(f"`{metric}`" for metric in each.metrics)
        yield f"- Works with {each.exporter} {each.version}; cannot do without {metrics}"
    if pack.exporter:
        yield "- Lookout runs the exporter"
    if pack.spec.fails_by:
        yield f"- What has to be covered: {', '.join(f'{MODES[mode]} (`{mode}`)' for mode in pack.spec.fails_by)}"


def _needs(pack: Pack) -> str:
    return ", ".join(f"`{need}`" for need in pack.needs)


def _param_row(param: Param) -> tuple[str, ...]:
    bounds = [units.format_value(param.type, bound) for bound in (param.min, param.max) if bound is not None]
    return f"`{param.name}`", _default(param), " to ".join(bounds) or "any", param.why


def _default(param: Param) -> str:
    return units.format_value(param.type, param.default)


def _alert_row(pack: Pack, alert: AlertSpec) -> tuple[str, ...]:
    limits = [f"`{name}` {_default(pack.params[name])}" for name in limits_of(pack, alert.expr)]
    fault = tests_of(pack).alerts[alert.name].fault.rstrip(".")
    return (
        f"[{alert.name}]({_PACKS}/{pack.name}/runbooks/{alert.name}.md)",
        alert.severity,
        ", ".join(limits),
        _waits(pack, alert.hold),
        f"[{fault}]({_PACKS}/{pack.name}/tests.yaml)",
    )


def _waits(pack: Pack, hold: str) -> str:
    """How long the condition has to hold: a time, a parameter with its default, or what one scrape more takes."""
    inside = _inside(hold)
    if not inside:
        return hold
    named = limits_of(pack, hold)
    return f"`{named[0]}` {_default(pack.params[named[0]])}" if named else "two scrapes"


def limits_of(pack: Pack, text: str) -> list[str]:
    """The parameters in an expression and in the signals that it asks for, in the order of pack.yaml."""
    signals, waiting, words = set[str](), [text], set[str]()
    while waiting:
        inside = _inside(waiting.pop())
        asked = pack.spec.signals.keys() & set(_SIGNAL.findall(inside)) - signals
        signals |= asked
        waiting += [pack.spec.signals[name].expr for name in asked]
        words |= set(re.findall(r"\w+", _SIGNAL.sub("", inside)))
    return [name for name in pack.params if name in words]


def _inside(text: str) -> str:
    """What stands inside the placeholders of a text."""
    return " ".join("".join(parts) for parts in _PLACEHOLDER.findall(text))
