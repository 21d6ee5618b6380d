"""What exporters log in with, in the form that each reads: parts of a DSN, a table of passwords, certificates.

Owns the forms. The values come from secrets/ and go into the exporter's share of it alone: none is printed, logged or
put into a message.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Final
from urllib.parse import quote

from generator.conventions import SECRETS_MOUNT
from generator.diagnostics import Diagnostic, Problems
from generator.net.dsn import EXAMPLE, DsnError, ParsedDsn, parse_dsn
from generator.secrets.values import cleaned
from generator.site.model import Credential, Exporter, Site

# What Go leaves as it is in the user of a URL.
_UNQUOTED: Final = "$&+,;=~-_."
_CA: Final = f"{SECRETS_MOUNT}/tls.ca"


def exporters(site: Site) -> Iterator[Exporter]:
    """The exporters that log in somewhere."""
    for service in site.services:
        yield from (pack.exporter for pack in service.packs if pack.exporter and pack.exporter.credentials)


def credential_files(site: Site, read: Callable[[str], str]) -> Mapping[str, Mapping[str, str]]:
    """Each exporter's files and what is in them; `read` gives the value of a secret, empty when there is none."""
    return {
        exporter.name: {each.form: in_form(each, read(each.secret.name)) for each in exporter.credentials}
        for exporter in exporters(site)
    }


def in_form(credential: Credential, value: str) -> str:
    """The part of a secret's value that a credential holds, as its exporter reads it. Raises Problems."""
    if credential.form == "password.by_address":
        return json.dumps({_redis_url(credential): value} if value else {})
    if credential.form == "tls.ca":
        return value + "\n" if value else ""
    if not value:
        return ""
    dsn = _dsn(credential, value)
    tls = credential.tls
    place = dsn.place(_CA if tls and tls.ca else "", tls.verify if tls else True)
    return {"dsn.user": dsn.user, "dsn.password": dsn.password, "dsn.address": place}[credential.form]


def _redis_url(credential: Credential) -> str:
    """How the exporter calls the server when it looks for its password."""
    user = f"{quote(credential.user, safe=_UNQUOTED)}@" if credential.user else ""
    return f"{'rediss' if credential.tls else 'redis'}://{user}{credential.address}"


def _dsn(credential: Credential, value: str) -> ParsedDsn:
    try:
        dsn = parse_dsn(cleaned(value))
    except DsnError as error:
        reason = str(error)
    else:
        reason = dsn.problem(plain=credential.plain, ca=bool(credential.tls and credential.tls.ca))
        if not reason:
            return dsn
    message = f"secrets/{credential.secret.name} is no DSN of a Postgres database: {reason}"
    raise Problems([Diagnostic("apply/secret-form", message, notes=(f"expected: {EXAMPLE}",))])
