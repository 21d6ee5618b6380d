"""One checker for each tool: which files it is given, and how its complaints are read."""

import os
import re
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from generator.artifact import Artifact
from generator.check.custom import check_custom, custom_rules
from generator.check.labels import check_labels
from generator.check.origins import origin_of
from generator.clients.docker import compose, dotenv
from generator.clients.tools import ToolMissing, ToolRun, run_tool
from generator.conventions import SECRETS_MOUNT
from generator.diagnostics import Diagnostic
from generator.prove.dashboards import judge_queries
from generator.prove.nameless import names_of
from generator.prove.proving import Trial, one_group, rule_texts, run_trials
from generator.prove.verdicts import Verdicts, proven_folder, shipped_marks
from generator.site.model import Site
from generator.units import how_far

# What promtool says of a file that it finds nothing wrong with.
_FINE: Final = re.compile(r"^Checking .*\n +SUCCESS: .*\n*", re.MULTILINE)

_NOT_IN_FILE: Final = "the rule that it proves does not stand in its rule file"

# A variable of a compose file that has no default.
_REQUIRED: Final = re.compile(r"\$\{(\w+):?\?")


@dataclass(frozen=True, slots=True)
class CheckedTree:
    """A rendered tree laid out in a temporary folder."""

    folder: Path
    site: Site
    artifacts: Mapping[str, Artifact]
    passing: Callable[[str], None] = lambda _: None
    """Receives how far a slow checker is."""

    def paths(self, prefix: str, suffix: str) -> list[str]:
        """The rendered paths below `prefix` that end in `suffix`."""
        return [path for path in self.artifacts if path.startswith(prefix) and path.endswith(suffix)]


def check_prometheus(tree: CheckedTree) -> list[Diagnostic]:
    """promtool over the configuration and every rule file, the user's own included."""
    config = ["check", "config", "--syntax-only", "prometheus/prometheus.yml"]
    rules = [*tree.paths("prometheus/rules/", ".yml"), *custom_rules(tree.folder)]
    linted = ["check", "rules", "--lint-fatal", *rules]
    return [
        *_complaints(tree, "promtool", run_tool("promtool", config, tree.folder), config[-1]),
        *_complaints(tree, "promtool", run_tool("promtool", linted, tree.folder), "prometheus/rules/"),
        *check_custom(tree.site, tree.folder),
    ]


def check_proofs(tree: CheckedTree) -> list[Diagnostic]:
    """promtool test rules over every proof: each alert is quiet, fires and resolves as its pack says.

    A proof that held for the same rules, tested by the same promtool, is not run again.
    """
    proven = [_proven_by(tree, path) for path in tree.paths("prometheus/proofs/", ".yml")]
    trials = [trial for trial, _ in proven]
    folder = tree.folder / "proving"
    folder.mkdir()
    verdicts = Verdicts(proven_folder(), shipped=shipped_marks())
    complaints = run_trials(trials, folder, _progress(tree, len(trials)), verdicts)
    verdicts.sweep()
    complaints |= {trial.name: _NOT_IN_FILE for trial, rules in proven if not _stand_in_file(tree, trial.name, rules)}
    return [_unproven(tree, path, text) for path, text in sorted(complaints.items())]


def _progress(tree: CheckedTree, total: int) -> Callable[[int], None]:
    """Says how many proofs have run and how long the rest will take; what is remembered takes no time."""
    began, known = time.monotonic(), -1

    def say(done: int) -> None:
        nonlocal known
        known = done if known < 0 else known
        if known < done < total:
            tree.passing(f"proofs: {how_far(done - known, total - known, time.monotonic() - began)}")

    return say


def _unproven(tree: CheckedTree, path: str, said: str) -> Diagnostic:
    notes = tuple(line.rstrip() for line in said.splitlines() if line.strip())[:20]
    (span,) = tree.artifacts[path].origins.values()
    return Diagnostic("check/proof", f"{path} does not hold", span, notes=notes)


def trial_of(tree: CheckedTree, path: str) -> Trial:
    """A proof with the rule that it is about."""
    return _proven_by(tree, path)[0]


def _proven_by(tree: CheckedTree, path: str) -> tuple[Trial, list[str]]:
    """A proof, and the rules that it is about as they have to stand in their rule file."""
    service, pack, alert = Path(path).with_suffix("").parts[-3:]
    its = tree.site.named[service]
    (instance,) = (each for each in its.packs if each.pack == pack)
    rules = rule_texts(instance, alert)
    return Trial(path, one_group(rules), tree.artifacts[path].content, names_of(tree.site, its)), rules


def _stand_in_file(tree: CheckedTree, path: str, rules: list[str]) -> bool:
    """Whether what was proven is what Prometheus will read."""
    file = tree.artifacts[path.replace("/proofs/", "/rules/").rpartition("/")[0] + ".yml"].content
    return all(rule in file for rule in rules)


