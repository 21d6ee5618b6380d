"""Alerts of a user's own, broken at random inside their expressions and proofs: diagnostics, never a traceback."""

import random
from typing import Final

from generator.diagnostics import Problems
from generator.pipeline import resolve_text
from tests.cli.test_mutations import MUTATIONS

HEAD: Final = "services:\n  api:\n    kind: http\n    targets: [api:8000]\n    alerts:\n"
GOOD: Final = (
    "      Own: {expr: 'sum by (q) (a{k=~\"b|c\"}) > 100', severity: info, summary: '{{ $value }} in {{ $labels.q }}'}",
    "      Own: {expr: 'rate(a_total[15m]) < 0.1', for: 10m, severity: info, summary: '{{ $value | humanize }}'}",
    "      Own: {expr: 'a / b > 0.1', severity: info, summary: x, proof: {healthy: [{series: 'a{x=\"y\"}', rate: 1}], "
    "broken: [{series: a, level: 5, slope: 2}], value: 0.5, onset: 60, clears: 5m, gone: resolves}}",
)
WORDS: Final = (
    *("a > b", "rate(", "sum by (", "[5m]", "@", "offset 5m", "or", "unless", "absent(", '{__name__=~".+"}', "#"),
    *("{{", "}}", "{{ $value }}", "{{ $labels.z }}", "1e400", "-1", "[]", "{}", "~", "true", "NaN", "bool", "=~"),
    *("<<1 / 0>>", "<% for", "<<x>>", "5m", "each: target", "gone: true", "from_now: 5", "burn: 2", "level: x"),
    *("step: 0s", "gap: 1y", "by (le)"),
)


def test_no_mutation_of_a_custom_alert_gives_a_traceback() -> None:
    refused = 0
    for seed in range(MUTATIONS // 4):
        chance = random.Random(seed)
        text = chance.choice(GOOD)
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(16, len(text))
            text = text[:at] + chance.choice(WORDS) + text[at + chance.randint(0, 5) :]
        try:
            resolve_text(f"{HEAD}{text}\n", "services.yaml")
        except Problems as problems:
            refused += 1
            assert all(problem.message for problem in problems.diagnostics)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {error!r}\n{text}") from error
    assert refused > MUTATIONS / 4 * 0.3, "mutations that break nothing prove nothing"


def test_unbroken_they_are_good() -> None:
    for alert in GOOD:
        resolve_text(f"{HEAD}{alert}\n", "services.yaml")
