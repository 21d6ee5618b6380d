"""A connection over TLS, of an exporter or of a scrape job."""

from dataclasses import dataclass

from generator.values.secret import SecretRef


@dataclass(frozen=True, slots=True)
class Tls:
    """A connection over TLS: the trusted authority (the public ones, without `ca`), and which name the certificate has
    to carry (the host's, without `server_name`)."""

    ca: SecretRef | None = None
    server_name: str = ""
    verify: bool = True
