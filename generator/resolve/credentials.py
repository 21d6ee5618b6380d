"""What exporters log in with: the DSN of a database, the password of a store. Names of secrets, never their values."""

from typing import Final

from generator.model import Dsn, SecretRef, Service
from generator.packs import Pack
from generator.resolve.context import Context
from generator.resolve.targets import is_local
from generator.source import Path
from generator.spec import ServiceSpec

# What a service needs beside its address, and how it is written.
HINTS: Final = {
    "dsn": "write dsn: secret:{name}_dsn; one for the role lookout is made, and `lookout connect` prints its SQL",
}
_ROLE: Final = "lookout"
# Every server has it, and statistics are of the whole server whichever database one is in.
_DATABASE: Final = "postgres"


def resolve_dsn(spec: ServiceSpec) -> Dsn | None:
    """The service's Dsn. Beyond this machine and its networks a connection without TLS is refused."""
    if spec.dsn is None:
        return None
    address = spec.address or ""
    mode = "disable" if is_local(address) else "require"
    return Dsn(spec.dsn, f"postgresql://{_ROLE}:{{key}}@{address}/{_DATABASE}?sslmode={mode}")


def hint_for(need: str, service: str) -> str:
    """How a field that is missing is written."""
    return HINTS.get(need, "").format(name=service.replace("-", "_"))


def check_credentials(context: Context, service: Service, packs: list[Pack], path: Path) -> None:
    """Report a credential that no exporter of the service reads."""
    read = {form.partition(".")[0] for pack in packs if pack.exporter for form in pack.exporter.files.values()}
    given: dict[str, SecretRef | None] = {
        "dsn": service.dsn.secret if service.dsn else None,
        "password": service.password,
    }
    for field, secret in given.items():
        if secret and field not in read:
            message = f"nothing of '{service.name}' reads a {field}"
            kinds = sorted(pack.name for pack in context.packs.values() if pack.exporter and _reads(pack, field))
            context.problem("spec/bad-value", message, (*path, field), notes=[f"kinds that do: {', '.join(kinds)}"])


def _reads(pack: Pack, field: str) -> bool:
    files = pack.exporter.files if pack.exporter else {}
    return any(form.partition(".")[0] == field for form in files.values())
