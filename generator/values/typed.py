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


def text_parser(kind: str, parse: Callable[[str], Any], example: str) -> BeforeValidator:
    def convert(value: Any) -> Any:
        if isinstance(value, int | float) and not isinstance(value, bool):
            raise PydanticCustomError("spec/wrong-type", "{reason}", {"reason": units.missing_unit(kind, value)})
        if not isinstance(value, str):
            raise PydanticCustomError("spec/wrong-type", "this should be text such as {example}", {"example": example})
        return _parsed(parse, value)

    return BeforeValidator(convert)


def number_parser(parse: Callable[[Any], Any], example: str) -> BeforeValidator:
    """For what is clear as a number too; `parse` says of which it is not."""

    def convert(value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise PydanticCustomError("spec/wrong-type", "this should be {example}", {"example": example})
        return _parsed(parse, value)

    return BeforeValidator(convert)


def _parsed(parse: Callable[[Any], Any], value: Any) -> Any:
    try:
        return parse(value)
    except ValueError as error:
        raise PydanticCustomError("spec/bad-value", "{reason}", {"reason": str(error)}) from error


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


def _parse_chat(value: Any) -> Any:
    """A chat's id; in quotes it is the same number."""
    text = str(value).strip()
    topic = re.fullmatch(r"(-?\d{1,18})[_/:](\d{1,9})", text)
    if topic:
        message = "the topic has a key of its own; write chat: {chat} and thread: {thread}"
        raise PydanticCustomError("spec/bad-value", message, {"chat": topic[1], "thread": topic[2]})
    if isinstance(value, bool) or not isinstance(value, str | int) or not re.fullmatch(r"-?\d{1,18}", text):
        message = "a Telegram chat's id is a number, such as 123456 or -100123456; the bot's getUpdates shows it"
        raise PydanticCustomError("spec/wrong-type", message)
    return int(text)


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
    """Text of a form that is described in words; `sentence` follows the text that was written."""

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


# What a percentage of an objective looks like in the JSON Schema: 99.9% and, since no other reading makes sense, 99.9
# and 0.999.
_OBJECTIVE_TEXT: Final = {"type": "string", "pattern": r"^\s*\d+([.,]\d+)?\s*%?\s*$"}
OBJECTIVE_SCHEMA: Final[dict[str, Any]] = {
    "anyOf": [_OBJECTIVE_TEXT, {"type": "number", "minimum": 0.5, "exclusiveMaximum": 1},
              {"type": "number", "minimum": 50, "maximum": 100}]
}  # fmt: skip
_WHOLE_SCHEMA: Final[dict[str, Any]] = {
    "anyOf": [{"type": "integer"}, {"type": "string", "pattern": r"^\s*-?\d[\d_' ]*(\.\d+)?([eE]\+?\d+)?\s*$"}]
}
CHAT_SCHEMA: Final[dict[str, Any]] = {
    "anyOf": [{"type": "integer"}, {"type": "string", "pattern": r"^\s*-?\d{1,18}\s*$"}]
}
Duration = Annotated[
    int,
    text_parser("duration", _parse_duration, "30s or 90d"),
    schema("string", pattern=rf"^\s*{units.DURATION_PATTERN}\s*$"),
]
Size = Annotated[
    int,
    text_parser("bytes", units.parse_bytes, "512MiB or 4GiB"),
    schema("string", pattern=rf"^\s*{units.SIZE_PATTERN}\s*$"),
]
Ratio = Annotated[
    float, number_parser(units.parse_objective, "a percentage such as 99.9%"), WithJsonSchema(OBJECTIVE_SCHEMA)
]
Latency = Annotated[
    float,
    text_parser("duration", _parse_latency, "300ms or 2s"),
    schema("string", pattern=rf"^\s*{units.DURATION_PATTERN}\s*$"),
]
Whole = Annotated[int, number_parser(units.parse_whole, "a whole number"), WithJsonSchema(_WHOLE_SCHEMA)]
Chat = Annotated[int, BeforeValidator(_parse_chat), WithJsonSchema(CHAT_SCHEMA)]
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
_URL_PATH: Final = r"/[A-Za-z0-9\-._~:/?#@!$&'()*+,;=%]*"
UrlPath = Annotated[
    str,
    form(_URL_PATH, "is not a path; it starts with /, and other than letters and digits stand as %7B"),
    schema("string", pattern=f"^{_URL_PATH}$"),
]
Name = Annotated[str, Field(pattern=f"^{NAME_PATTERN}$")]
# The same for a value, whose pattern would otherwise be all that is said of it.
_METRIC_PATTERN: Final = r"[a-zA-Z0-9_:.*+?|()\[\]^-]+"
Word = Annotated[
    str,
    form(NAME_PATTERN, "cannot stand here; use up to 32 lower-case letters, digits, - and _, a letter first"),
    schema("string", pattern=f"^{NAME_PATTERN}$"),
]
Names = Annotated[list[str], BeforeValidator(_as_list), Or({"type": "string"})]
Status = Annotated[int, Field(ge=100, le=599)]

Scalar = Annotated[str | int | float | bool, BeforeValidator(_parse_scalar)]
# By kind; or one value, as all were written in the release before.
MetricPattern = Annotated[
    str,
    form(_METRIC_PATTERN, "cannot stand in the name of a metric; write a name, or a regular expression such as go_.*"),
    schema("string", pattern=f"^{_METRIC_PATTERN}$"),
]
Params = dict[str, Annotated[dict[str, Scalar], WrapValidator(_of_kind)]]


class Model(BaseModel):
    """A mapping of keys to values: no others, and none that is converted from another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, arbitrary_types_allowed=True)
