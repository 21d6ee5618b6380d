"""A secret, as everything but the files in secrets/ knows it: by its name."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SecretRef:
    """`secret:NAME`: the name of a file in secrets/, never its content."""

    name: str
