"""What exporters log in with, in the form that each reads: parts of a DSN, a table of passwords.

Owns the forms. The values come from secrets/ and go into the exporter's share of it alone: none is printed, logged or
put into a message.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Final
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from generator.diagnostics import Diagnostic, Problems
from generator.model import Credential, Exporter, Site

# Shorter than a scrape may take, so that a database that hangs is told from an exporter that does.
_CONNECT_SECONDS: Final = "3"
_SCHEMES: Final = ("postgres", "postgresql")


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
        return json.dumps({f"redis://{credential.address}": value} if value else {})
    if not value:
        return ""
    user, password, address = _dsn_parts(value, credential.secret.name)
    return {"dsn.user": user, "dsn.password": password, "dsn.address": address}[credential.form]


def _dsn_parts(dsn: str, secret: str) -> tuple[str, str, str]:
    """User, password and the rest of a DSN, without what encoded them."""
    parts = urlsplit(dsn)
    if parts.scheme not in _SCHEMES or not parts.username or not parts.password or not parts.hostname:
        message = f"secrets/{secret} is no DSN: postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
        raise Problems([Diagnostic("apply/secret-missing", message)])
    query = {"connect_timeout": [_CONNECT_SECONDS], **parse_qs(parts.query)}
    address = f"{parts.netloc.rpartition('@')[2]}{parts.path or '/postgres'}?{urlencode(query, doseq=True)}"
    return unquote(parts.username), unquote(parts.password), address
