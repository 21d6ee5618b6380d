"""The gate: every rule over every rendered dashboard and provisioning file.

Rules have an id for good, so that a finding can be looked up, and are all listed here.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from generator.diagnostics import Diagnostic, Span
from generator.prove.dashboards import meaning, provisioning, queries, structure
from generator.prove.dashboards.document import (
    DASHBOARDS,
    PROVISIONING,
    Bundle,
    UnreadableFile,
    read_document,
    read_provisioning,
)
from generator.prove.dashboards.rule import DashboardRule, Finding
from generator.site.model import Site

RULES: Final = (
    DashboardRule("D01-round-trip", structure.round_trip),
    DashboardRule("D02-types", structure.types),
    DashboardRule("D03-schema-version", structure.schema_version),
    DashboardRule("D04-panel-type", structure.panel_types),
    DashboardRule("D05-panel-id", structure.panel_ids),
    DashboardRule("D06-grid", structure.grid),
    DashboardRule("D07-uid", structure.uids),
    DashboardRule("D08-title", structure.titles),
    DashboardRule("D09-runtime-state", structure.runtime_state),
    DashboardRule("D10-ref-id", structure.ref_ids),
    DashboardRule("D11-variables", queries.variables),
    DashboardRule("D12-datasource", meaning.datasources),
    DashboardRule("D13-legend-labels", queries.legend_labels),
    DashboardRule("D14-no-query", queries.has_queries),
    DashboardRule("D15-bucket-bounds", queries.bucket_bounds),
    DashboardRule("D16-words", structure.words),
    DashboardRule("D17-thresholds", meaning.thresholds),
    DashboardRule("D18-alert-panel", meaning.alert_panels),
    DashboardRule("D19-links", meaning.links),
    DashboardRule("D20-literal-regex", queries.literal_regex),
    DashboardRule("D21-weight", queries.weight),
    DashboardRule("D22-texts", meaning.texts),
    DashboardRule("D23-unit", meaning.units),
    DashboardRule("D24-promql", queries.promql),
    DashboardRule("D25-rate-interval", queries.rate_interval),
    DashboardRule("D26-counter", queries.counters),
    DashboardRule("D27-service-matcher", queries.service_matcher),
    DashboardRule("D28-conventions", structure.conventions),
    DashboardRule("D29-empty-text", meaning.empty_text),
    DashboardRule("D30-logql", queries.logql),
    DashboardRule("P01-source-uid", provisioning.source_uids),
    DashboardRule("P02-time-interval", provisioning.time_interval),
    DashboardRule("P03-references", provisioning.references),
    DashboardRule("P04-dollar", provisioning.escaped_dollars),
    DashboardRule("P06-provider", provisioning.providers),
    DashboardRule("P07-secret", provisioning.no_secrets),
)


def check_dashboards(files: Mapping[str, str], site: Site | None) -> list[Diagnostic]:
    """What the rules object to in `files` (path -> text). Without a Site, rules that need it are left out."""
    bundle, unreadable = read_bundle(files, site)
    found = list(unreadable)
    for rule in RULES:
        found += [_diagnostic(rule.id, finding, bundle) for finding in rule.check(bundle)]
    return found


def read_bundle(files: Mapping[str, str], site: Site | None) -> tuple[Bundle, tuple[Diagnostic, ...]]:
    """The files read, and a diagnostic for each that cannot be."""
    documents, contents, problems = [], {}, []
    for path, text in sorted(files.items()):
        try:
            if path.startswith(DASHBOARDS) and path.endswith(".json"):
                documents.append(read_document(path, text))
            elif path.startswith(PROVISIONING):
                contents[path] = read_provisioning(text)
        except UnreadableFile as error:
            problems.append(Diagnostic("check/dashboard", f"D00-unreadable: {error}", Span(path, 1, 1, 1)))
    return Bundle(tuple(documents), contents, site), tuple(problems)


def rule_index() -> Iterator[tuple[str, str]]:
    """Every rule's id and what it asks for."""
    for rule in RULES:
        yield rule.id, rule.doc


def _diagnostic(rule: str, finding: Finding, bundle: Bundle) -> Diagnostic:
    document = next((each for each in bundle.documents if each.path == finding.path), None)
    line = document.line_of(finding.panel) if document and finding.panel is not None else 1
    span = Span(finding.path, line, 1, 1) if finding.path else None
    return Diagnostic("check/dashboard", f"{rule}: {finding.message}", span)
