"""Which secrets a site needs: what each is, which form its value has, where it comes from, and which containers get it.

Owns no value and no file.
"""

import re
from collections.abc import Container
from dataclasses import dataclass, replace
from typing import Final

from generator.channels.channel import Channel
from generator.conventions import USER_HASH_KEY, logs_token
from generator.parts.secrets import RESERVED, STACK_SECRETS, Origin
from generator.render.instrumentation import instrumented
from generator.site.model import ScrapeJob, Service, Site, Tls

_SAFE_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class Secret:
    """One file in secrets/: what it is, where its value comes from, and which containers are given it."""

    name: str
    purpose: str
    origin: Origin
    consumers: tuple[str, ...] = ()
    around: str = ""
    """What stands around a value that is made: an address with {key} in it."""
    forms: tuple[str, ...] = ("text",)
    """Names from generator.secrets.forms; a value that is used in two ways fits both."""
    plain: bool = False
    """Whether the service says that its way needs no TLS."""
    with_ca: bool = False
    """Whether certificates of the user's own go with it."""


def needed_secrets(site: Site) -> tuple[Secret, ...]:
    """All secrets of `site`, one for each name, sorted."""
    found = _of_stack(site)
    if site.watchdog:
        purpose = "the watchdog's ping address"
        found.append(Secret(site.watchdog.name, purpose, "given", ("alertmanager",), forms=("ping",)))
    people = (person.channel for person in site.people.values() if person.channel)
    found += [_of_channel(channel) for channel in (*site.channels.values(), *people)]
    found += [secret for service in site.services for job in service.jobs for secret in _of_job(job)]
    found += [_of_pushed_logs(service.name) for service in site.services if service.logs.mode == "push"]
    found += _of_errors(site)
    found += [
        Secret(own.name, f"of {service.name}'s own", "made", (service.name,))
        for service in site.services
        for own in service.secrets
    ]
    found += _of_exporters(site, {secret.name for secret in found if secret.origin == "made"})
    merged: dict[str, Secret] = {}
    for secret in found:
        merged[secret.name] = _merge(merged.get(secret.name, secret), secret)
    return tuple(merged[name] for name in sorted(merged))


def _of_stack(site: Site) -> list[Secret]:
    apps = tuple(service.name for service in instrumented(site))
    on = {"": True, "domain": bool(site.stack.domain), "errors": site.stack.errors}
    return [
        Secret(each.name, each.purpose, each.origin, apps if each.name == USER_HASH_KEY else each.consumers,
               forms=(each.form,))
        for each in STACK_SECRETS
        if on[each.needs]
    ]  # fmt: skip


def _of_channel(channel: Channel) -> Secret:
    return Secret(channel.secret.name, channel.purpose, "given", ("alertmanager",), forms=(channel.form,))


def _of_job(job: ScrapeJob) -> list[Secret]:
    """Lookout creates a token, and the service gets it too; a password was set at the target."""
    found = []
    if job.token:
        consumers = ("prometheus", job.service)
        found.append(
            Secret(job.token.name, f"the token of {job.service}'s metrics", "made", consumers, forms=("token",))
        )
    if job.basic_password and job.basic_password.name not in RESERVED:
        purpose = f"the password of {job.service}'s metrics"
        found.append(Secret(job.basic_password.name, purpose, "given", ("prometheus",), forms=("password",)))
    return [*found, *_of_tls(job.tls, job.service, ("prometheus",))]


def _of_tls(tls: Tls | None, service: str, consumers: tuple[str, ...]) -> list[Secret]:
    if not tls or not tls.ca:
        return []
    purpose = f"the certificates that are trusted for {service}"
    return [Secret(tls.ca.name, purpose, "given", consumers, forms=("certificate",))]


def _of_pushed_logs(service: str) -> Secret:
    """One token a service: it says whose the lines are."""
    purpose = f"the token of the lines that {service} pushes"
    return Secret(logs_token(service), purpose, "made", ("collector", service), forms=("token",))


def _of_errors(site: Site) -> list[Secret]:
    """Each app's address to report to, whose key is made before Bugsink runs."""
    found = []
    for service in site.services:
        if errors := service.errors:
            origin: Origin = "made" if errors.project else "given"
            purpose = f"where {service.name} reports its errors"
            found.append(
                Secret(errors.dsn.name, purpose, origin, (service.name,), errors.address, forms=("sentry-dsn",))
            )
    return found


def _of_exporters(site: Site, made: Container[str]) -> list[Secret]:
    """What exporters log in with. A DSN is made for a role of ours; a password comes from the set-up of the store,
    unless it is one of those that we make."""
    found = []
    for service in site.services:
        if service.dsn:
            found.append(_of_dsn(service, service.dsn.secret.name, service.dsn.made))
        if password := service.password:
            origin: Origin = "made" if password.name in made else "given"
            found.append(Secret(password.name, f"{service.name}'s password", origin, forms=("password",)))
        found += _of_tls(service.tls, service.name, ())
    return found


def _of_dsn(service: Service, name: str, made: str) -> Secret:
    with_ca = bool(service.tls and service.tls.ca)
    return Secret(name, f"how {service.name} is asked", "made", around=made, forms=("postgres-dsn",),
                  plain=bool(service.insecure), with_ca=with_ca)  # fmt: skip


def _merge(one: Secret, other: Secret) -> Secret:
    """One file that is used twice: both consumers get it, and a value that the user must give is not invented."""
    if not _SAFE_NAME.fullmatch(other.name):
        raise ValueError(f"{other.name!r} cannot be the name of a secret file")
    given = one if one.origin == "given" else other
    logins = [each for each in (one, other) if "postgres-dsn" in each.forms]
    return replace(
        given,
        consumers=tuple(sorted({*one.consumers, *other.consumers})),
        forms=tuple(sorted({*one.forms, *other.forms})),
        around="" if given.origin == "given" else one.around or other.around,
        plain=bool(logins) and all(each.plain for each in logins),
        with_ca=bool(logins) and all(each.with_ca for each in logins),
    )
