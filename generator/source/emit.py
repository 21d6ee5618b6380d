"""Text of rendered files: the same data always gives the same bytes.

Keys keep the order in which the renderer wrote them, because an order with a reason reads better than the
alphabet; renderers sort what has no reason.
"""

from typing import Any

import orjson
import yaml

from generator.conventions import GENERATED


class _Dumper(yaml.CSafeDumper):
    """Block style, no anchors, long texts as blocks."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: yaml.representer.SafeRepresenter, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def emit_yaml(data: Any, note: str = GENERATED) -> str:
    """YAML with the `rendered by` line on top."""
    body = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)
    return f"# {note}\n{body}"


def emit_json(data: Any) -> str:
    """JSON, indented by two, keys sorted, ending in a newline."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(data, option=options).decode()
