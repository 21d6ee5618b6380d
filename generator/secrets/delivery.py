"""Which channels can deliver: what the home page asks for before it is green.

Owns the file that says so, which names channels and their secrets and holds no value. Whether a secret is there is for
the caller to say, who alone reads them.
"""

from collections.abc import Callable
from typing import Any

from generator.channels.channel import Channel
from generator.site.model import Site
from generator.site.routing import routes
from generator.source.emit import emit_json


def delivery_json(site: Site, has: Callable[[str], bool]) -> str:
    """The channels that some alert goes to, and the dead man's switch, each with whether its secret is there.

    `has` says of a secret's name whether its file holds a value.
    """
    used = {channel.name: channel for route in routes(site) for channel in route.channels}
    channels = [_entry(used[name], has) for name in sorted(used)]
    ping = site.watchdog.name if site.watchdog else None
    watchdog = {"secret": ping, "there": has(ping)} if ping else None
    return emit_json({"channels": channels, "watchdog": watchdog})


def _entry(channel: Channel, has: Callable[[str], bool]) -> dict[str, Any]:
    secret = channel.secret.name
    return {"name": channel.name, "kind": channel.title, "secret": secret, "there": has(secret)}
