"""Values put where others stood, and rendered all the way: a tree that passes the gates, or diagnostics."""

import random
import re
from typing import Final

import pytest

from generator.diagnostics import Problems
from generator.pipeline import compile_text
from tests.support.combinations import KINDS, objections
from tests.support.soak import size

MUTATIONS: Final = size(2_000, 100_000)
BATCHES: Final = 20

HEAD: Final = "channels: {ops: {slack: {channel: '#ops'}}}\npeople: {ana: }\nhosts: {}\nservices:\n  api:\n"
# Each small, so that most of a mutant's time goes into what was changed.
GOOD: Final = (
    "    kind: [probe]\n    url: https://a.example.com/health?x=1\n    owner: ana\n    logs: {file: /var/log/a.log}\n",
    "    kind: [backup, probe]\n    targets: ['tcp://db.example.com:5432', 'dns://9.9.9.9/a.example.com']\n"
    "    params: {backup: {max_age: 26h}}\n    off: [BackupMissing]\n",
    "    kind: http\n    targets: [api:8000, 'https://b.example.com/metrics']\n    metrics: {path: /metrics}\n"
    '    budgets: {"GET /x": 2s, "POST /y/{id}": 300ms}\n    detect_within: 60s\n',
    "    kind: http\n    targets: [api:8000]\n    slo: {availability: 99.9%, latency: {p95: 300ms}}\n"
    "    params: {http: {latency_p95: 300ms}}\n",
    "    kind: business\n    targets: [api:8000]\n    params: {business: {funnel: free basic premium}}\n",
    "    kind: [usage]\n    targets: [api:8000]\n    params: {usage: {left_out: search}}\n    alerts:\n"
    "      Own: {expr: 'rate(a_total[15m]) < 0.1', for: 10m, severity: info, summary: '{{ $value | humanize }}',\n"
    "            description: it is, unit: reqps, runbook: {mitigation: 'run `x`'}}\n",
    "    kind: redis\n    address: cache:6379\n    password: secret:p\n    uses: []\n"
    "    params: {redis: {hit_ratio: 80%}}\n",
    "    kind: flower\n    targets: [api:5555]\n    address: cache:6379\n    params: {flower: {queues: db0=celery}}\n",
    "    kind: llm\n    targets: [api:8000]\n    params: {llm: {slow_models: gpt-5|o3}}\n    slo:\n"
    "      imports: {objective: 99%, good: 'i_total{r=\"ok\"}', total: i_total}\n",
)
WORDS: Final = (
    *(
        "{{x}}",
        '"{{ $value }}"',
        "'a\"b'",
        '"a\\\\b"',
        "'<<x>>'",
        "'<% for %>'",
        "'<# x'",
        "'$1'",
        "'${HOME}'",
        "'[[x]]'",
    ),
    *(
        '"line1\\nline2"',
        "'é ☃'",
        "'%s'",
        "'{0}'",
        '"\\u202e"',
        '"\\0"',
        '"\\ud800"',
        "'a'",
        "''",
        "' '",
        "'#'",
        "'---'",
    ),
    *("0", "-5", "1e3", "1e999", "99999999999999", "0.000000000001", "true", "[]", "{}", "~", "'*'", "'.*'", "'(['"),
    *("5m", "0s", "1%", "100%", "0%", "0.0000001%", "99999999999999s", "999999999999d", "1ms", "0.1ms", "'x'", "[x]"),
    *("'https://x.y/{{z}}'", "'https://x.y/a b'", "'https://x.y/`id`'", "'https://[::1]:8/'", "'https://[::/'"),
    *(
        "'tcp://x:1'",
        "'dns://9.9.9.9/a.b'",
        "'tls://x'",
        "'http://x:99999/'",
        "'https://u:p@x.y/'",
        "'x:1'",
        "'[::1]:9'",
    ),
    *("'GET /t/{{id}}'", "'GET /$x'", "'GET /a|b'", "secret:abc", "http", "[http, redis]", "postgres", "'a=\"b\"'"),
    *("'x > 1'", "'x[99999999999999] > 1'", "'x offset 999999999999d > 1'", "'rate(x[5m])'", "'x{a=~\"(\"} > 1'"),
    *(
        "'x{a=\"$b\"} > 1'",
        "'x > 1e400'",
        "'x > NaN'",
        "'x @ 1e99 > 1'",
        "'({{ x'",
        "'{{ $labels.x }}'",
        "'{{'",
        "'}}'",
    ),
    *(f"'{'x' * 5000}'", f"{'9' * 400}"),
)
# What means something to a tool on the way, put into a value that was right.
PIECES: Final = (
    *(
        "{{",
        "}}",
        "{{x}}",
        "$",
        "$a",
        "${a}",
        "$$",
        "[[",
        "[[a]]",
        "<<",
        "<%",
        "<#",
        ">>",
        "%",
        "%s",
        "{",
        "}",
        "\\",
        "`",
    ),
    *("'", '"', "#", "---", ";", "|", "&", "<b>", "*", "?", "(", ")", "[", "]", "!", ":", ",", "=", "~", "@", "^", "+"),
    *("é", "\u202e", "\u200f", "☃", "0", "9", "99", ".", "-", "_", "/", "..", "x" * 300, "secret:", "\\n", "%0a"),
)
# Other values of the same sort, right or nearly so.
KINDRED: Final = (
    (r"\d+[smhd]|\d+ms", ("1s", "7m", "3d", "1w", "1ms", "999ms", "86401s", "52w", "1h30m", "10000d")),
    (r"[\d.]+%", ("1%", "0.1%", "50%", "90%", "99%", "99.95%", "99.999%", "33.333333333%")),
)
VALUE: Final = re.compile(
    r"'[^']*'|\"[^\"]*\"|(?<=[:,\[{] )[^\s,\]}\[{'\"]+|(?<=\[)[^\s,\]'\"]+|(?<=: )[^\s\[{'\"][^\n,}\]]*"
)


