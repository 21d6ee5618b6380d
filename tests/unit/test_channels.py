"""A messenger is one module: nothing else in the compiler distinguishes them."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from generator.channels.channel import Channel, Messenger
from generator.channels.registry import MESSENGERS
from generator.secrets.forms import BY_NAME
from generator.templates import TEXTS
from generator.values.secret import SecretRef
from tests.unit.sites import OPS, PHONE

GENERATOR = Path(__file__).parents[2] / "generator"

# A messenger as a newcomer would write it, and all that the compiler makes of it.
MAIL = '''
from dataclasses import dataclass
from typing import ClassVar

from pydantic import Field

from generator.channels.channel import Channel, ChannelModel, Messenger
from generator.values.secret import SecretRef


@dataclass(frozen=True, slots=True)
class MailChannel(Channel):
    title: ClassVar[str] = "E-mail"
    configs: ClassVar[str] = "email_configs"
    to: str
    place = property(lambda self: ("email", self.to))
    secret = property(lambda self: SecretRef("smtp"))
    purpose = property(lambda self: f"the SMTP password of {self.name}")
    form = property(lambda self: "password")

    def receiver(self, stack, *, quiet):
        return {"to": self.to, "auth_password_file": self.secret_path}

    def notification(self):
        return "smtp", {"smtpTo": self.to, "smtpPassword": self.secret}


class MailSpec(ChannelModel):
    """Mail over SMTP."""

    to: str = Field(description="The address.")

    def to_channel(self, name):
        return MailChannel(name, self.to)


MAIL = Messenger("email", MailSpec, MailSpec, "Mail.", "Their own mail.", "", ())
'''
ASKED = '''
import json

import generator.channels.registry as registry
from mail import MAIL

registry.MESSENGERS = (*registry.MESSENGERS, MAIL)

from generator.pipeline import compile_text
from generator.secrets.delivery import delivery_json
from generator.secrets.needed import needed_secrets

TEXT = """
channels: {ops: {slack: {}}, mail: {email: {to: team@acme.dev}}}
services: {web: {kind: probe, targets: [https://acme.dev]}}
"""
compiled = compile_text(TEXT, "services.yaml")
files = {each.path: each.content for each in compiled.artifacts}
print(json.dumps({
    "alertmanager": files["alertmanager/alertmanager.yml"],
    "kuma": json.loads(files["uptime-kuma/monitors.json"])["notifications"],
    "secret": [[each.purpose, each.forms] for each in needed_secrets(compiled.site) if each.name == "smtp"],
    "delivery": json.loads(delivery_json(compiled.site, lambda _: True))["channels"],
}))
'''


def test_a_new_messenger_is_one_module(tmp_path: Path) -> None:
    (tmp_path / "mail.py").write_text(MAIL)
    paths = f"{GENERATOR.parent}:{tmp_path}"
    done = subprocess.run([sys.executable, "-c", ASKED], env={"PYTHONPATH": paths, "HOME": str(tmp_path)},
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert "email_configs:" in made["alertmanager"] and "to: team@acme.dev" in made["alertmanager"]
    assert "/run/secrets/smtp" in made["alertmanager"]
    (mail,) = (each for each in made["kuma"] if each["type"] == "smtp")
    assert mail["settings"] == {"smtpTo": "team@acme.dev", "smtpPassword": {"secret": "smtp"}}
    assert made["secret"] == [["the SMTP password of mail", ["password"]]]
    assert {"name": "mail", "kind": "E-mail", "secret": "smtp", "there": True} in made["delivery"]


def test_no_other_module_shows_messengers_apart() -> None:
    named = re.compile(rf"\b({'|'.join(each.model.__name__ for each in MESSENGERS)}|SlackChannel|TelegramChannel)\b")
    others = [path for path in GENERATOR.rglob("*.py") if path.parent.name != "channels"]
    assert [str(path) for path in others if named.search(path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("messenger", MESSENGERS, ids=lambda each: each.key)
def test_each_messenger_brings_its_texts_and_says_what_its_secret_looks_like(messenger: Messenger) -> None:
    assert f'define "lookout.{messenger.key}' in TEXTS[messenger.template]
    assert all(BY_NAME[form.name] is form for form in messenger.forms)
    assert messenger.model.__doc__


@pytest.mark.parametrize("channel", [OPS, PHONE], ids=lambda each: each.title)
def test_a_channel_names_its_secret_and_never_holds_it(channel: Channel) -> None:
    kind, settings = channel.notification()
    assert kind and channel.secret in settings.values()
    assert channel.secret_path in channel.receiver("acme", quiet=False).values()
    assert channel.form in BY_NAME
    assert isinstance(channel.secret, SecretRef) and channel.name in channel.purpose
