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
    users = {name, *context.users_of(name), *context.sharing_address(name)}
    kinds = {kind for user in users for kind in _sources(context, context.spec.services[user])}
    return tuple(sorted(kinds))


def _sources(context: Context, spec: ServiceSpec) -> Iterator[str]:
    return (context.packs[kind].source for kind in spec.kind if kind in context.packs)
