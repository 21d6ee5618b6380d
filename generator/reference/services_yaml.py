"""docs/services-yaml.md: every key of services.yaml and every parameter of every pack, from the models themselves."""

from collections.abc import Iterator
from typing import Final

from pydantic import BaseModel

from generator import units
from generator.artifact import Artifact
from generator.channels.registry import MESSENGERS
from generator.conventions import GENERATED
from generator.packs import Pack, Param, load_packs
from generator.site.model import Site
from generator.spec.alerts import OwnAlertSpec, RunbookSpec
from generator.spec.endpoints import BasicAuthSpec, ErrorsSpec, LogsSpec, MetricsSpec, MetricsTlsSpec, TlsSpec
from generator.spec.keys import Spec
from generator.spec.objectives import ObjectiveSpec, SloSpec
from generator.spec.people import (
    ChannelSpec,
    NotifySpec,
    PersonSpec,
)
from generator.spec.services import HostSpec, ServiceSpec
from generator.spec.stack import MachineSpec, RetentionSpec, StackSpec, WatchdogSpec

PATH: Final = "docs/services-yaml.md"

_INTRO: Final = """\
# services.yaml

The one file that you edit. Four lines are a working file:

```yaml
services:
  api:
    kind: fastapi
    targets: [api:8000]
```

After an edit, `make apply` makes the running stack follow. A mistake changes nothing: it is reported with its line
and column. `python -m generator schema` prints a JSON Schema for editors.

Durations are written 30s, 5m, 12h, 90d; ratios 5%; sizes 512MiB, 4GiB. A secret is written `secret:NAME`, and its
value stands in the file `secrets/NAME`, which git ignores.
"""

_KINDS: Final = """\
`kind` names packs; `params` changes their thresholds, each under the kind that has it:

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

# Where each model stands in the file; the order of the page.
_SECTIONS: Final[tuple[tuple[str, type[BaseModel]], ...]] = (
    ("The file", Spec),
    ("stack", StackSpec),
    ("stack.retention", RetentionSpec),
    ("stack.machine", MachineSpec),
    ("people.NAME", PersonSpec),
    ("channels.NAME", ChannelSpec),
    *((messenger.key, messenger.model) for messenger in MESSENGERS),
    ("notify", NotifySpec),
    ("watchdog", WatchdogSpec),
    ("services.NAME", ServiceSpec),
    ("services.NAME.tls", TlsSpec),
    ("services.NAME.metrics", MetricsSpec),
    ("services.NAME.metrics.basic_auth", BasicAuthSpec),
    ("services.NAME.metrics.tls", MetricsTlsSpec),
    ("services.NAME.errors", ErrorsSpec),
    ("services.NAME.slo", SloSpec),
    ("services.NAME.slo.NAME", ObjectiveSpec),
    ("services.NAME.logs", LogsSpec),
    ("services.NAME.alerts.ALERT", OwnAlertSpec),
    ("services.NAME.alerts.ALERT.runbook", RunbookSpec),
    ("hosts.NAME", HostSpec),
)


def render_reference(site: Site) -> tuple[Artifact, ...]:
    """The reference page; the same for every site."""
    parts = [f"<!-- {GENERATED} -->", _INTRO]
    parts += [_section(title, model) for title, model in _SECTIONS]
    parts.append(f"## Kinds and their parameters\n\n{_KINDS}")
    parts += [_pack(pack) for pack in load_packs().values()]
    return (Artifact(PATH, "\n".join(parts)),)


def _section(title: str, model: type[BaseModel]) -> str:
    rows = [f"## {title}\n", f"{(model.__doc__ or '').strip()}\n", "| key | needed | meaning |", "|---|---|---|"]
    for name, field in model.model_fields.items():
        needed = "yes" if field.is_required() else ""
        rows.append(f"| `{field.alias or name}` | {needed} | {_cell(field.description or '')} |")
    return "\n".join(rows) + "\n"


def _pack(pack: Pack) -> str:
    rows = [f"### {pack.name}\n", f"{pack.title}\n"]
    own = [param for _, param in sorted(pack.params.items()) if param.kind == pack.name]
    if pack.source != pack.name:
        rows.append(f"Its rules are those of [{pack.source}](#{pack.source}), and so are their parameters.\n")
    if own:
        rows += [f"| under `{pack.name}` | default | bounds | why this default |", "|---|---|---|---|"]
        rows += [_param_row(param) for param in own]
    return "\n".join(rows) + "\n"


def _param_row(param: Param) -> str:
    bounds = " to ".join(_bounds(param)) or "any"
    return f"| `{param.name}` | {units.format_value(param.type, param.default)} | {bounds} | {_cell(param.why)} |"


def _bounds(param: Param) -> Iterator[str]:
    for bound in (param.min, param.max):
        if bound is not None:
            yield units.format_value(param.type, bound)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
