"""What uses a service, by kind: a Redis that Celery uses is a queue, and no cache.

Owns this view from the side of the used, for the templates of packs. Who shows that a store works is the business of
generator.resolve.witnesses.
"""

from collections.abc import Iterator

from generator.resolve.context import Context
from generator.spec.services import ServiceSpec


def kinds_of_users(context: Context, name: str) -> tuple[str, ...]:
    """The kinds of the services that use `name`, by the packs whose rules they have. A service uses itself, and the
    store whose address it has."""
    used = context.spec.services[name]
    users = (spec for spec in context.spec.services.values() if spec is used or _uses(spec, name, used))
    return tuple(sorted({kind for spec in users for kind in _sources(context, spec)}))


def _uses(spec: ServiceSpec, name: str, used: ServiceSpec) -> bool:
    same = bool(used.address) and (spec.address or "").lower() == (used.address or "").lower()
    return same or name in (spec.uses or [])


def _sources(context: Context, spec: ServiceSpec) -> Iterator[str]:
    return (context.packs[kind].source for kind in spec.kind if kind in context.packs)
