"""`people:`, `channels:` and `notify:`: who gets an alert, and where."""

from typing import TYPE_CHECKING

from pydantic import Field, create_model

from generator.channels.registry import fields
from generator.values.typed import Model, Names

if TYPE_CHECKING:
    _OfChannel = Model
    _OfPerson = Model
else:
    # A key for each messenger, so that a new one is a module of its own and nothing here.
    _OfChannel = create_model("_OfChannel", __base__=Model, **fields(of_person=False))
    _OfPerson = create_model("_OfPerson", __base__=Model, **fields(of_person=True))


class ChannelSpec(_OfChannel):
    """Where messages go: exactly one of these."""


class PersonSpec(_OfPerson):
    """A person who owns services, and their personal channel."""


class NotifySpec(Model):
    """Which severity goes where: names of channels, and `owner` for the owner of the service."""

    critical: Names | None = Field(default=None, description="Pages. Default: every channel.")
    warning: Names | None = Field(default=None, description="What can wait until you sit down. Default: every channel.")
    info: Names | None = Field(default=None, description="For the record. Default: nowhere.")
