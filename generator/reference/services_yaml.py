"""docs/reference/services-yaml.md: every key of services.yaml, from the models themselves."""

from typing import Final

from pydantic import BaseModel

from generator.artifact import Artifact
from generator.channels.registry import MESSENGERS
from generator.reference.markdown import page, table
from generator.spec.alerts import CustomAlertSpec, RunbookSpec
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
and column. `lookout schema` prints a JSON Schema for editors.

Durations are written 30s, 5m, 12h, 90d; ratios 5%; sizes 512MiB, 4GiB. A secret is written `secret:NAME`, and its
value stands in the file `secrets/NAME`, which git ignores. What `kind` and `params` may be: [kinds](kinds.md).
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
    ("services.NAME.alerts.ALERT", CustomAlertSpec),
    ("services.NAME.alerts.ALERT.runbook", RunbookSpec),
    ("hosts.NAME", HostSpec),
)


def services_yaml_page() -> Artifact:
    """The page."""
    return page("services-yaml", [_INTRO, *(_section(title, model) for title, model in _SECTIONS)])


def _section(title: str, model: type[BaseModel]) -> str:
    rows = [
        (f"`{field.alias or name}`", "yes" if field.is_required() else "", field.description or "")
        for name, field in model.model_fields.items()
    ]
    return f"## {title}\n\n{(model.__doc__ or '').strip()}\n\n{table(('key', 'needed', 'meaning'), rows)}"
