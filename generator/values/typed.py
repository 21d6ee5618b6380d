"""The types of values in services.yaml: durations, sizes, shares, addresses, secrets, and how a mistake is named.

Owns single values; which key has which one is the business of generator.spec and generator.channels. Each type brings
its own part of the JSON Schema.
"""

import re
from collections.abc import Callable
from typing import Annotated, Any, Final

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)
from pydantic_core import CoreSchema, PydanticCustomError

from generator import units
from generator.values.secret import SecretRef

NAME_PATTERN: Final = r"[a-z][a-z0-9_-]{0,31}"


def text_parser(parse: Callable[[str], Any], example: str) -> BeforeValidator:
    def convert(value: Any) -> Any:
        if isinstance(value, int | float) and not isinstance(value, bool):
            message = "{value} needs a unit; write for example {example}"
            raise PydanticCustomError("spec/wrong-type", message, {"value": value, "example": example})
        if not isinstance(value, str):
            raise PydanticCustomError("spec/wrong-type", "this should be text such as {example}", {"example": example})
        try:
            return parse(value)
        except ValueError as error:
            raise PydanticCustomError("spec/bad-value", "{reason}", {"reason": str(error)}) from error

    return BeforeValidator(convert)


def _parse_secret(value: Any) -> Any:
    if not isinstance(value, str) or not value.startswith("secret:"):
        raise PydanticCustomError(
            "spec/plain-secret",
            "a secret is never written here; write secret:NAME and put the value into the file secrets/NAME",
        )
    name = value.removeprefix("secret:")
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", name):
        raise PydanticCustomError(
            "spec/plain-secret",
            "after secret: comes the name of a file in secrets/, in lower-case letters, digits and _",
        )
    return SecretRef(name)


def _parse_scalar(value: Any) -> Any:
    if not isinstance(value, str | int | float):
        raise PydanticCustomError("spec/wrong-type", "a parameter is a single value, such as 5% or 500ms")
    return value


def _of_kind(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """Parameters of a kind; `generator.packs.renamed` knows whose one is that stands here by itself."""
    if value is None:
        return {}
    return value if isinstance(value, str | int | float) else handler(value)


def _parse_duration(text: str) -> int:
    seconds = units.parse_duration(text)
    if seconds == 0:
        raise ValueError(f"'{text}' is no time at all; write at least 1s")
    return seconds


def _parse_latency(text: str) -> float:
    seconds = units.parse_seconds(text)
    if seconds == 0:
        raise ValueError(f"'{text}' is no time at all; write at least 1ms")
    return seconds


def form(pattern: str, sentence: str) -> BeforeValidator:
    """Text of a form that is told in words; `sentence` follows the text that was written."""

    def check(value: Any) -> Any:
        if isinstance(value, str) and not re.fullmatch(pattern, value):
            # An address with a login is a secret, with a scheme or without one.
            shown = re.sub(r"\S+@", "…@", value)
            raise PydanticCustomError("spec/bad-value", "'{value}' {sentence}", {"value": shown, "sentence": sentence})
        return value

    return BeforeValidator(check)


def _as_list(value: Any) -> Any:
    if not isinstance(value, str | list):
        raise PydanticCustomError("spec/wrong-type", "this should be a name or a list of names")
    return [value] if isinstance(value, str) else value


def _parse_reason(value: Any) -> Any:
    if not isinstance(value, str) or not re.search(r"[^\W\d_]{2}", value):
        example = 'insecure: "over our WireGuard"'
        raise PydanticCustomError("spec/wrong-type", "say why plain text is safe on its way, such as {example}",
                                  {"example": example})  # fmt: skip
    return " ".join(value.split())


def schema(kind: str, **extra: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": kind, **extra})


class Or:
    """In the JSON Schema: the model itself, or one of these shorthands of it."""

    def __init__(self, *shorthands: dict[str, Any]) -> None:
        self.shorthands = shorthands

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [*self.shorthands, handler(core)]}


Duration = Annotated[int, text_parser(_parse_duration, "30s or 90d"), schema("string", pattern=r"^(\d+[wdhms])+$")]
Size = Annotated[
    int,
    text_parser(units.parse_bytes, "512MiB or 4GiB"),
    schema("string", pattern=r"^\d+(\.\d+)?\s*([kKMGT]i?)?B$"),
]
Ratio = Annotated[float, text_parser(units.parse_ratio, "99.9%"), schema("string", pattern=r"^\d+(\.\d+)?\s*%$")]
Latency = Annotated[
    float, text_parser(_parse_latency, "300ms or 2s"), schema("string", pattern=r"^(\d+ms|(\d+[wdhms])+)$")
]
Secret = Annotated[SecretRef, BeforeValidator(_parse_secret), schema("string", pattern="^secret:[a-z][a-z0-9_]{0,63}$")]
Reason = Annotated[str, BeforeValidator(_parse_reason), schema("string", minLength=2)]
_DOMAIN: Final = r"[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+"
Domain = Annotated[
    str,
    form(_DOMAIN, "is not a domain; write the bare name, such as mon.acme.dev"),
    schema("string", pattern=f"^{_DOMAIN}$"),
]
_WEB_ADDRESS: Final = r"https?://[^\s/]+\S*"
WebAddress = Annotated[
    str,
    form(_WEB_ADDRESS, "is not a web address; write it whole, such as https://acme.dev/health"),
    schema("string", pattern=f"^{_WEB_ADDRESS}$"),
]
AbsolutePath = Annotated[str, form(r"/\S*", "is not a path; a path starts with /"), schema("string", pattern=r"^/\S*$")]
_URL_PATH: Final = r"/[A-Za-z0-9\-._~:/?#@!$&'()*+,;=%]*"
UrlPath = Annotated[
    str,
    form(_URL_PATH, "is not a path; it starts with /, and other than letters and digits stand as %7B"),
    schema("string", pattern=f"^{_URL_PATH}$"),
]
Name = Annotated[str, Field(pattern=f"^{NAME_PATTERN}$")]
Names = Annotated[list[str], BeforeValidator(_as_list), Or({"type": "string"})]
Status = Annotated[int, Field(ge=100, le=599)]

Scalar = Annotated[str | int | float | bool, BeforeValidator(_parse_scalar)]
# By kind; or one value, as all were written in the release before.
Params = dict[str, Annotated[dict[str, Scalar], WrapValidator(_of_kind)]]


class Model(BaseModel):
    """A mapping of keys to values: no others, and none that is converted from another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, arbitrary_types_allowed=True)
