"""Outages cost error budget: the recorded share that is left against a calculation of our own, minute by minute.

That calculation knows no slices. Of each minute it knows what users met; where requests could not be counted, as many
were lost as came in the mean of all other minutes.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from generator.site.model import Service
from tests.packs.test_slo import with_objectives
from tests.support import tools
from tests.support.soak import size

PROBED = "url: 'https://api.example/health'"
PLANS = "availability: 99.9%, plans: {free: 95%, pro: 99%}"
DAY = 24 * 60
DAYS = size(10, 30)
LABELS = 'service="api",job="api",instance="api:8000"'
SLICES = ("slo:scrapes_failed:ratio5m", "slo:probes_failed:ratio5m", "slo:up:ratio5m",
          "slo:bad:increase5m", "slo:allowed:increase5m")  # fmt: skip


@dataclass(frozen=True)
class Minute:
    """What was seen in one minute; None where nothing was, as while Prometheus itself was away."""

    scraped: bool | None = True
    probed: bool | None = True
    good: int = 600
    bad: int = 0

    @property
    def known(self) -> bool:
        return self.scraped is not None

    @property
    def down(self) -> bool:
        return self.scraped is False or self.probed is False


def left(minutes: Sequence[Minute], target: float, window: int) -> float:
    """The share of the budget that is left after the last minutes of a window, of which all that are known count."""
    seen = [each for each in minutes[-window:] if each.known]
    up = [each for each in seen if not each.down]
    share = sum(each.bad for each in up) / max(sum(each.good + each.bad for each in up), 1)
    spent = (len(seen) - len(up)) / window + share * len(up) / window
    return 1 - spent / (1 - target)


def runs(values: Sequence[int | None]) -> str:
    """promtool's notation: a gauge, or a counter where it is one that stands."""
    return " ".join("_" if value is None else str(value) for value in values)


def series(minutes: Sequence[Minute], *, probes: bool) -> list[dict[str, str]]:
    counted = {"200": 0, "500": 0}
    values: dict[str, list[int | None]] = {"200": [], "500": []}
    for each in minutes:
        counted["200"] += each.good
        counted["500"] += each.bad
        for status, total in counted.items():
            values[status].append(total if each.scraped else None)
    found = {
        f'http_requests_total{{{LABELS},method="GET",handler="/x",status="{status}"}}': runs(of)
        for status, of in values.items()
    }
    found[f"up{{{LABELS}}}"] = runs([None if each.scraped is None else int(each.scraped) for each in minutes])
    if probes:
        at = 'service="api",job="api-probe-http-2xx",instance="https://api.example/health"'
        found[f"probe_success{{{at}}}"] = runs([None if each.probed is None else int(each.probed) for each in minutes])
    return [{"series": name, "values": text} for name, text in found.items()]


def measured(folder: Path, service: Service, minutes: Sequence[Minute], *, probes: bool = True) -> dict[str, float]:
    """What is left at the end by plan, "" for all, as the rules count it: slices are recorded, and what adds them up is
    asked once."""
    records = {each.name: each for pack in service.packs for each in pack.records}
    rules = [
        {"record": each.name, "expr": each.expr, "labels": dict(each.labels)}
        for each in records.values()
        if each.name in SLICES
    ]
    text = records["slo:plan_left:ratio"].expr
    for name in ("slo:budget_left:ratio", "slo:requests_spent:ratio", "slo:outages_spent:ratio"):
        summed = f'label_replace({records[name].expr}, "service", "api", "", "")'
        text = text.replace(f'{name}{{service="api",slo="availability"}}', f"({summed})")
        text = text.replace(f'{name}{{service="api"}}', f"({summed})")
    (folder / "rules.yml").write_text(
        yaml.safe_dump({"groups": [{"name": "slices", "interval": "5m", "rules": rules}]})
    )
    end = f"{len(minutes) - len(minutes) % 5}m"
    asked = [{"expr": text, "eval_time": end, "exp_samples": [{"labels": "{}", "value": 77}]}]
    test = {"interval": "1m", "input_series": series(minutes, probes=probes), "promql_expr_test": asked}
    (folder / "test.yml").write_text(
        yaml.safe_dump({"rule_files": ["rules.yml"], "evaluation_interval": "5m", "tests": [test]}, width=10**6)
    )
    run = tools.run("promtool", "test", "rules", "test.yml", folder=folder)
    return _plans(run.output)


