"""The messengers that Lookout knows, in the order in which they are named."""

from typing import Any, Final

from pydantic import Field

from generator.channels.channel import Messenger
from generator.channels.slack import SLACK
from generator.channels.telegram import TELEGRAM

MESSENGERS: Final[tuple[Messenger, ...]] = (SLACK, TELEGRAM)


def fields(*, of_person: bool) -> dict[str, Any]:
    """A key for each messenger, as pydantic takes the fields of a model."""
    return {
        each.key: (
            each.field | None,
            Field(default=None, description=each.person_help if of_person else each.channel_help),
        )
        for each in MESSENGERS
    }
