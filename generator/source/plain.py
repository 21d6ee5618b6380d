"""YAML that a program wrote, as plain data: by libyaml, since nothing has to be said of its lines."""

from typing import Any

import yaml


def load_plain(text: str) -> Any:
    """The data of the only document. Raises yaml.YAMLError."""
    return yaml.load(text, Loader=yaml.CSafeLoader)
