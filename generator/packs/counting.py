"""Which requests of a service count: those that users make, and that it tries to answer.

Owns the selectors that leave out health checks, the pages that machines scrape, and what services.yaml excludes. Which
ratio is made of them is the business of the packs.
"""

import json
from collections.abc import Iterable
from typing import Final

from generator.site.model import Service

# Routes, or names of views, that machines request. Words that may also be of a product count only at the root, and a
# route with a parameter in front is always of the product. In front stands a class of few letters: Prometheus compiles
# a rule's patterns at each evaluation, and one that says what may not stand there costs eighteen times as much.
_HEALTH: Final = (
    "health(z|y|[_-]?checks?)?(/(live|ready|liveness|readiness|startup|db))?|livez|liveness|readyz|readiness"
)
_AT_ROOT: Final = "live|ready|ping|metrics|actuator/prometheus"
MACHINES: Final = f"([a-zA-Z0-9_/.-]*[/.:])?({_HEALTH})/?|/?(-/)?({_AT_ROOT})/?"
# A request that the service refuses is neither a failure of it nor a success.
REFUSED: Final = "401|403|404|405|429"


class Counted:
    """Called, a function of the series of all requests that count, over a window."""

    def __init__(self, service: Service) -> None:
        self._selector = f'service="{service.name}"'
        whole = {_pattern(each.route) for each in service.excluded if not each.method}
        self._methods: dict[str, list[str]] = {}
        for each in service.excluded:
            if each.method and _pattern(each.route) not in whole:
                self._methods.setdefault(_pattern(each.route), []).append(each.method)
        self._routes = [MACHINES, *sorted(whole), *self._methods]

    def __call__(self, function: str, metric: str, window: object, more: str = "", offset: object = "") -> str:
        """`function` over the series of `metric` that count; `more`: further matchers, `offset`: how long ago."""
        after = f" offset {offset}" if offset else ""
        parts = [f"{function}({metric}{{{inside}}}[{window}]{after})" for inside in self._inside(more)]
        return parts[0] if len(parts) == 1 else f"({' or '.join(parts)})"

    def _inside(self, more: str) -> list[str]:
        """The matchers; of a route of which not every method is excluded, those of the other methods beside them."""
        rest = f",{more}" if more else ""
        found = [f"{self._selector},handler!~{_quoted(self._routes)}{rest}"]
        for route, methods in self._methods.items():
            others = [each for each in self._routes if each != route]
            own = f'handler=~{_quoted([route])},handler!~{_quoted(others)},method!~"{"|".join(sorted(methods))}"'
            found.append(f"{self._selector},{own}{rest}")
        return found


def _quoted(patterns: Iterable[str]) -> str:
    return json.dumps("|".join(patterns), ensure_ascii=False)


def _pattern(route: str) -> str:
    """A route as a regular expression, without a backslash; `*` stands for anything."""
    plain = "".join(f"[{letter}]" if letter in ".+?()[{|$" else letter for letter in route)
    return plain.replace("^", ".").replace("*", ".*")
