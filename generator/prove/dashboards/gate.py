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
    Unreadable,
    read_document,
    read_provisioning,
)
from generator.prove.dashboards.rule import Finding, Rule
from generator.site.model import Site

RULES: Final = (
    Rule("D01-round-trip", structure.round_trip),
    Rule("D02-types", structure.types),
    Rule("D03-schema-version", structure.schema_version),
    Rule("D04-panel-type", structure.panel_types),
    Rule("D05-panel-id", structure.panel_ids),
    Rule("D06-grid", structure.grid),
    Rule("D07-uid", structure.uids),
    Rule("D08-title", structure.titles),
    Rule("D09-runtime-state", structure.runtime_state),
    Rule("D10-ref-id", structure.ref_ids),
    Rule("D11-variables", queries.variables),
    Rule("D12-datasource", meaning.datasources),
    Rule("D13-legend-labels", queries.legend_labels),
    Rule("D14-no-query", queries.has_queries),
    Rule("D15-bucket-bounds", queries.bucket_bounds),
    Rule("D16-words", structure.words),
    Rule("D17-thresholds", meaning.thresholds),
    Rule("D18-alert-panel", meaning.alert_panels),
    Rule("D19-links", meaning.links),
    Rule("D20-literal-regex", queries.literal_regex),
    Rule("D21-weight", queries.weight),
    Rule("D22-texts", meaning.texts),
    Rule("D23-unit", meaning.units),
    Rule("D24-promql", queries.promql),
    Rule("D25-rate-interval", queries.rate_interval),
    Rule("D26-counter", queries.counters),
    Rule("D27-service-matcher", queries.service_matcher),
    Rule("D28-conventions", structure.conventions),
    Rule("D29-empty-text", meaning.empty_text),
    Rule("D30-logql", queries.logql),
    Rule("P01-source-uid", provisioning.source_uids),
    Rule("P02-time-interval", provisioning.time_interval),
    Rule("P03-references", provisioning.references),
    Rule("P04-dollar", provisioning.escaped_dollars),
    Rule("P06-provider", provisioning.providers),
    Rule("P07-secret", provisioning.no_secrets),
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
        except Unreadable as error:
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