def _plans(output: str) -> dict[str, float]:
    """The values that promtool shows, since it was not to expect them."""
    found = re.findall(r'\{[^}]*plan="(\w+)"[^}]*slo="availability"[^}]*\} (-?[\d.E+-]+)', output)
    return {plan: float(value) for plan, value in found}


def hold(
    folder: Path, fields: str, minutes: Sequence[Minute], days: int, *, probes: bool = True, close: float = 2e-3
) -> dict[str, float]:
    """What is left by plan, which has to be as `close` as that to our own calculation."""
    probed = f"{PROBED}, " if probes else ""
    service = with_objectives(f"kind: fastapi, targets: [api:8000], {probed}slo: {{window: {days}d, {fields}}}")
    found = measured(folder, service, minutes, probes=probes)
    expected = {"free": left(minutes, 0.95, days * DAY), "pro": left(minutes, 0.99, days * DAY)}
    assert found == {plan: pytest.approx(value, rel=close, abs=2e-3) for plan, value in expected.items()}
    return found


UP, DOWN = Minute(), Minute(scraped=False, probed=False, good=0)


def test_a_day_of_seven_down_costs_a_day(tmp_path: Path) -> None:
    found = hold(tmp_path, PLANS, [UP] * (5 * DAY) + [DOWN] * DAY + [UP] * DAY, 7)
    assert found["free"] == pytest.approx(1 - 1 / 7 / 0.05, abs=0.01)


def test_so_does_one_without_probes_and_one_without_any_traffic(tmp_path: Path) -> None:
    idle = Minute(good=0)
    hold(tmp_path, PLANS, [UP] * (5 * DAY) + [DOWN] * DAY + [UP] * DAY, 7, probes=False)
    hold(tmp_path, PLANS, [idle] * (5 * DAY) + [DOWN] * DAY + [idle] * DAY, 7)


def test_what_is_not_known_costs_nothing(tmp_path: Path) -> None:
    # Declared a day before it is deployed; then Prometheus is away for a day, and the service with it for two hours.
    never, away = Minute(scraped=False, probed=False, good=0), Minute(scraped=None, probed=None)
    minutes = [never] * DAY + [UP] * (3 * DAY) + [away] * DAY + [UP] * DAY
    service = with_objectives(f"kind: fastapi, targets: [api:8000], {PROBED}, slo: {{window: 7d, {PLANS}}}")
    assert measured(tmp_path, service, minutes) == {"free": 1, "pro": 1}


def test_probes_with_an_objective_of_their_own_are_counted_there(tmp_path: Path) -> None:
    unreachable = Minute(probed=False)
    fields = f"{PLANS}, reachability: 99%"
    service = with_objectives(f"kind: fastapi, targets: [api:8000], {PROBED}, slo: {{window: 7d, {fields}}}")
    minutes = [UP] * (2 * DAY) + [unreachable] * 60 + [UP] * 60
    assert measured(tmp_path, service, minutes) == {"free": 1, "pro": 1}
    hold(tmp_path, PLANS, minutes, 7)


@pytest.mark.parametrize("seed", range(size(1, 5)))
def test_outages_of_many_sorts_cost_what_users_missed(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    sorts = [
        DOWN,
        Minute(scraped=False, good=0),
        Minute(probed=False),
        # All that reaches it fails, and hardly anything does.
        Minute(probed=False, good=0, bad=600),
        Minute(probed=False, good=0, bad=1),
        # Errors without an outage, and neither.
        Minute(good=480, bad=120),
        Minute(scraped=None, probed=None),
    ]
    minutes: list[Minute] = [UP] * 60
    while len(minutes) < DAYS * DAY:
        minutes += [Minute(good=600, bad=1)] * chance.randrange(60, 1500)
        minutes += [chance.choice(sorts)] * chance.randrange(2, 240)
    # A slice of five minutes in which an outage begins or ends holds requests of both.
    hold(tmp_path, PLANS, minutes[: DAYS * DAY], DAYS, close=1e-2)
