"""What exporters log in with: the DSN of a database, the password of a store. Names of secrets, never their values."""

from collections.abc import Mapping
from typing import Final

from generator.net.addresses import is_local
from generator.packs import Pack
from generator.resolve.context import Context
from generator.site.model import Dsn, Service, Tls
from generator.source.read import Path
from generator.spec.services import ServiceSpec

# What a service needs beside its address, and how it is written.
HINTS: Final = {
    "dsn": "write dsn: secret:{name}_dsn; one for the role lookout is made, and `lookout connect` prints its SQL",
}
_ROLE: Final = "lookout"
# Every server has it, and statistics are of the whole server whichever database one is in.
_DATABASE: Final = "postgres"


def resolve_dsn(spec: ServiceSpec, address: str, tls: Tls | None) -> Dsn | None:
    """The service's Dsn. Beyond this machine and its networks a connection without TLS is refused, unless the service
    says why not."""
    if spec.dsn is None:
        return None
    mode = "disable" if not tls and (is_local(address) or spec.insecure) else "require"
    if tls and tls.ca and tls.verify:
        mode = "verify-full"
    return Dsn(spec.dsn, f"postgresql://{_ROLE}:{{key}}@{address}/{_DATABASE}?sslmode={mode}")


def hint_for(need: str, service: str) -> str:
    """How a field that is missing is written."""
    return HINTS.get(need, "").format(name=service.replace("-", "_"))


def check_credentials(context: Context, service: Service, packs: list[Pack], path: Path) -> None:
    """Report what is said of logging in, and no exporter of the service reads."""
    given: Mapping[str, bool] = {
        "dsn": service.dsn is not None,
        "password": service.password is not None,
        "user": bool(service.user),
        "tls": service.tls is not None,
    }
    for field, there in given.items():
        if there and not any(reads(pack, field) for pack in packs):
            message = f"nothing of '{service.name}' reads a {field}"
            kinds = sorted(pack.name for pack in context.packs.values() if reads(pack, field))
            context.problem("spec/bad-value", message, (*path, field), notes=[f"kinds that do: {', '.join(kinds)}"])


def reads(pack: Pack, field: str) -> bool:
    """Whether the pack's exporter reads it; who logs in is said with a password, or within a DSN."""
    files = pack.exporter.files if pack.exporter else {}
    return any(form.partition(".")[0] == ("password" if field == "user" else field) for form in files.values())
