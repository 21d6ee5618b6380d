"""The address of a Postgres database with its login, as people paste it, and in the form that the exporter reads.

Owns what is taken and what is not. It never puts a part of an address into an error: the values are secrets.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode

from generator.net.addresses import is_local

EXAMPLE: Final = "postgresql://USER:PASSWORD@HOST:5432/DATABASE?sslmode=require"
# Also as SQLAlchemy and others write it, with the driver's name: postgresql+asyncpg.
_SCHEME: Final = re.compile(r"(?:postgres|postgresql)(?:\+[a-z0-9_]+)?://", re.IGNORECASE)
_PLACE: Final = re.compile(
    r"(?P<host>[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d{1,5}))?"
    r"(?:/(?P<database>[^/?#]*))?(?:\?(?P<query>[^#]*))?"
)
# Every server has it, and statistics are of the whole server whichever database one is in.
_DATABASE: Final = "postgres"
# Shorter than the scrape timeout, to distinguish a hanging database from a hanging exporter.
_CONNECT_SECONDS: Final = "3"
# What the exporter's driver knows of the ways of libpq. `prefer` and `allow` would do without TLS, unseen.
_MODES: Final = ("disable", "require", "verify-ca", "verify-full")
_UNSURE: Final = ("prefer", "allow")
# As other libraries ask, with `ssl`.
_WORDS: Final = {"true": "require", "1": "require", "false": "disable", "0": "disable"}
# Settings that the exporter passes on. Others are an app's own (of its pool, its library, its proxy): the server would
# refuse a connection that asks for them.
_KEPT: Final = ("connect_timeout", "application_name", "options", "sslsni", "statement_timeout", "search_path")
_ENCODE: Final = "percent-encode what is special in user and password: @ is %40, / is %2F, : is %3A, % is %25"


class DsnError(ValueError):
    """Why an address cannot be used, in a sentence without any part of it."""


@dataclass(frozen=True, slots=True)
class ParsedDsn:
    """The parts, decoded once. `database` is as it stands in a URL, `port` empty where none is given."""

    user: str = field(repr=False)
    password: str = field(repr=False)
    host: str
    port: str
    database: str
    options: Mapping[str, str] = field(repr=False)

    @property
    def mode(self) -> str:
        """What is asked of TLS; what the address leaves open is decided by where the server is."""
        asked = self.options.get("sslmode") or self.options.get("ssl", "")
        mode = _WORDS.get(asked, asked)
        return mode if mode in _MODES else "disable" if is_local(self.host) else "require"

    def place(self, ca: str = "", verify: bool = True) -> str:
        """HOST:PORT/DATABASE?OPTIONS, without the login. `ca` is a file with certificates that are trusted."""
        options = {name: value for name, value in self.options.items() if name in _KEPT}
        options = {"connect_timeout": _CONNECT_SECONDS, **options, "sslmode": self.mode}
        if ca:
            strict = self.mode if self.mode.startswith("verify") else "verify-full"
            options |= {"sslmode": strict if verify else "require"} | ({"sslrootcert": ca} if verify else {})
        port = f":{self.port}" if self.port else ""
        return f"{self.host}{port}/{self.database}?{urlencode(options, quote_via=quote)}"

    def problem(self, *, plain: bool, ca: bool) -> str:
        """Why the exporter cannot log in with it, in a sentence without any part of it; empty when it can. `plain`:
        the service says that no TLS is needed; `ca`: it names certificates to trust."""
        if self.mode == "disable" and not is_local(self.host) and not plain:
            return "sslmode=disable would send the password unencrypted; write sslmode=require"
        if self.options.get("sslrootcert", "system") != "system" and not ca:
            return "the exporter does not have the file of sslrootcert; write tls: {ca: secret:NAME} for the service"
        if any(name in self.options for name in ("sslcert", "sslkey")):
            return "the exporter cannot log in with a client certificate"
        return ""


def parse_dsn(text: str) -> ParsedDsn:
    """Raises DsnError."""
    scheme = _SCHEME.match(text)
    if not scheme:
        raise DsnError("it does not begin with postgresql://")
    login, at, place = text[scheme.end() :].rpartition("@")
    if not at:
        raise DsnError("a user and a password are missing before @HOST")
    _refuse_two_readings(text[scheme.end() :])
    user, colon, password = login.partition(":")
    if not user or not password or not colon:
        raise DsnError("a user and a password are missing before @HOST")
    found = _PLACE.fullmatch(place)
    if not found:
        raise DsnError(f"what follows the last @ is not HOST:PORT/DATABASE with one host; {_ENCODE}")
    port = found["port"] or ""
    if port and not 0 < int(port) < 65536:
        raise DsnError("the port is not between 1 and 65535")
    options = dict(parse_qsl(found["query"] or "", keep_blank_values=True))
    if options.get("sslmode", _MODES[0]) not in (*_MODES, *_UNSURE):
        raise DsnError(f"sslmode is one of {', '.join(_MODES)}")
    database = quote(_decoded(found["database"] or ""), safe="") or _DATABASE
    return ParsedDsn(_decoded(user), _decoded(password), found["host"], port, database, options)


def _refuse_two_readings(rest: str) -> None:
    """A URL ends its login at the last @ before the first of / ? #. Where that is another @ than the last of all, and
    both readings make an address, it is not known which was meant."""
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in authority and "@" in rest[len(authority) :] and _PLACE.fullmatch(authority.rpartition("@")[2]):
        raise DsnError(f"an @ stands in two places, and it can be read in two ways; {_ENCODE}")


def _decoded(text: str) -> str:
    """Text without its percent-encoding, undone once."""
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise DsnError(f"a % in it encodes nothing; {_ENCODE}")
    try:
        plain = unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise DsnError("what is percent-encoded in it is not UTF-8") from None
    if re.search(r"[\x00-\x1f\x7f]", plain):
        raise DsnError("a control character is in it")
    return plain