def quoted(text: str) -> str:
    """Text as YAML has it in single quotes."""
    return "'" + text.replace("'", "''") + "'"


def mutant(seed: int) -> str:
    """A small file in which one or two values are other ones."""
    chance = random.Random(seed)
    text = chance.choice(GOOD)
    for _ in range(1 + (chance.random() < 0.25)):
        places = [place for place in VALUE.finditer(text) if place[0] not in KINDS and place[0][-1] != ":"]
        place = chance.choice(places)
        value = chance.choice(WORDS)
        if kindred := next((words for form, words in KINDRED if re.fullmatch(form, place[0])), None):
            value = chance.choice((value, *kindred))
        elif chance.random() < 0.7:
            old = place[0].strip("'\"")
            at = chance.randint(0, len(old))
            value = quoted(old[:at] + chance.choice(PIECES) + old[at:])
        text = text[: place.start()] + value + text[place.end() :]
    return HEAD + text


@pytest.mark.parametrize("batch", range(BATCHES))
def test_no_mutation_gives_a_traceback_all_the_way_to_the_gates(batch: int) -> None:
    refused = 0
    for seed in range(batch, MUTATIONS, BATCHES):
        text = mutant(seed)
        try:
            whole = compile_text(text, "services.yaml")
        except Problems as problems:
            refused += 1
            errors = [each for each in problems.diagnostics if each.level == "error"]
            assert all(each.span is not None and each.span.file == "services.yaml" for each in errors), (
                f"{seed}\n{text}"
            )
            continue
        except Exception as error:
            raise AssertionError(f"seed {seed}: {error!r}\n{text}") from error
        if (seed // BATCHES) % 4 == 0:
            assert objections(whole) == [], f"seed {seed}\n{text}"
    assert 0.2 < refused * BATCHES / MUTATIONS < 0.9, "both what is refused and what is rendered has to be tried"
