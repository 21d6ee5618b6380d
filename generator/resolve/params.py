"""`params:` of a service: text such as `5%` to the number that the pack's rules take, within its bounds."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from generator import units
from generator.packs import Pack, Param, parse_value
from generator.promql.tree import PromQLError, parse
from generator.resolve.context import Context
from generator.site.model import ParamValue
from generator.source.read import Path

# What a text of each sort consists of: what is more would mean something to a tool on its way.
_TEXTS: Final = {
    "words": (r"[\w.:/+-]+( [\w.:/+-]+)*", "names apart by single spaces, such as free basic premium"),
    "pattern": (r"[\w.:/+*?|()^ -]*", "a name, or several with | between them, such as gpt-5|o3.*"),
    "matchers": (r"(?!.*(\$|\{\{|\}\}|\[\[|<[<%#]))[^\n`\']+", 'label matchers, such as device!~"loop.+"'),
    "queues": (r"db\d+=[\w.:*-]+(,db\d+=[\w.:*-]+)*", "queues by database, such as db0=celery,db0=mails"),
}
_LONGEST: Final = 1000

Given = str | int | float | bool


def resolve_params(
    context: Context, packs: Sequence[Pack], given: Mapping[str, Given], path: Path
) -> dict[str, ParamValue]:
    """The given parameters as values, in name order; reports unknown ones and those out of bounds."""
    known = {name: param for pack in packs for name, param in pack.params.items()}
    values: dict[str, ParamValue] = {}
    for name, text in sorted(given.items()):
        param = known.get(name)
        if param is None:
            message = f"no pack of this service has a parameter '{name}'"
            context.unknown("spec/unknown-param", message, name, known, (*path, name))
            continue
        try:
            values[name] = parse_param(param, text)
        except ValueError as error:
            context.problem("spec/param-range", str(error), (*path, name), notes=[f"{name}: {param.why}"])
    return values


def parse_param(param: Param, text: Given) -> ParamValue:
    """The value of one parameter. Raises ValueError with a sentence for the user."""
    if isinstance(text, bool):
        raise ValueError(f"{str(text).lower()} is not a {param.type}")
    value = parse_value(param.type, text)
    if isinstance(value, str):
        check_text(param.holds, value)
    if not isinstance(value, str):
        if param.min is not None and value < param.min:
            raise ValueError(f"{text} is too little; the least is {units.format_value(param.type, param.min)}")
        if param.max is not None and value > param.max:
            raise ValueError(f"{text} is too much; the most is {units.format_value(param.type, param.max)}")
    return value


def check_text(holds: str, text: str) -> None:
    """Whether a text is what its parameter holds. Raises ValueError with a sentence for the user."""
    pattern, sentence = _TEXTS.get(holds, ("(?s).*", ""))
    if not re.fullmatch(pattern, text) or len(text) > _LONGEST:
        raise ValueError(f"this should be {sentence}" if sentence else f"this is longer than {_LONGEST} characters")
    try:
        if holds == "pattern":
            parse(f'x{{x=~"{text}"}}')
        elif holds == "matchers":
            parse(f"x{{{text}}}")
    except PromQLError as error:
        raise ValueError(f"this should be {sentence}: {error}") from error
