"""How a service is reached: its metrics, its certificate, its log lines, its error reports."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from generator.values.typed import Domain, Model, Or, Secret, UrlPath, Whole, form, schema


def _as_logs(value: Any) -> Any:
    return {"mode": value} if isinstance(value, str) else value


def _as_tls(value: Any) -> Any:
    if isinstance(value, bool):
        if value:
            return {}
        raise PydanticCustomError("spec/bad-value", "where there is no TLS, leave tls out")
    return value


class TlsSpec(Model):
    """How a data store's certificate is checked."""

    ca: Secret | None = Field(
        default=None, description="The secret that holds the certificates to trust, in PEM. Default: the public ones."
    )
    insecure: bool | None = Field(
        default=None, description="true: any certificate will do, so that who is in the way can read all."
    )


class MetricsTlsSpec(TlsSpec):
    """How the certificate of an https target is checked."""

    server_name: Domain | None = Field(default=None, description="The name in its certificate. Default: the host.")


Tls = Annotated[TlsSpec, BeforeValidator(_as_tls), Or({"const": True})]
MetricsTls = Annotated[MetricsTlsSpec, BeforeValidator(_as_tls), Or({"const": True})]


class BasicAuthSpec(Model):
    """A user and a password that an endpoint asks for."""

    username: Annotated[
        str,
        form(r"[^:]+", "is no user name; it has at least one character, and no colon"),
        schema("string", pattern="^[^:]+$"),
    ] = Field(description="The user's name.")
    password: Secret = Field(description="The secret that holds the password.")


class MetricsSpec(Model):
    """How a service's /metrics is reached."""

    token: Secret | None = Field(default=None, description="Bearer token that the endpoint asks for.")
    basic_auth: BasicAuthSpec | None = Field(default=None, description="User and password, where it asks for these.")
    tls: MetricsTls | None = Field(
        default=None, description="How the certificate of an https target is checked. Default: by its host's name."
    )
    path: UrlPath | None = Field(default=None, description="Default /metrics.")
    sample_limit: Whole | None = Field(default=None, gt=0, description="Samples a scrape may bring. Default 20000.")


class LogsSpec(Model):
    """Where log lines come from."""

    mode: Literal["docker", "push", "none"] | None = Field(default=None, description="docker, push or none.")
    file: str | None = Field(default=None, description="A log file on this machine; * in its name: anything.")


Logs = Annotated[LogsSpec, BeforeValidator(_as_logs), Or({"enum": ["docker", "push", "none"]})]


class ErrorsSpec(Model):
    """Where error reports go."""

    mode: Literal["none"] | None = Field(default=None, description="none: nowhere.")
    dsn: Secret | None = Field(default=None, description="The secret that holds the DSN of another error tracker.")


ErrorsTo = Annotated[ErrorsSpec, BeforeValidator(_as_logs), Or({"enum": ["none"]})]
