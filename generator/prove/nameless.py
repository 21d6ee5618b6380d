"""Rules and proofs without the names of a site, so that a person or a service of another name proves nothing again.

Owns which words are names. PromQL treats all label values alike, so a proof says the same with another name in each
place where one stands; a name that PromQL or promtool itself has a meaning for is left as it is.
"""

import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import Final

from generator.conventions import STACK_SERVICE
from generator.site.model import Service, Site

# Words of PromQL and of promtool's series. A bracket follows the name of a function.
_SPOKEN: Final = frozenset({
    "and", "or", "unless", "by", "without", "on", "ignoring", "group_left", "group_right", "bool", "offset",
    "start", "end", "inf", "nan", "stale", "atan2", "sum", "min", "max", "avg", "group", "stddev", "stdvar",
    "count", "count_values", "bottomk", "topk", "quantile", "limitk", "limit_ratio",
})  # fmt: skip
# The number of a panel in its address, which is made of its dashboard's name.
_PANEL: Final = re.compile(r"viewPanel=panel-\d+")


def names_of(site: Site, service: Service) -> frozenset[str]:
    """All that stands in the service's rules and proofs and only names something: whose it is, and where."""
    stack = site.stack
    targets = {at for job in service.jobs for pair in job.targets for at in pair}
    hosts = {at.rpartition(":")[0] or at for at in targets}
    found = {service.owner, service.environment, service.host, service.url, service.address, stack.base_url}
    found |= {*service.witnesses, *service.called}
    own = set() if service.name == STACK_SERVICE else {service.name, *targets, *hosts}
    return frozenset(name for name in {*found, *own} if len(name) > 1 and name not in _SPOKEN)


def without_names(names: Collection[str], *texts: str) -> tuple[str, ...]:
    """The texts with a mark for each name, numbered as they appear: a name has the same mark in all of them."""
    marks: dict[str, str] = {}
    texts = tuple(_PANEL.sub("viewPanel=@", text) for text in texts)
    if not names:
        return texts
    pattern = _pattern(frozenset(names))
    return tuple(pattern.sub(lambda found: marks.setdefault(found[0], f"@{len(marks)}@"), text) for text in texts)


@lru_cache(maxsize=256)
def _pattern(names: frozenset[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z0-9_])(?:{'|'.join(_longest_first(names))})(?![A-Za-z0-9_])(?!\()")


def _longest_first(names: frozenset[str]) -> Iterator[str]:
    return map(re.escape, sorted(names, key=lambda name: (-len(name), name)))
