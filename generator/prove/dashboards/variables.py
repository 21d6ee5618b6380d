"""The values that a dashboard's variables can take, with and without servers to ask."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from generator.prove.dashboards.document import Document
from generator.prove.dashboards.interpolate import Value

# Stands for whatever a query would return, where no server is asked.
SAMPLE: Final = "sample"
# A value that means something else in a regular expression; what is asked with it must still parse.
AWKWARD: Final = "a.b+c"

Lookup = Callable[[Mapping[str, Any]], Sequence[str]]


def custom_options(variable: Mapping[str, Any]) -> list[str]:
    """The values of a custom variable: `a,b` or `Title : a,Other : b`."""
    parts = [part.strip() for part in str(variable.get("query") or "").split(",") if part.strip()]
    return [part.rpartition(" : ")[2].strip() for part in parts]


def options(variable: Mapping[str, Any], lookup: Lookup) -> list[str]:
    """Every value that can be chosen, `All` aside."""
    match variable.get("type"):
        case "custom" | "interval":
            return custom_options(variable)
        case "query":
            return list(lookup(variable))
    return [str(variable.get("query") or "")]


def all_value(variable: Mapping[str, Any], values: Sequence[str]) -> Value:
    """What `All` is filled in as."""
    return str(variable["allValue"]) if variable.get("allValue") else tuple(values)


def assignments(document: Document, lookup: Lookup) -> Iterator[tuple[str, dict[str, Value], bool]]:
    """Ways to choose the variables: what is chosen, the values, and whether data must then be there.

    First what a reader sees on opening the dashboard, then each variable changed by itself.
    """
    known = {str(v.get("name")): (v, options(v, lookup)) for v in document.variables}
    opening = {name: _opening(variable, values) for name, (variable, values) in known.items()}
    yield "as opened", opening, True
    for name, (variable, values) in known.items():
        several = bool(variable.get("multi"))
        for value in values if not several else values[:1]:
            chosen: Value = (value,) if several else value
            if chosen != opening[name] and variable.get("type") != "textbox":
                yield f"{name}={value}", {**opening, name: chosen}, not several
        if several:
            yield f"{name}={AWKWARD}", {**opening, name: (AWKWARD,)}, False


def _opening(variable: Mapping[str, Any], values: Sequence[str]) -> Value:
    if variable.get("includeAll"):
        return all_value(variable, values)
    first = values[0] if values else ""
    return (first,) if variable.get("multi") else first


def offline(variable: Mapping[str, Any]) -> Sequence[str]:
    """A lookup without any request."""
    return [SAMPLE]