def check_alertmanager(tree: CheckedTree) -> list[Diagnostic]:
    """amtool over routes, receivers and templates, and whether alerts have the labels that these look at."""
    run = run_tool("amtool", ["check-config", "alertmanager/alertmanager.yml"], tree.folder)
    return _complaints(tree, "amtool", run, "alertmanager/") + check_labels(tree.site, tree.artifacts)


def check_loki(tree: CheckedTree) -> list[Diagnostic]:
    """Loki's own verification of its configuration."""
    run = run_tool("loki", ["-config.file=loki/loki.yaml", "-verify-config"], tree.folder)
    return _complaints(tree, "loki", run, "loki/loki.yaml")


def check_collector(tree: CheckedTree) -> list[Diagnostic]:
    """The collector's own validation of its pipeline."""
    # Tokens are read while the file is: here, where there are none, from a file that stands for all of them.
    text = (tree.folder / "collector/collector.yaml").read_text(encoding="utf-8")
    (tree.folder / "collector.token").write_text("token", encoding="utf-8")
    (tree.folder / "collector.yaml").write_text(
        re.sub(rf"\$\{{file:{SECRETS_MOUNT}/\w+\}}", "${file:collector.token}", text), encoding="utf-8"
    )
    run = run_tool("otelcol-contrib", ["validate", "--config=collector.yaml"], tree.folder)
    return _complaints(tree, "otelcol", run, "collector/collector.yaml")


def check_caddy(tree: CheckedTree) -> list[Diagnostic]:
    """Caddy's own adaption of its Caddyfile."""
    run = run_tool("caddy", ["adapt", "--config", "caddy/Caddyfile", "--adapter", "caddyfile"], tree.folder)
    return _complaints(tree, "caddy", run, "caddy/")


def check_compose(tree: CheckedTree) -> list[Diagnostic]:
    """docker compose over the stack and the rendered exporters; only where the stack's compose.yaml is."""
    if not (tree.folder / "compose.yaml").is_file():
        return []
    if shutil.which("docker") is None:
        raise ToolMissing("docker")
    _stand_in_for_the_machine(tree.folder)
    files = ("-f", "compose.yaml", "-f", "compose.rendered.yaml")
    done = compose(tree.folder, *files, "config", "--quiet", timeout=60)
    if done.returncode and compose(tree.folder, "version", timeout=60).returncode:
        raise ToolMissing("docker compose")
    run = ToolRun(done.returncode, done.stdout + done.stderr)
    return _complaints(tree, "docker compose", run, "compose.rendered.yaml")


def _stand_in_for_the_machine(folder: Path) -> None:
    """Give each variable that compose requires a value where .env has none: before the first `make up` there is no
    .env, and which images this machine has is no matter of services.yaml."""
    text = "".join(
        path.read_text(encoding="utf-8") for path in (*folder.glob("compose*.yaml"), *folder.glob("apps/*.yaml"))
    )
    known = {**dotenv(folder), **os.environ}
    unknown = sorted({name for name in _REQUIRED.findall(text) if not known.get(name)})
    path = folder / ".env"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    # Another file: the copy has the mode of the original, which may be closed.
    path.unlink(missing_ok=True)
    path.write_text("\n".join([*lines, *(f"{name}=not-known-yet" for name in unknown), ""]), encoding="utf-8")


def check_panels(tree: CheckedTree) -> list[Diagnostic]:
    """promtool over all queries of all dashboards at once. That dashboards keep to their rules does not depend on
    services.yaml: tests hold Lookout to that, and `check-pack` a pack."""
    files = {path: artifact.content for path, artifact in tree.artifacts.items() if path.startswith("grafana/")}
    return _complaints(tree, "promtool on panels", judge_queries(files, tree.folder), "grafana/")


CHECKERS: Final[tuple[Callable[[CheckedTree], list[Diagnostic]], ...]] = (
    check_prometheus,
    check_proofs,
    check_alertmanager,
    check_loki,
    check_collector,
    check_caddy,
    check_compose,
    check_panels,
)


def _complaints(tree: CheckedTree, tool: str, run: ToolRun, read: str) -> list[Diagnostic]:
    """What a tool that read the artifacts below `read` objects to. Only those can be to blame."""
    if run.code == 0:
        return []
    lines = [line.strip() for line in _FINE.sub("", run.output).splitlines() if line.strip()]
    worst = next((line for line in lines if "error" in line.lower() or "FAILED" in line), lines[-1] if lines else "")
    span = origin_of(run.output, {path: tree.artifacts[path] for path in tree.paths(read, "")})
    return [Diagnostic("check/failed", f"{tool}: {worst or f'exit code {run.code}'}", span, notes=tuple(lines)[:20])]
