"""Where each app reports its errors: to Bugsink, to a tracker of the user's own, or nowhere."""

import zlib
from typing import Final

from generator.conventions import (
    BUGSINK_PATH,
    LOCAL_PORT,
    sentry_dsn,
)
from generator.net.addresses import host_of, is_container
from generator.parts.table import PORTS
from generator.resolve.context import Context
from generator.site.model import Errors, Service, Stack
from generator.source.read import Path
from generator.spec.services import ServiceSpec
from generator.values.secret import SecretRef

# What Bugsink numbers itself begins at 1, or above the highest of ours.
_NUMBERS: Final = 2**30


def resolve_errors(context: Context, stack: Stack, service: Service, spec: ServiceSpec, path: Path) -> Errors | None:
    """The Errors of one service; only what runs code of its own is given a project without asking."""
    given = spec.errors
    if given and given.mode and given.dsn:
        context.problem("spec/bad-value", "write either none or a dsn, not both", (*path, "errors"))
    if given and given.dsn:
        return Errors(given.dsn)
    if given or not stack.errors or not _is_app(service):
        return None
    project = project_number(service.name)
    dsn = SecretRef(sentry_dsn(service.name))
    return Errors(dsn, project, f"{_endpoint(stack, service)}/{project}")


def project_number(service: str) -> int:
    """The number of a service's project: the same for as long as it keeps its name, so that the DSN is known before
    Bugsink runs, and an app never has to be started twice for it."""
    return zlib.crc32(service.encode()) % _NUMBERS + 1


def _is_app(service: Service) -> bool:
    """Whether it answers scrapes itself; in a data store's stead an exporter does, and what is probed answers none."""
    return any(not job.probe_module and all(a == b for a, b in job.targets) for job in service.jobs)


def _endpoint(stack: Stack, service: Service) -> str:
    """How the app reaches Bugsink: by name from the network that it shares, otherwise through the endpoint."""
    hosts = {host_of(address) for job in service.jobs if not job.probe_module for address, _ in job.targets}
    if all(map(is_container, hosts)):
        return f"http://{{key}}@bugsink:{PORTS['bugsink']}"
    if stack.domain:
        return f"https://{{key}}@{stack.domain}{BUGSINK_PATH}"
    return f"http://{{key}}@localhost:{LOCAL_PORT}{BUGSINK_PATH}"
