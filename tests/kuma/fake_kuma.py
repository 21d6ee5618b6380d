"""A server that speaks Uptime Kuma 2.5.3's socket protocol, after what a real one sent (recorded-2.5.3.json).

It answers from memory, in the real one's order and words, and can be reported to have the real one's faults: lost
first calls, another version, a second factor, a login limit, a field that it does not keep.
"""

import asyncio
import copy
import json
import threading
from base64 import b64decode
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import socketio  # type: ignore[import-untyped]
from aiohttp import web

RECORDED: dict[str, Any] = json.loads(Path(__file__).with_name("recorded-2.5.3.json").read_text())
ANSWERS: dict[str, Any] = RECORDED["answers"]
# What the server works out itself; a client cannot store it.
_COMPUTED = {"id", "path", "pathName", "childrenIDs", "active", "forceInactive", "tags", "maintenance", "weight"}
_NOT_NULL = {"conditions", "rabbitmqNodes", "kafkaProducerBrokers", "accepted_statuscodes", "interval"}


class FakeKuma:
    """Use it as a context manager; `url` is set inside. `calls` lists every event that arrived, with
    arguments."""

    def __init__(self, *, user: tuple[str, str] | None = None, **faults: Any) -> None:
        """`user` is the admin that exists already. Faults: see the module and the methods that read them."""
        self.url = ""
        self.user = user
        self.faults = faults
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.monitors: dict[int, dict[str, Any]] = {}
        self.channels: dict[int, dict[str, Any]] = {}
        self.pages: dict[int, dict[str, Any]] = {}
        self.groups: dict[str, list[dict[str, Any]]] = {}
        self.api_keys: dict[int, tuple[str, str]] = {}
        self._last_id = 0
        self._sio = socketio.AsyncServer(async_mode="aiohttp", cors_allowed_origins="*")
        self._sio.on("connect", self._on_connect)
        self._sio.on("*", self._on_event)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def sent(self, event: str) -> list[tuple[Any, ...]]:
        """The arguments of every call of one event."""
        return [arguments for name, arguments in self.calls if name == event]

    # --- the server -----------------------------------------------------------------------------------------

    async def _start(self) -> None:
        app = web.Application()
        self._sio.attach(app)
        app.router.add_get("/api/status-page/{slug}", self._get_page)
        app.router.add_get("/metrics", self._get_metrics)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def _stop(self) -> None:
        await self._sio.shutdown()
        await self._runner.cleanup()
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    async def _get_page(self, request: web.Request) -> web.Response:
        slug = request.match_info["slug"]
        if slug not in self.groups:
            return web.json_response({"status": "fail", "msg": "Status Page Not Found"}, status=404)
        return web.json_response({**RECORDED["public_page"], "publicGroupList": self.groups[slug]})

    async def _get_metrics(self, request: web.Request) -> web.Response:
        scheme, _, coded = request.headers.get("Authorization", "").partition(" ")
        password = b64decode(coded).decode().partition(":")[2] if scheme == "Basic" else ""
        open_to = {key for _, key in self.api_keys.values()} or ({self.user[1]} if self.user else set())
        return web.Response(text="monitor_status 1\n", status=200 if password in open_to else 401)

    async def _on_connect(self, sid: str, environ: object) -> None:
        if not self.faults.get("silent"):
            await self._sio.emit("info", RECORDED["info_before_login"], to=sid)

    async def _on_event(self, event: str, sid: str, *arguments: Any) -> Any:
        """Every event: to the method of its name. A lost call is never answered."""
        self.calls.append((event, copy.deepcopy(arguments)))
        lost: int = self.faults.get("lost_calls", 0)
        if len(self.calls) <= lost or event in self.faults.get("never_answers", ()):
            return self._sio.not_handled
        if event in self.faults.get("fails", {}):
            return {"ok": False, "msg": self.faults["fails"][event]}
        return await getattr(self, f"_{event}")(sid, *arguments)

    async def _push(self, sid: str, event: str, content: Any) -> None:
        await self._sio.emit(event, (content,), to=sid)

    def _new_id(self) -> int:
        self._last_id += 1
        return self._last_id

    # --- accounts -------------------------------------------------------------------------------------------

    async def _needSetup(self, sid: str) -> bool:
        return self.user is None

    async def _setup(self, sid: str, username: str, password: str) -> Any:
        if len(password) < 8:
            return ANSWERS["setup too weak"]
        if self.user:
            return ANSWERS["setup twice"]
        self.user = (username, password)
        return {"ok": True, "msg": "successAdded", "msgi18n": True}

    async def _login(self, sid: str, data: dict[str, str]) -> Any:
        if len(self.sent("login")) > self.faults.get("logins_allowed", 20):
            return {"ok": False, "msg": "Too frequently, try again later."}
        if (data["username"], data["password"]) != self.user:
            return ANSWERS["login wrong"]
        if self.faults.get("second_factor"):
            return {"tokenRequired": True}
        for event in RECORDED["pushes_after_login"]:
            await self._push(sid, event, self._listed(event))
        return ANSWERS["login"]

    def _listed(self, event: str) -> Any:
        """The content of one of the lists that follow a login."""
        info = {**RECORDED["info_after_login"], "version": self.faults.get("version", "2.5.3")}
        keys = [{**RECORDED["apiKeyList"][0], "id": i, "name": name} for i, (name, _) in self.api_keys.items()]
        return {
            "info": info,
            "monitorList": {str(i): m for i, m in self.monitors.items()},
            "notificationList": list(self.channels.values()),
            "statusPageList": {str(i): p for i, p in self.pages.items()},
            "apiKeyList": keys,
        }.get(event, {})

    async def _addAPIKey(self, sid: str, key: dict[str, Any]) -> Any:
        new = self._new_id()
        self.api_keys[new] = (key["name"], f"uk{new}_key-of-{key['name']}-{new}")
        await self._push(sid, "apiKeyList", self._listed("apiKeyList"))
        return {**ANSWERS["addAPIKey"], "key": self.api_keys[new][1], "keyID": new}

    async def _deleteAPIKey(self, sid: str, key_id: int) -> Any:
        self.api_keys.pop(key_id, None)
        return ANSWERS["deleteAPIKey"]

    # --- monitors -------------------------------------------------------------------------------------------

    async def _getMonitorList(self, sid: str) -> Any:
        await self._push(sid, "monitorList", self._listed("monitorList"))
        return {"ok": True}

    async def _getMonitor(self, sid: str, monitor_id: int) -> Any:
        if monitor_id not in self.monitors:
            return ANSWERS["getMonitor of none"]
        return {"ok": True, "monitor": self.monitors[monitor_id]}

    async def _add(self, sid: str, payload: dict[str, Any]) -> Any:
        """Columns that are not sent get their default, which some do not have."""
        if _NOT_NULL - payload.keys():
            return ANSWERS["add without conditions"]
        new = self._new_id()
        blank = {**RECORDED["monitorList"]["4"], "description": None, "url": None, "parent": None, "id": new}
        self.monitors[new] = {**blank, **self._kept(payload)}
        await self._push(sid, "updateMonitorIntoList", {str(new): self.monitors[new]})
        return {**ANSWERS["add"], "monitorID": new}

    async def _editMonitor(self, sid: str, payload: dict[str, Any]) -> Any:
        """Every column is overwritten: what the client left out is lost."""
        monitor = self.monitors[payload["id"]]
        kept = self._kept(payload)
        self.monitors[payload["id"]] = {k: v if k in _COMPUTED else kept.get(k) for k, v in monitor.items()}
        if self.faults.get("edit_resumes"):
            self.monitors[payload["id"]]["active"] = True
        await self._push(sid, "updateMonitorIntoList", {str(payload["id"]): self.monitors[payload["id"]]})
        return {**ANSWERS["editMonitor"], "monitorID": payload["id"]}

    def _kept(self, payload: dict[str, Any]) -> dict[str, Any]:
        forgets = self.faults.get("forgets", ())
        return {k: v for k, v in payload.items() if k not in _COMPUTED and k not in forgets}

    async def _pauseMonitor(self, sid: str, monitor_id: int) -> Any:
        self.monitors[monitor_id]["active"] = False
        return ANSWERS["pauseMonitor"]

    async def _deleteMonitor(self, sid: str, monitor_id: int) -> Any:
        """A group's children stay, without a parent."""
        self.monitors.pop(monitor_id, None)
        for monitor in self.monitors.values():
            if monitor["parent"] == monitor_id:
                monitor["parent"] = None
        for groups in self.groups.values():
            for group in groups:
                group["monitorList"] = [m for m in group["monitorList"] if m["id"] != monitor_id]
        await self._push(sid, "deleteMonitorFromList", monitor_id)
        return ANSWERS["deleteMonitor"]

    # --- notifications and pages ----------------------------------------------------------------------------

    async def _addNotification(self, sid: str, config: dict[str, Any], known: int | None) -> Any:
        if known is not None and known not in self.channels:
            return ANSWERS["addNotification of none"]
        new = known or self._new_id()
        text = json.dumps({**config, "applyExisting": False})
        specimen = RECORDED["notificationList"][0]
        self.channels[new] = {**specimen, "id": new, "name": config["name"], "config": text}
        await self._push(sid, "notificationList", self._listed("notificationList"))
        return {**ANSWERS["addNotification"], "id": new}

    async def _deleteNotification(self, sid: str, channel_id: int) -> Any:
        self.channels.pop(channel_id, None)
        for monitor in self.monitors.values():
            monitor["notificationIDList"].pop(str(channel_id), None)
        await self._push(sid, "notificationList", self._listed("notificationList"))
        return ANSWERS["deleteNotification"]

    async def _addStatusPage(self, sid: str, title: str, slug: str) -> Any:
        if slug in self.groups:
            return ANSWERS["addStatusPage twice"]
        new = self._new_id()
        blank = {**RECORDED["statusPageList"]["1"], "customCSS": None}
        self.pages[new] = {**blank, "id": new, "slug": slug, "title": title}
        self.groups[slug] = []
        return {**ANSWERS["addStatusPage"], "slug": slug}

    async def _getStatusPage(self, sid: str, slug: str) -> Any:
        found = [page for page in self.pages.values() if page["slug"] == slug]
        return {"ok": True, "config": found[0]} if found else ANSWERS["getStatusPage of none"]

    async def _saveStatusPage(
        self, sid: str, slug: str, config: dict[str, Any], icon: str, groups: list[dict[str, Any]]
    ) -> Any:
        self.pages[config["id"]] = {**config, "icon": icon}
        self.groups[slug] = [{**group, "id": self._new_id()} for group in groups]
        return {"ok": True, "publicGroupList": self.groups[slug]}

    async def _deleteStatusPage(self, sid: str, slug: str) -> Any:
        self.pages = {i: page for i, page in self.pages.items() if page["slug"] != slug}
        del self.groups[slug]
        return ANSWERS["deleteStatusPage"]
