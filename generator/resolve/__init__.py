"""Spec + packs -> Site: defaults, references and cross-checks, and nothing else.

The only place where a default lives. It does no I/O, reads no clock and renders no file.
"""

from collections.abc import Mapping

from generator.diagnostics import Diagnostic, Problems, sort_diagnostics
from generator.packs import Pack
from generator.resolve.access import check_reserved
from generator.resolve.budget import resolve_budget
from generator.resolve.context import Context
from generator.resolve.coverage import check_coverage
from generator.resolve.detection import check_detection
from generator.resolve.inhibition import with_early_labels
from generator.resolve.monitors import resolve_monitors
from generator.resolve.notify import resolve_channels, resolve_notify, resolve_people
from generator.resolve.owners import with_owners
from generator.resolve.services import resolve_services
from generator.resolve.stack import resolve_stack
from generator.resolve.waiting import with_waiting
from generator.site.model import Site
from generator.source.read import Source
from generator.spec.keys import Spec

__all__ = ["resolve_site"]


def resolve_site(spec: Spec, source: Source, packs: Mapping[str, Pack]) -> tuple[Site, tuple[Diagnostic, ...]]:
    """The Site and its warnings. Raises Problems with every error and warning when there is an error."""
    context = Context(spec, source, packs)
    stack = resolve_stack(context)
    channels = resolve_channels(context)
    people = resolve_people(context)
    notify = resolve_notify(context, channels, people)
    services = resolve_services(context, stack)
    check_reserved(context, services)
    site = Site(
        stack=stack,
        budget=resolve_budget(context, stack, services),
        people=people,
        channels=channels,
        notify=notify,
        watchdog=spec.watchdog.ping if spec.watchdog else None,
        services=services,
        monitors=resolve_monitors(services),
    )
    if not any(problem.level == "error" for problem in context.problems):
        # What is wrong with a service would show here once more, as alerts that it does not have.
        check_detection(context, stack, services)
        check_coverage(context, services)
    problems = sort_diagnostics(context.problems)
    if any(problem.level == "error" for problem in problems):
        raise Problems(problems)
    return with_waiting(with_early_labels(with_owners(site))), problems
