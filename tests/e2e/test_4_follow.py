"""services.yaml is edited and the running stack follows, without a restart; a mistake changes nothing."""

import hashlib
import json
import sys
from pathlib import Path

from tests.e2e.stack import Stack
from tests.support.waiting import until

UNTOUCHED = ("prometheus", "alertmanager", "loki", "uptime-kuma", "collector", "caddy", "blackbox-exporter", "api")
# What has a seal of its configuration that it shows, or says what it has read.
RELOADED = ("prometheus", "alertmanager", "blackbox", "collector", "caddy", "loki")
WEB = """
  web:
    kind: probe
    owner: ana
    url: http://api:8000/healthz
    targets: [tcp://cache:6379]
"""


def loaded_rule(stack: Stack, name: str, service: str) -> str:
    """The expression of an alert as Prometheus has it now; empty when it has none."""
    for group in stack.get("/prometheus/api/v1/rules")["data"]["groups"]:
        for rule in group["rules"]:
            if rule["name"] == name and rule.get("labels", {}).get("service") == service:
                return str(rule["query"])
    return ""


def tree_hash(root: Path) -> str:
    """One hash over every rendered file and the lock."""
    lock = (root / "generated.lock").read_text()
    paths = [line.split("  ", 1)[1] for line in lock.splitlines() if not line.startswith("#")]
    return hashlib.sha256(lock.encode() + b"".join((root / path).read_bytes() for path in paths)).hexdigest()


def lookout(stack: Stack, *arguments: str) -> tuple[int, str]:
    done = stack.run(sys.executable, "-m", "generator", *arguments)
    return done.returncode, done.stdout + done.stderr


def test_a_threshold_a_new_service_and_its_removal_follow_without_a_restart(stack: Stack) -> None:
    before = stack.starts()
    assert "0.3" in loaded_rule(stack, "HttpLatencyHigh", "api")

    stack.edit("latency_p95: 300ms", "latency_p95: 450ms")
    print(stack.must("make", "apply"))
    assert "0.45" in loaded_rule(stack, "HttpLatencyHigh", "api")

    stack.edit("\n  cache:\n", f"{WEB}\n  cache:\n")
    stack.must("make", "apply")
    assert loaded_rule(stack, "ProbeFailed", "web")
    until(lambda: stack.query('probe_success{service="web"} == 1'), "the new probe succeeds", 60)
    planned = json.loads(stack.must(sys.executable, "-m", "generator", "plan", "--json"))
    left = [line for line in planned["running"] if line.split(":")[0] in RELOADED]
    assert left == [], "every part says that it has the new configuration"

    stack.edit(f"{WEB}\n", "\n")
    stack.must("make", "apply")
    assert not loaded_rule(stack, "ProbeFailed", "web")
    assert not (stack.root / "prometheus/rules/web").exists()

    after = stack.starts()
    assert {name: after[name] for name in UNTOUCHED} == {name: before[name] for name in UNTOUCHED}


def test_an_apply_without_an_edit_changes_nothing(stack: Stack) -> None:
    before, tree = stack.starts(), tree_hash(stack.root)
    code, output = lookout(stack, "apply")
    assert code == 0, output
    assert "no changes in the files" in output
    assert (stack.starts(), tree_hash(stack.root)) == (before, tree)


def test_a_mistake_changes_nothing_on_disk_or_in_the_stack(stack: Stack) -> None:
    tree, starts = tree_hash(stack.root), stack.starts()
    config = stack.get("/prometheus/api/v1/status/config")
    stack.edit("uses: [cache, db]", "uses: [cach, db]")
    code, output = lookout(stack, "apply")
    stack.edit("uses: [cach, db]", "uses: [cache, db]")
    assert code == 1
    assert "error[spec/unknown-service]" in output
    assert "did you mean 'cache'?" in output
    assert tree_hash(stack.root) == tree
    assert stack.starts() == starts
    assert stack.get("/prometheus/api/v1/status/config") == config


def test_a_users_own_rule_with_a_mistake_is_refused_before_prometheus_sees_it(stack: Stack) -> None:
    own = stack.root / "prometheus" / "custom" / "mine.yml"
    own.parent.mkdir(exist_ok=True)
    own.write_text("groups:\n  - name: mine\n    rules:\n      - alert: Mine\n        expr: sum(\n")
    try:
        code, output = lookout(stack, "apply")
    finally:
        own.unlink()
    assert code == 1
    assert "custom/mine.yml" in output


def test_a_second_plan_shows_drift_that_someone_made_by_hand(stack: Stack) -> None:
    rules = stack.root / "prometheus" / "rules" / "cache" / "redis.yml"
    kept = rules.read_text()
    rules.write_text(kept.replace("for: 10s", "for: 20s"))
    try:
        code, output = lookout(stack, "plan")
    finally:
        rules.write_text(kept)
    assert code == 1
    assert "store/edited" in output
    assert "+        for: 10s" in output
