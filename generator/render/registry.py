"""The list of renderers, and running them all."""

from collections.abc import Callable, Iterable

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
from generator.render.tempo import render_tempo
from generator.site.model import Site

Renderer = Callable[[Site], Iterable[Artifact]]
# What becomes of an artifact as soon as it is made, before the next one is.
Keep = Callable[[Artifact], Artifact]

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
    render_runbooks,
)
# What may have nothing to render.
_OPTIONAL: tuple[Renderer, ...] = (render_tempo, render_instrumentation)


def _as_made(artifact: Artifact) -> Artifact:
    return artifact


def render_all(site: Site, more: tuple[Renderer, ...] = (), keep: Keep = _as_made) -> tuple[Artifact, ...]:
    """Every artefact of ours and of `more`, sorted by path, as `keep` has it. Two for one path is a defect."""
    rendered = render_parts(site, keep)
    found = [
        *rendered,
        *render_compose(site, rendered),
        *(artifact for render in more for artifact in _render(render, site, keep)),
    ]
    artifacts: dict[str, Artifact] = {}
    for artifact in found:
        if artifact.path in artifacts:
            raise AssertionError(f"{artifact.path} is rendered twice")
        artifacts[artifact.path] = artifact
    return tuple(artifacts[path] for path in sorted(artifacts))


def render_parts(site: Site, keep: Keep = _as_made) -> tuple[Artifact, ...]:
    """What the parts read, without how compose starts them: that depends on this."""
    return tuple(artifact for render in (*RENDERERS, *_OPTIONAL) for artifact in _render(render, site, keep))


def _render(render: Renderer, site: Site, keep: Keep) -> tuple[Artifact, ...]:
    rendered = tuple(map(keep, render(site)))
    if not rendered and render not in _OPTIONAL:
        raise AssertionError(f"{render.__name__} rendered nothing")
    return rendered
