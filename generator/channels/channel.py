"""What every messenger brings: the keys that a user writes, and the channel that follows from them.

Owns what the rest of Lookout asks of a messenger. A new one is a module with a subclass of each class here, a line in
generator.channels.registry, and its texts in generator/templates/. Nothing here reads, writes or sends.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from generator.conventions import SECRETS_MOUNT
from generator.values.forms import Form
from generator.values.secret import SecretRef
from generator.values.typed import Model


@dataclass(frozen=True, slots=True)
class Channel(ABC):
    """A place that messages go to. `title` is the messenger's name, `configs` its list in an Alertmanager receiver."""

    title: ClassVar[str]
    configs: ClassVar[str]

    name: str

    @property
    @abstractmethod
    def place(self) -> tuple[str, ...]:
        """What makes two channels the same place: a message sent to both would arrive twice."""

    @property
    @abstractmethod
    def secret(self) -> SecretRef:
        """What the messenger asks for, which only the user has."""

    @property
    @abstractmethod
    def purpose(self) -> str:
        """What that secret is, for people."""

    @property
    @abstractmethod
    def form(self) -> str:
        """The name of the form that its value has."""

    @property
    def shown(self) -> str:
        """The channel in a sentence, after its name."""
        return self.title

    @property
    def secret_path(self) -> str:
        """Where a container finds the secret."""
        return f"{SECRETS_MOUNT}/{self.secret.name}"

    @abstractmethod
    def receiver(self, stack: str, *, quiet: bool) -> dict[str, Any]:
        """The entry of Alertmanager's receiver. `stack` says which stack sends; `quiet` messages make no sound where
        the messenger can do that."""

    @abstractmethod
    def notification(self) -> tuple[str, Mapping[str, str | SecretRef]]:
        """Uptime Kuma's notification: its type, and its settings by Kuma's own names."""


@dataclass(frozen=True, slots=True)
class NamedServer:
    """A server that the user named and that the secret travels to: the key it stands at, and why it may do so in plain
    text."""

    key: str
    address: str
    carries: str
    insecure: str


class ChannelModel(Model):
    """The keys of a messenger under `channels:` and `people:`."""

    def to_channel(self, name: str) -> Channel:
        """The channel of this name, its defaults filled in."""
        raise NotImplementedError

    def server(self) -> NamedServer | None:
        """Where the secret goes, if the user says where."""
        return None


@dataclass(frozen=True, slots=True)
class Messenger:
    """A messenger: its key in services.yaml and the keys under it (`field` with the shorthands that are accepted).

    The two sentences are the reference's, of a channel and of a person. `template` is its file in generator/templates/,
    if it has texts of its own, `forms` what its secrets look like.
    """

    key: str
    model: type[ChannelModel]
    field: Any
    channel_help: str
    person_help: str
    template: str
    forms: tuple[Form, ...]
