"""A thin client of Uptime Kuma: the events that reconciling needs as typed methods, and nothing else.

Owns the names and arguments of those events and what a failed login means. It decides nothing: what to send
comes from wire and planner, how it travels from connection. Kuma's API is Socket.IO only and without
guarantees, so the tested versions are pinned here.
"""

import re
import time
from collections.abc import Mapping
from typing import Any, Final

from pydantic import SecretStr

from generator.kuma.connection import Connection
from generator.kuma.errors import KumaError, NoAnswer
from generator.kuma.wire import LivePage, LiveState, live_channel, live_monitor, live_page, read_mark

_PROBE_SECONDS: Final = 1.0
_PROBES: Final = 10
_SUPPORTED: Final = re.compile(r"2\.\d")
# A build from package registries with 2.0's number and the columns of 1.23.
_DEV_BUILD: Final = "2.0.0-dev.0"
# 2.0.0-dev.0 sends the sentence where later versions send its name.
_WRONG_PASSWORD: Final = ("authIncorrectCreds", "Incorrect username or password.")
_TOO_OFTEN: Final = "Too frequently, try again later."
_TOO_WEAK: Final = ("passwordTooWeak", "Password is too weak")


class KumaClient(Connection):
    """One connection, one login. `login` comes before everything but `needs_setup` and `setup`."""

    def needs_setup(self) -> bool:
        """Whether the admin account does not exist yet."""
        for _ in range(_PROBES):
            try:
                return bool(self.ask("needSetup", timeout=_PROBE_SECONDS))
            except NoAnswer:
                continue
        raise NoAnswer(f"Uptime Kuma at {self.url} accepts connections but answers nothing", "look at its log")

    def setup(self, username: str, password: SecretStr) -> None:
        """Make the admin account; possible only once in a server's life."""
        try:
            self.call("setup", username, self.uncover(password))
        except KumaError as error:
            if any(words in error.message for words in _TOO_WEAK):
                hint = "use a longer one, with letters and digits"
                raise KumaError("Uptime Kuma finds the admin password too weak", hint) from None
            raise

    def login(self, username: str, password: SecretStr) -> None:
        """Log in, wait for the lists that follow, and refuse a version that we do not know.

        Kuma allows twenty logins a minute, good ones included: log in once a run.
        """
        credentials = {"username": username, "password": self.uncover(password), "token": ""}
        reply = self.ask("login", credentials)
        if not isinstance(reply, dict) or not reply.get("ok"):
            raise _login_failure(reply if isinstance(reply, dict) else {})
        self.wait_for(lambda: bool(self.version), "its version")
        if not _SUPPORTED.match(self.version):
            hint = "Lookout speaks the protocol of 2.x: run the version that versions.yaml names"
            raise KumaError(f"Uptime Kuma {self.version} is not supported", hint)
        self.wait_for_lists()

    @property
    def since_2_0(self) -> bool:
        """Whether the server has the columns that came with 2.0."""
        return self.version != _DEV_BUILD

    # Reading.

    def snapshot(self, slug: str | None) -> LiveState:
        """What the server holds now. Only pages that are ours or are called `slug` are read."""
        seen = self.pushes["monitorList"]
        self.call("getMonitorList")
        self.wait_for(lambda: self.pushes["monitorList"] > seen, "its monitors")
        with self.news:
            monitors = [live_monitor(raw) for raw in self.lists["monitorList"].values()]
            channels = [live_channel(raw) for raw in self.lists["notificationList"]]
            configs = list(self.lists["statusPageList"].values())
        pages = [self._page(c) for c in configs if c["slug"] == slug or read_mark(c.get("customCSS"))]
        return LiveState(tuple(monitors), tuple(channels), tuple(pages))

    def _page(self, config: Mapping[str, Any]) -> LivePage:
        # The answer is cached for minutes, by path and query.
        response = self.get(f"/api/status-page/{config['slug']}?at={time.time_ns()}")
        if response.status_code != 200:
            raise KumaError(f"the status page '{config['slug']}' answered {response.status_code}")
        return live_page(config, response.json()["publicGroupList"])

    def get_monitor(self, monitor_id: int) -> dict[str, Any]:
        """Every field of one monitor."""
        return dict(self.call("getMonitor", monitor_id)["monitor"])

    def page_config(self, slug: str) -> dict[str, Any]:
        """A page's settings, as `save_status_page` wants them back."""
        return dict(self.call("getStatusPage", slug)["config"])

    def api_keys(self) -> dict[int, str]:
        """Names of the API keys by id."""
        with self.news:
            return {int(key["id"]): str(key["name"]) for key in self.lists["apiKeyList"]}

    def opens_metrics(self, key: SecretStr) -> bool:
        """Whether /metrics accepts this API key."""
        status = self.get("/metrics", auth=("", self.uncover(key))).status_code
        if status not in (200, 401):
            raise KumaError(f"{self.url}/metrics answered {status}")
        return status == 200

    # Writing.

    def add_monitor(self, payload: Mapping[str, Any]) -> int:
        """Create and start a monitor; returns its id."""
        return int(self.call("add", dict(payload))["monitorID"])

    def edit_monitor(self, payload: Mapping[str, Any]) -> None:
        """Replace a monitor: the payload has to be complete."""
        self.call("editMonitor", dict(payload))

    def pause_monitor(self, monitor_id: int) -> None:
        """Stop checking, as an operator does in the browser."""
        self.call("pauseMonitor", monitor_id)

    def delete_monitor(self, monitor_id: int) -> None:
        """Delete a monitor and its history. A group's children stay: a second argument would delete them."""
        self.call("deleteMonitor", monitor_id)

    def save_notification(self, config: Mapping[str, Any], notification_id: int | None) -> int:
        """Create (no id) or replace a notification; returns its id."""
        plain = {k: self.uncover(v) if isinstance(v, SecretStr) else v for k, v in config.items()}
        return int(self.call("addNotification", plain, notification_id)["id"])

    def delete_notification(self, notification_id: int) -> None:
        """Delete a notification; monitors bound to it lose the binding."""
        self.call("deleteNotification", notification_id)

    def add_status_page(self, title: str, slug: str) -> None:
        """Create an empty page."""
        self.call("addStatusPage", title, slug)
        self._refresh_page(slug)

    def save_status_page(self, config: Mapping[str, Any], groups: list[dict[str, Any]]) -> None:
        """Replace a page's settings and groups."""
        self.call("saveStatusPage", config["slug"], dict(config), config.get("icon") or "", groups)
        self._refresh_page(config["slug"])

    def delete_status_page(self, slug: str) -> None:
        """Delete a page."""
        self.call("deleteStatusPage", slug)
        with self.news:
            pages = self.lists["statusPageList"]
            self.lists["statusPageList"] = {id_: c for id_, c in pages.items() if c["slug"] != slug}

    def _refresh_page(self, slug: str) -> None:
        """The list of pages is pushed after login only."""
        config = self.page_config(slug)
        with self.news:
            self.lists["statusPageList"][str(config["id"])] = config

    def add_api_key(self, name: str) -> tuple[int, SecretStr]:
        """Create a key that does not expire: its id and the key, which is shown this once."""
        reply = self.call("addAPIKey", {"name": name, "expires": None, "active": 1})
        return int(reply["keyID"]), SecretStr(reply["key"])

    def delete_api_key(self, key_id: int) -> None:
        """Delete a key; requests with it get 401 from now on."""
        self.call("deleteAPIKey", key_id)


def _login_failure(reply: Mapping[str, Any]) -> KumaError:
    if reply.get("tokenRequired"):
        return KumaError(
            "Uptime Kuma asks for a second factor", "switch it off for this account: no program can pass it"
        )
    if reply.get("msg") in _WRONG_PASSWORD:
        hint = "write the password in use to secrets/kuma_admin_password, or reset it in Uptime Kuma"
        return KumaError("Uptime Kuma refused the user name or the password", hint)
    if reply.get("msg") == _TOO_OFTEN:
        return KumaError("Uptime Kuma allows twenty logins a minute, and they are used up", "try again in a minute")
    return KumaError("Uptime Kuma refused the login", "look at its log")
