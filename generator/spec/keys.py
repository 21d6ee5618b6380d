"""services.yaml as the user typed it: shape only, no defaults, no cross-references.

The models are also where the reference page and the JSON Schema come from, so every field says what it is for.
Errors come back as Diagnostics with the place of the key or value that is wrong. A key under one of these has its model
in the module of that name.
"""

from pydantic import Field, ValidationError

from generator.diagnostics import Problems
from generator.source.read import Source
from generator.spec.people import ChannelSpec, NotifySpec, PersonSpec
from generator.spec.services import HostSpec, ServiceSpec
from generator.spec.shape import shape_problem
from generator.spec.stack import StackSpec, WatchdogSpec
from generator.values.typed import Model, Name


class Spec(Model):
    """The whole of services.yaml."""

    stack: StackSpec | None = Field(default=None, description="The monitoring stack itself.")
    people: dict[Name, PersonSpec | None] | None = Field(default=None, description="Who owns services.")
    channels: dict[Name, ChannelSpec] | None = Field(default=None, description="Where messages can go.")
    notify: NotifySpec | None = Field(default=None, description="Which severity goes where.")
    watchdog: WatchdogSpec | None = Field(default=None, description="A dead man's switch outside this machine.")
    services: dict[Name, ServiceSpec] = Field(description="What is watched.")
    hosts: dict[Name, HostSpec | None] | None = Field(default=None, description="The machines. Default: this one.")


def load_spec(source: Source) -> Spec:
    """The Spec in `source`. Raises Problems with every mistake in its shape."""
    try:
        return Spec.model_validate(source.data)
    except ValidationError as error:
        raise Problems(shape_problem(Spec, source, details) for details in error.errors()) from error
