"""The list of renderers, and running them all."""

from collections.abc import Callable

from generator.artifact import Artifact
from generator.model import Site
from generator.render.alertmanager import render_alertmanager
from generator.render.blackbox import render_blackbox
from generator.render.caddy import render_caddy
from generator.render.collector import render_collector
from generator.render.compose import render_compose
from generator.render.coverage import render_coverage
from generator.render.dashboards import render_dashboards
from generator.render.home import render_home
from generator.render.instrumentation import render_instrumentation
from generator.render.log_fields import render_log_fields
from generator.render.loki import render_loki
from generator.render.monitors import render_monitors
from generator.render.prometheus import render_with_rules
from generator.render.promises import render_promises
from generator.render.proofs import render_proofs
from generator.render.provisioning import render_provisioning
from generator.render.reference import render_reference
from generator.render.runbooks import render_runbooks

RENDERERS: tuple[Callable[[Site], tuple[Artifact, ...]], ...] = (
    render_with_rules,
    render_blackbox,
    render_proofs,
    render_alertmanager,
    render_dashboards,
    render_provisioning,
    render_loki,
    render_collector,
    render_monitors,
    render_caddy,
    render_home,
    render_compose,
    render_runbooks,
    render_reference,
    render_promises,
    render_coverage,
    render_instrumentation,
    render_log_fields,
)


def render_all(site: Site) -> tuple[Artifact, ...]:
    """Every artefact, sorted by path. Two for one path, or none from a renderer, is a defect of ours."""
    artifacts: dict[str, Artifact] = {}
    for render in RENDERERS:
        rendered = render(site)
        if not rendered:
            raise AssertionError(f"{render.__name__} rendered nothing")
        for artifact in rendered:
            if artifact.path in artifacts:
                raise AssertionError(f"{artifact.path} is rendered twice")
            artifacts[artifact.path] = artifact
    return tuple(artifacts[path] for path in sorted(artifacts))
