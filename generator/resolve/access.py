"""How monitored services are reached: over TLS or not, as which user, and whether a secret would be sent unencrypted.

Owns the refusal of plain text beyond local addresses, and what `insecure:` says instead. It knows names of secrets, and
no value.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from generator.conventions import logs_token
from generator.diagnostics import Diagnostic
from generator.net.addresses import has_login, host_of, is_local
from generator.parts.secrets import RESERVED
from generator.resolve.context import Context
from generator.resolve.credentials import reads
from generator.site.model import Service, Tls
from generator.source.read import Path
from generator.spec.endpoints import MetricsTlsSpec, TlsSpec
from generator.spec.services import ServiceSpec
from generator.values.secret import SecretRef

_REDIS: Final = re.compile(r"(rediss?)://(?:([^:@/?#]+)@)?([^@/?#]+)(?:/(?:\d{1,3})?)?")
_REDIS_PORT: Final = 6379


@dataclass(frozen=True, slots=True)
class Store:
    """Where a data store is: `host:port`, over TLS or not, and the user of its exporter."""

    address: str
    user: str
    tls: Tls | None


def resolve_store(context: Context, spec: ServiceSpec, path: Path) -> Store:
    """The service's store. A Redis may be written as its provider shows it: rediss://HOST:PORT."""
    address, user, tls = spec.address or "", spec.user or "", resolve_tls(spec.tls)
    where: Path = (*path, "address")
    found = _REDIS.fullmatch(address)
    redis = any(reads(context.packs[kind], "password") for kind in spec.kind if kind in context.packs)
    if found and redis:
        host = found[3]
        address = host if re.search(r":\d+$", host) and host_of(host) else f"{host}:{_REDIS_PORT}"
        tls = tls or (Tls() if found[1] == "rediss" else None)
        if found[1] == "redis" and tls:
            context.problem(
                "spec/bad-value", "redis:// is without TLS, and tls says otherwise", where, hint="write rediss://"
            )
        if found[2] and user and found[2] != user:
            context.problem("spec/bad-value", "address and user name two users; write one of them", (*path, "user"))
        user = user or found[2] or ""
    elif has_login(address):
        report_login(context, where, "user: NAME and password: secret:NAME" if redis else "dsn: secret:NAME")
        # Whatever else there is to say, it is not about this.
        address = re.sub(r"[/?#].*", "", address.rpartition("@")[2])
    return Store(address, user, tls)


def resolve_tls(spec: TlsSpec | None) -> Tls | None:
    """None where nothing is said of TLS."""
    if spec is None:
        return None
    name = spec.server_name if isinstance(spec, MetricsTlsSpec) else None
    return Tls(spec.ca, name or "", verify=not spec.insecure)


def report_login(context: Context, where: Path, instead: str) -> None:
    """A user name or a password in an address: what stands there is never shown."""
    message = "a user name or a password does not belong into an address"
    context.problem("spec/plain-secret", message, where, hint=f"write {instead}")


def plain_allowed(context: Context, what: str, address: str, where: Path, reason: str, hint: str) -> bool:
    """Whether a secret may go to `address` unencrypted: where it is local, or where the service says why. Reports what
    may not, and repeats what may."""
    if is_local(address):
        return True
    if reason:
        message = f"{what} travels unencrypted to {address}: {reason}"
        context.problem("spec/insecure", message, where, level="warning")
        return True
    message = f"{what} would travel unencrypted to {address}"
    context.problem("spec/plain-token", message, where, hint=f'{hint}, or insecure: "why it is safe"')
    return False


def check_verified(context: Context, what: str, address: str, where: Path, reason: str) -> None:
    """Report a secret that is sent over TLS without a check of the certificate; repeat one with a reason."""
    if is_local(address):
        return
    if reason:
        message = f"{what} is sent to {address} without a check of its certificate: {reason}"
        context.problem("spec/insecure", message, where, level="warning")
        return
    hint = 'write ca: secret:NAME, or insecure: "why it is safe" for the service'
    context.problem(
        "spec/plain-token", f"{what} would be sent to {address} without a check of its certificate", where, hint=hint
    )


def check_store(context: Context, service: Service, path: Path) -> None:
    """Report a password that would reach a store in plain text. Of a DSN its own sslmode says it, when it is read."""
    if service.password and not service.tls and service.address:
        where: Path = (*path, "address")
        plain_allowed(context, "the password", service.address, where, service.insecure, "write tls: true")
    if service.password and service.tls and not service.tls.verify:
        check_verified(context, "the password", service.address, (*path, "tls", "insecure"), service.insecure)
    if service.dsn and service.insecure and not service.tls and not is_local(service.address):
        message = f"the password may travel unencrypted to {service.address}: {service.insecure}"
        context.problem("spec/insecure", message, (*path, "insecure"), level="warning")


def check_insecure(context: Context, service: Service, path: Path, said: Iterable[Diagnostic]) -> None:
    """Report an `insecure` that excuses nothing in what was said of the service: it would hide what is added later."""
    if service.insecure and not any(each.code == "spec/insecure" for each in said):
        message = f"nothing of '{service.name}' travels unencrypted beyond local addresses; leave insecure out"
        context.problem("spec/bad-value", message, (*path, "insecure"))


def check_reserved(context: Context, services: tuple[Service, ...]) -> None:
    """Report secrets of services.yaml that are called as those that the stack makes for itself."""
    makers = {logs_token(each.name): each.name for each in services if each.logs.mode == "push"}
    makers |= {each.errors.dsn.name: each.name for each in services if each.errors and each.errors.project}
    for secret, path in _references(context.spec, ()):
        if secret.name not in RESERVED and secret.name not in makers:
            continue
        whose = "the monitoring stack's own" if secret.name in RESERVED else f"made for '{makers[secret.name]}'"
        taken = {*RESERVED, *makers}
        other = next(name for n in range(1, 99) if (name := _other(secret.name, path, n)) not in taken)
        message = f"'{secret.name}' is {whose}; choose another name"
        context.problem("spec/reserved-name", message, path, hint=f"write secret:{other}")


def _other(name: str, path: Path, number: int) -> str:
    """A name after the place that it is used in."""
    owner = str(path[1] if len(path) > 1 else path[0]).replace("-", "_").lower()
    word = name.removeprefix(f"{owner}_")
    return f"{owner}_{word}"[:60] if number == 1 else f"{owner}_own_{word}"[:58] + ("" if number == 2 else str(number))


def _references(value: Any, path: Path) -> Iterator[tuple[SecretRef, Path]]:
    """Every secret that is named, with its place."""
    if isinstance(value, SecretRef):
        yield value, path
    elif isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            yield from _references(getattr(value, name), (*path, field.alias or name))
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _references(each, (*path, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _references(each, (*path, index))
