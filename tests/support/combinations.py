"""Services of every kind, alone and together, in the forms in which they may be written: what tests compile.

Owns the texts. A form is chosen by a seed, so that the same kinds give the same file for good.
"""

import itertools
import random
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

import yaml

from generator import units
from generator.check.labels import check_labels
from generator.packs import Param, load_packs
from generator.pipeline import Compiled
from generator.prove.dashboards import check_dashboards
from generator.resolve.services import IMPLIED
from tests.support.soak import SOAK

PACKS: Final = load_packs()
KINDS: Final = tuple(sorted(set(PACKS) - IMPLIED))

_PAIRS: Final = tuple(itertools.combinations(KINDS, 2))
# What the guides advise, and pairs that share their rules.
ADVISED: Final = (
    ("backup", "postgres"),
    ("backup", "probe"),
    ("celery", "celery-exporter"),
    ("celery-exporter", "flower"),
    ("fastapi", "http"),
    ("django", "flask"),
    ("probe", "rabbitmq"),
)
_CHOSEN: Final = random.Random(7)
_OTHERS: Final = tuple(pair for pair in _PAIRS if pair not in ADVISED)
PAIRS: Final = _PAIRS if SOAK else (*ADVISED, *_CHOSEN.sample(_OTHERS, 60 - len(ADVISED)))
TRIPLES: Final = tuple(tuple(sorted(_CHOSEN.sample(KINDS, 3))) for _ in range(300 if SOAK else 10))

Entry = dict[str, Any]


def plain(name: str, kinds: Iterable[str]) -> Entry:
    """The shortest service of these kinds: what their packs need and nothing else."""
    needs = {need for kind in kinds for need in PACKS[kind].needs}
    entry: Entry = {"kind": list(kinds)}
    if "targets" in needs:
        entry["targets"] = [f"{name}:8000"]
    if "address" in needs:
        entry["address"] = f"{name}:5432"
    if "dsn" in needs:
        entry["dsn"] = f"secret:{name}_dsn"
    if "probe" in entry["kind"]:
        entry["url"] = f"https://{name}.example.com/health"
    return entry


def full(name: str, kinds: tuple[str, ...]) -> Entry:
    """A service of these kinds with all that may stand beside them, by a seed of its own."""
    chance = random.Random(" ".join(kinds))
    packs = [PACKS[kind] for kind in kinds]
    # What numbers do to proofs is seen of each kind alone; of kinds together, whether they stand each other.
    alone = len(kinds) == 1
    entry = plain(name, chance.sample(kinds, len(kinds)))
    if "targets" in entry:
        entry["targets"] = chance.choice(
            (
                [f"{name}:8000"],
                [f"{name}-1:8000", f"{name}-2:8000", f"{name}-3:8000"],
                [f"http://{name}:8000/a/metrics", f"https://{name}.example.com/b"],
            )
        )
        entry["metrics"] = {"path": "/internal/metrics", "sample_limit": 5000}
    if chance.random() < 0.7:
        entry["url"] = f"https://{name}.example.com/health?deep=1&of=$all"
    indicators = {indicator for pack in packs for indicator in pack.spec.indicators}
    objectives: Entry = {}
    if "availability" in indicators:
        objectives |= {"availability": "99.9%", "latency": {"p95": "300ms", "p99": "1s"}, "plans": {"free": "95%"}}
        entry["budgets"] = {"POST /analyze": "2s", "GET /items/{id}": "500ms"}
    if "processing" in indicators:
        objectives |= {"processing": "99%"}
    if "url" in entry:
        objectives |= {"reachability": "99.5%"}
    if objectives:
        entry["slo"] = objectives | {"window": chance.choice(("7d", "30d")) if alone else "30d"}
    entry |= {"owner": "ana", "uses": ["db"], "host": "vps", "detect_within": "2m" if alone else "60s"}
    entry["logs"] = chance.choice(("docker", "push", "none", {"file": f"/var/log/{name}/app.log"}))
    bound = chance.choice(("default", "min", "max")) if alone else "default"
    params: dict[str, Entry] = {}
    for param in (param for pack in packs for param in pack.params.values()):
        params.setdefault(param.kind, {})[param.name] = _written(param, bound)
    entry["params"] = params
    alerts = sorted({alert for pack in packs for alert in pack.alert_names})
    entry["off"] = chance.sample(alerts, min(len(alerts) - 1, 1))
    entry["severity"] = {alert: "info" for alert in alerts[:2] if alert not in entry["off"]}
    entry["alerts"] = {"QueueTooLong": {"expr": "my_queue > 5", "severity": "info", "summary": "{{ $value }} wait"}}
    return entry


def _written(param: Param, bound: str) -> str | int | float:
    """The parameter's default or bound, as services.yaml has it."""
    value = getattr(param, bound)
    value = param.default if value is None else value
    return value if param.type in ("number", "text") else units.format_value(param.type, value)


def file_of(services: Mapping[str, Entry]) -> str:
    """A services.yaml with these services, the people, the host and the store that they name."""
    whole = {
        "people": {"ana": None},
        "channels": {"ops": {"slack": {"channel": "#ops"}}},
        "stack": {"machine": {"memory": "64GiB", "disk": "4TiB"}},
        "services": {**services, "db": {"kind": "redis", "address": "db:6379", "owner": "ana"}},
        "hosts": {"vps": {"owner": "ana"}},
    }
    return yaml.safe_dump(whole, sort_keys=False)


def objections(compiled: Compiled) -> list[str]:
    """What the gates find that need no tool: dashboards, labels, and things that are there twice."""
    artifacts = {artifact.path: artifact for artifact in compiled.artifacts}
    dashboards = {path: artifact.content for path, artifact in artifacts.items() if path.startswith("grafana/")}
    found = [each.message for each in check_dashboards(dashboards, compiled.site)]
    found += [each.message for each in check_labels(compiled.site, artifacts)]
    alerts = Counter((alert.service, alert.name) for alert in compiled.site.alerts)
    records = Counter(
        (record.service, record.name, str(sorted(record.labels.items())))
        for service in compiled.site.services
        for pack in service.packs
        for record in pack.records
    )
    jobs = Counter(job.name for service in compiled.site.services for job in service.jobs)
    for counted in (alerts, records, jobs):
        found += [f"{thing} is there twice" for thing, times in counted.items() if times > 1]
    return found
