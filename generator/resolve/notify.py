"""Receivers: channels, people, and which severity goes where."""

from collections.abc import Mapping

from generator.channels.channel import Channel, ChannelModel, NamedServer
from generator.channels.registry import MESSENGERS
from generator.conventions import OWNER_ROUTE, SEVERITIES, Severity
from generator.net.addresses import has_login
from generator.resolve.access import plain_allowed, report_login
from generator.resolve.context import Context, default
from generator.site.model import Person
from generator.source.read import Path
from generator.spec.people import ChannelSpec, NotifySpec, PersonSpec


def resolve_channels(context: Context) -> Mapping[str, Channel]:
    """Channels by name, sorted."""
    channels: dict[str, Channel] = {}
    for name, spec in sorted((context.spec.channels or {}).items()):
        path: Path = ("channels", name)
        if name == OWNER_ROUTE:
            message = f"'{OWNER_ROUTE}' means the owner of a service; call this channel something else"
            context.problem("spec/reserved-name", message, path, at_key=True)
        channel = _channel(context, name, spec, path)
        if channel is None:
            context.problem(
                "spec/missing-key",
                f"'{name}' needs one of {' and '.join(each.key for each in MESSENGERS)}",
                path,
                at_key=True,
            )
        else:
            channels[name] = channel
    return channels


def resolve_people(context: Context) -> Mapping[str, Person]:
    """People by name, sorted."""
    return {
        name: Person(name, _channel(context, name, spec or PersonSpec(), ("people", name)))
        for name, spec in sorted((context.spec.people or {}).items())
    }


def resolve_notify(
    context: Context, channels: Mapping[str, Channel], people: Mapping[str, Person]
) -> Mapping[Severity, tuple[str, ...]]:
    """Severity -> names of channels and the word `owner`, in the order written. Warns when a page has no receiver."""
    spec = context.spec.notify or NotifySpec()
    everything = list(channels)
    notify: dict[Severity, tuple[str, ...]] = {}
    for severity in SEVERITIES:
        names = default(getattr(spec, severity), [] if severity == "info" else everything)
        for index, name in enumerate(names):
            if name != OWNER_ROUTE and name not in (context.spec.channels or {}):
                message = f"no channel is called '{name}'"
                path = ("notify", severity, index)
                context.unknown("spec/unknown-channel", message, name, [*everything, OWNER_ROUTE], path)
        notify[severity] = tuple(dict.fromkeys(names))
    reached = set(notify["critical"]) - (set() if people else {OWNER_ROUTE})
    # Left out, it means every channel; what is wrong with one is reported at the channel.
    if not reached and (spec.critical is not None or not context.spec.channels):
        missing = "no page goes to a channel" if context.spec.channels else "no channel is declared"
        context.problem(
            "notify/nobody",
            f"{missing}, so an outage notifies no one",
            ("notify",) if context.spec.notify else (),
            level="warning",
            notes=["declare one under `channels:`, for example  ops: {slack: {channel: '#ops'}}"],
        )
    if OWNER_ROUTE in notify["critical"] and len(notify["critical"]) == 1:
        for person in people.values():
            if person.channel is None:
                message = f"pages go to the owner alone, and nothing reaches {person.name}"
                context.problem("notify/nobody", message, ("people", person.name), at_key=True, level="warning")
    return notify


def _channel(context: Context, name: str, spec: ChannelSpec | PersonSpec, path: Path) -> Channel | None:
    written: dict[str, ChannelModel] = {
        each.key: model for each in MESSENGERS if (model := getattr(spec, each.key)) is not None
    }
    if not written:
        return None
    key, *more = written
    for other in more:
        message = f"'{name}' has both {key} and {other}; write one of them, and a second channel for the other"
        context.problem("spec/bad-value", message, (*path, other), at_key=True)
    if server := written[key].server():
        _check_server(context, server, (*path, key, server.key))
    return written[key].to_channel(name)


def _check_server(context: Context, server: NamedServer, where: Path) -> None:
    """A server of the user's own is no place for a login, and gets the secret over TLS."""
    if has_login(server.address):
        report_login(context, where, "the address alone; the token is added to it")
    elif not server.address.startswith("https://"):
        address = server.address.removeprefix("http://").partition("/")[0]
        plain_allowed(context, server.carries, address, where, server.insecure, "write https://")
