"""The list of renderers, and running them all."""

from collections.abc import Callable

from generator.artifact import Artifact
from generator.render.alertmanager.config import render_alertmanager
from generator.render.caddy.config import render_caddy
from generator.render.caddy.home import render_home
from generator.render.collector.config import render_collector
from generator.render.compose import render_compose
from generator.render.grafana.dashboards import render_dashboards
from generator.render.grafana.provisioning import render_provisioning
from generator.render.instrumentation import render_instrumentation
from generator.render.kuma import render_monitors
from generator.render.loki import render_loki
from generator.render.prometheus.blackbox import render_blackbox
from generator.render.prometheus.config import render_with_rules
from generator.render.runbooks import render_runbooks
from generator.site.model import Site

Renderer = Callable[[Site], tuple[Artifact, ...]]

RENDERERS: tuple[Renderer, ...] = (
    render_with_rules,
    render_blackbox,
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
    render_instrumentation,
)


def render_all(site: Site, more: tuple[Renderer, ...] = ()) -> tuple[Artifact, ...]:
    """Every artefact of ours and of `more`, sorted by path. Two for one path, or none from a renderer, is a defect."""
    artifacts: dict[str, Artifact] = {}
    for render in (*RENDERERS, *more):
        rendered = render(site)
        if not rendered:
            raise AssertionError(f"{render.__name__} rendered nothing")
        for artifact in rendered:
            if artifact.path in artifacts:
                raise AssertionError(f"{artifact.path} is rendered twice")
            artifacts[artifact.path] = artifact
    return tuple(artifacts[path] for path in sorted(artifacts))
