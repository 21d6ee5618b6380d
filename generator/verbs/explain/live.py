"""What a running Prometheus says of one alert at this moment: loaded or not, its state, the value that it looks at.

Owns the words about it. No answer is an answer here: a stack that does not run is not an error of the user.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import promql_parser as pp

from generator.clients.http import TooLarge
from generator.clients.prometheus import ask, ask_rules
from generator.conventions import OWN_PACK
from generator.diagnostics import Problems
from generator.promql.text import measured
from generator.promql.tree import parse, walk
from generator.site.model import Alert

_TIMEOUT: Final = 2.0
_MOST: Final = 5
# Labels that every series of the service has.
_KNOWN: Final = frozenset({"__name__", "service", "environment"})


def live_lines(url: str, alert: Alert) -> list[str]:
    """A few sentences; one alone when nothing can be asked."""
    try:
        return [*_state(url, alert), *_values(url, alert), *_missing(url, alert)]
    except Problems as problems:
        return [f"not reachable: {problems.diagnostics[0].message}"]
    except TooLarge:
        return ["Prometheus takes too long to say"]


def _state(url: str, alert: Alert) -> Iterator[str]:
    loaded = [rule for rule in ask_rules(url, alert.name, _TIMEOUT) if _is_of(rule, alert)]
    if not loaded:
        yield "not loaded by the running Prometheus: `make apply`"
        return
    rule = loaded[0]
    active = rule.get("alerts", [])
    since = min((each["activeAt"] for each in active), default="")
    yield f"{rule['state']}{f' since {_moment(since)}' if since else ''}"
    if rule.get("health") == "err":
        yield f"its evaluation fails: {rule.get('lastError', '')}"


def _is_of(rule: dict[str, Any], alert: Alert) -> bool:
    return bool(rule.get("name") == alert.name and rule.get("labels", {}).get("service") == alert.labels["service"])


def _values(url: str, alert: Alert) -> Iterator[str]:
    expr = measured(alert.expr)
    result = ask(url, "query", {"query": expr}, _TIMEOUT)
    if result["resultType"] not in ("vector", "scalar"):
        return
    if result["resultType"] == "scalar":
        yield f"value {_number(result['result'][1])}"
        return
    for series in result["result"][:_MOST]:
        labels = {name: value for name, value in sorted(series["metric"].items()) if name not in _KNOWN}
        shown = f" {{{', '.join(f'{name}={value}' for name, value in labels.items())}}}" if labels else ""
        yield f"value {_number(series['value'][1])}{shown}"
    if len(result["result"]) > _MOST:
        yield f"and {len(result['result']) - _MOST} more"
    if not result["result"]:
        yield f"no value: nothing answers to {' '.join(expr.split())}"


def _missing(url: str, alert: Alert) -> Iterator[str]:
    """Metrics that are not exported: metrics of a pack have a contract, metrics of a custom alert only data can
    show."""
    if alert.pack != OWN_PACK:
        return
    selectors = [node for node in walk(parse(alert.expr)) if isinstance(node, pp.VectorSelector)]
    for name in sorted({str(node.name) for node in selectors if node.name}):
        if not ask(url, "query", {"query": f"count({name})"}, _TIMEOUT)["result"]:
            yield f"no target exports {name} now"


def _number(text: str) -> str:
    return f"{float(text):.6g}"


def _moment(text: str) -> str:
    at = datetime.fromisoformat(text.replace("Z", "+00:00")[:19]).replace(tzinfo=UTC)
    return at.strftime("%H:%M:%S UTC on %-d %b")
