"""`params:` of a service: which parameters are meant, and text such as `5%` as the number that the rules take."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from generator import units
from generator.diagnostics import nearest
from generator.packs import Pack, Param, parse_value
from generator.packs.renamed import flat_name, params_of
from generator.promql.matchers import by_label, examples
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
GivenParams = Mapping[str, Mapping[str, Given] | Given]


def resolve_params(context: Context, packs: Sequence[Pack], given: GivenParams, path: Path) -> dict[Param, ParamValue]:
    """What `params:` sets for a service with these packs; reports what they do not have, and what is out of bounds."""
    return _Params(context, packs, path).resolve(given)


class _Params:
    """One `params:`; exists for as long as `resolve` runs."""

    def __init__(self, context: Context, packs: Sequence[Pack], path: Path) -> None:
        self.context, self.packs, self.path = context, packs, path
        self.known: dict[str, dict[str, Param]] = {}
        for param in (param for pack in packs for param in pack.params.values()):
            self.known.setdefault(param.kind, {})[param.name] = param
        self.values: dict[Param, ParamValue] = {}

    def resolve(self, given: GivenParams) -> dict[Param, ParamValue]:
        """The values; what stands under its kind comes before what is flat."""
        for kind, values in sorted(given.items()):
            if isinstance(values, Mapping):
                self._of_kind(kind, values)
        for name, text in sorted(given.items()):
            if not isinstance(text, Mapping):
                self._flat(name, text)
        return self.values

    def _of_kind(self, kind: str, values: Mapping[str, Given]) -> None:
        known = self.known.get(kind)
        if known is None:
            self._unknown_kind(kind)
            return
        for name, text in sorted(values.items()):
            where: Path = (*self.path, kind, name)
            if name in known:
                self._set(known[name], text, where)
            else:
                self.context.unknown("spec/unknown-param", f"{kind} has no parameter '{name}'", name, known, where)

    def _unknown_kind(self, kind: str) -> None:
        message, where = f"no kind of this service has parameters under '{kind}'", (*self.path, kind)
        pack = self.context.packs.get(kind)
        if pack and pack.source in self.known:
            hint = f"write '{pack.source}', whose parameters {kind} has"
            self.context.problem("spec/unknown-param", message, where, at_key=True, hint=hint)
        else:
            self.context.unknown("spec/unknown-param", message, kind, self.known, where)

    def _flat(self, name: str, text: Given) -> None:
        """One written without its kind, as all were in the release before."""
        where: Path = (*self.path, name)
        params = params_of(name, self.packs)
        if not params:
            self._unknown_flat(name, where)
            return
        place = ", ".join(f"{param.kind}: {{{param.name}: …}}" for param in params)
        for param in params:
            if param in self.values:
                message = f"'{name}' is also written under {param.kind}, as {param.name}"
                self.context.problem("spec/flat-param", message, where, at_key=True, hint="take this one away")
            else:
                self._set(param, text, where)
        message = f"'{name}' stands under no kind, which the next release refuses"
        self.context.problem("spec/flat-param", message, where, level="warning", at_key=True, hint=f"write {place}")

    def _unknown_flat(self, name: str, where: Path) -> None:
        params = [param for known in self.known.values() for param in known.values()]
        names = {word: param for param in params for word in (param.path, param.name, flat_name(param)) if word}
        near = nearest(name, names)
        hint = f"did you mean '{names[near].kind}: {{{names[near].name}: …}}'?" if near else ""
        notes = [f"known: {', '.join(sorted(param.path for param in params))}"] if params else []
        message = f"no kind of this service has a parameter '{name}'"
        self.context.problem("spec/unknown-param", message, where, hint=hint, notes=notes)

    def _set(self, param: Param, text: Given, where: Path) -> None:
        try:
            self.values[param] = parse_param(param, text)
        except ValueError as error:
            self.context.problem("spec/param-range", str(error), where, notes=[f"{param.path}: {param.why}"])


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


def _check_matchers(text: str) -> None:
    """Raises PromQLError, or ValueError where no series can be what is asked for."""
    for label, matchers in by_label(parse(f"x{{{text}}}").matchers.matchers).items():
        try:
            found = next(examples(matchers, "x"), None)
        except re.error as error:
            raise ValueError(f"the pattern of {label} is not understood: {error}") from error
        if found is None:
            raise ValueError(f"no value of {label} is known that these matchers take; write words joined by |")


def check_text(holds: str, text: str) -> None:
    """Whether a text is what its parameter holds. Raises ValueError with a sentence for the user."""
    pattern, sentence = _TEXTS.get(holds, ("(?s).*", ""))
    if not re.fullmatch(pattern, text) or len(text) > _LONGEST:
        raise ValueError(f"this should be {sentence}" if sentence else f"this is longer than {_LONGEST} characters")
    try:
        if holds == "pattern":
            parse(f'x{{x=~"{text}"}}')
        elif holds == "matchers":
            _check_matchers(text)
    except PromQLError as error:
        raise ValueError(f"this should be {sentence}: {error}") from error
