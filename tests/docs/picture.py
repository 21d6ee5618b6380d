"""The README's picture: the home page and the message of an alert, as a browser draws what is rendered for the demo.

`make picture` draws it. The page is the rendered one, with answers made up for one moment; the message is what amtool
makes of the rendered templates. Owns those answers and the drawing. The picture carries the digest of what it was
drawn from, so that a test can show an old one without a browser.
"""

import hashlib
import http.server
import json
import shutil
import struct
import subprocess
import tempfile
import threading
import zlib
from collections.abc import Mapping
from datetime import timedelta
from email.utils import format_datetime
from html import escape
from pathlib import Path
from typing import Any, Final

from generator.pipeline import Compiled
from tests.docs.blocks import REPOSITORY, demo
from tests.docs.messages import STARTED, message

PICTURE: Final = REPOSITORY / "docs" / "pictures" / "first-screen.png"
SIZE: Final = (1360, 800)
SCALE: Final = 1.5
NOW: Final = STARTED + timedelta(seconds=52)
_SITE: Final = "caddy/site/"
_CHUNK: Final = b"tEXt"
_KEY: Final = b"Source\0"
_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
_FRAME: Final = """\
<!doctype html><meta charset="utf-8"><title>Lookout</title>
<style>
body {{ margin: 0; width: 1360px; height: 800px; overflow: hidden; font: 16px/1.45 system-ui, sans-serif; color: #1d2330;
  background: #e6edf0; }}
.window, .phone {{ position: absolute; background: #fff; border-radius: 12px; overflow: hidden; box-shadow: 0 6px 18px #1d233022; }}
.window {{ left: 40px; top: 40px; width: 880px; height: 720px; }}
.bar {{ height: 38px; background: #eceff4; border-bottom: 1px solid #d9dee7; display: flex; align-items: center; }}
.bar i {{ width: 11px; height: 11px; border-radius: 50%; background: #c3cad6; margin-left: 10px; }}
.bar span {{ margin-left: 18px; padding: 2px 14px; border-radius: 6px; background: #fff; color: #5b6475; font-size: 13px; }}
iframe {{ border: 0; width: 1000px; height: 776px; transform: scale(.88); transform-origin: 0 0; }}
.phone {{ left: 956px; top: 150px; width: 364px; height: 480px; border-radius: 34px; border: 9px solid #1d2330; box-sizing: border-box;
  background: #d5e3d8; }}
.head {{ background: #f6f8fa; padding: 12px 18px; border-bottom: 1px solid #d9dee7; font-weight: 600; font-size: 15px; }}
.head small {{ display: block; font-weight: 400; color: #5b6475; font-size: 12px; }}
.bubble {{ margin: 18px 14px; padding: 12px 14px; background: #fff; border-radius: 4px 14px 14px 14px; font-size: 14px;
  overflow-wrap: anywhere; }}
.bubble p {{ margin: 0 0 6px; }} .bubble .first {{ font-weight: 700; }} .bubble .last {{ color: #0b5cad; margin: 0; }}
.dot {{ display: inline-block; width: 12px; height: 12px; border-radius: 50%; background: #dd2e44; margin-right: 5px; }}
</style>
<div class="window"><div class="bar"><i></i><i></i><i></i><span>localhost:8080</span></div><iframe src="/index.html"></iframe></div>
<div class="phone"><div class="head">Lookout<small>ops</small></div><div class="bubble">{message}</div></div>
"""
# In the page's clock it is always the same moment.
_CLOCK: Final = "Date.now = () => {now};\n"


def sources(compiled: Compiled, folder: Path) -> dict[str, bytes]:
    """Everything that the browser is given, by its path; `folder` is for amtool."""
    files = {a.path.removeprefix(_SITE): a.content for a in compiled.artifacts if a.path.startswith(_SITE)}
    files["home.js"] = _CLOCK.format(now=int(NOW.timestamp() * 1000)) + files["home.js"]
    files["picture.html"] = _FRAME.format(message=_bubble(message(compiled, "firing", folder)))
    answers = {path: json.dumps(body) for path, body in _answers(compiled).items()}
    return {path: text.encode() for path, text in {**files, **answers}.items()}


def digest(files: Mapping[str, bytes]) -> str:
    """What the picture says that it was drawn from."""
    return hashlib.sha256(b"".join(path.encode() + b"\0" + files[path] for path in sorted(files))).hexdigest()


def digest_of(picture: bytes) -> str:
    """The digest that a picture carries, or an empty string."""
    start = picture.find(_CHUNK + _KEY)
    return picture[start + len(_CHUNK + _KEY) :][:64].decode("ascii", errors="replace") if start >= 0 else ""


def size_of(picture: bytes) -> tuple[int, int]:
    """Width and height of a PNG."""
    width, height = struct.unpack(">II", picture[16:24])
    return width, height


def _bubble(lines: list[str]) -> str:
    """The message as a messenger draws it. An emoji is drawn, for the fonts of a server have none."""
    first, *middle, last = (escape(line).replace("🔴", '<span class="dot"></span>') for line in lines)
    return "".join([f'<p class="first">{first}</p>', *(f"<p>{line}</p>" for line in middle), f'<p class="last">{last}</p>'])


def _answers(compiled: Compiled) -> dict[str, Any]:
    """What the home page is answered: the demo's API is down for 52 seconds, all else is well."""
    down = next(alert for alert in compiled.site.alerts if (alert.name, alert.service) == ("ServiceDown", "api"))
    channels = [{"name": name, "kind": "", "secret": "", "there": True} for name in sorted(compiled.site.channels)]
    sample = [NOW.timestamp(), str(NOW.timestamp() - 4)]
    return {
        "alertmanager/api/v2/alerts": [
            _alert(down.name, down.severity, down.service, dict(down.annotations)),
            _alert("Watchdog", "info", "lookout", {}),
        ],
        "prometheus/api/v1/query": {
            "status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": sample}]},
        },
        "delivery.json": {"channels": channels, "watchdog": {"secret": "", "there": True}},
        "grafana/api/health": {"database": "ok"},
    }  # fmt: skip


def _alert(name: str, severity: str, service: str, annotations: dict[str, str]) -> dict[str, Any]:
    """A firing alert with as much as the page reads of it."""

    def at(seconds: float) -> str:
        return (NOW + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")

    return {
        "labels": {"alertname": name, "severity": severity, "service": service},
        "annotations": annotations,
        "startsAt": STARTED.isoformat().replace("+00:00", "Z"),
        "updatedAt": at(-5),
        "endsAt": at(235),
        "status": {"state": "active", "silencedBy": [], "inhibitedBy": []},
    }


def draw(files: Mapping[str, bytes]) -> bytes:
    """The picture. Raises RuntimeError without a browser, or when it draws nothing."""
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        raise RuntimeError("there is no Chromium: apt-get install chromium")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(files))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            shot = Path(folder) / "shot.png"
            done = subprocess.run(
                [
                    browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync",
                    "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
                    "--blink-settings=preferredColorScheme=1", f"--force-device-scale-factor={SCALE}", "--lang=en-GB",
                    "--virtual-time-budget=4000", f"--user-data-dir={folder}/profile",
                    f"--window-size={SIZE[0]},{SIZE[1]}", f"--screenshot={shot}",
                    f"http://127.0.0.1:{server.server_address[1]}/picture.html",
                ],
                env={"TZ": "UTC", "HOME": folder, "LANG": "en_GB.UTF-8", "PATH": "/usr/bin:/bin"},
                capture_output=True, text=True, timeout=120, check=False,
            )  # fmt: skip
            if not shot.is_file():
                raise RuntimeError(f"{browser} drew nothing: {done.stderr[-500:]}")
            return _signed(shot.read_bytes(), digest(files))
    finally:
        server.shutdown()
        server.server_close()


def _handler(files: Mapping[str, bytes]) -> type[http.server.BaseHTTPRequestHandler]:
    types = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.split("?")[0].lstrip("/")
            body = files.get(path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Type", types.get(Path(path).suffix, "application/json"))
            self.end_headers()
            self.wfile.write(body or b"")

        def date_time_string(self, timestamp: float | None = None) -> str:
            return format_datetime(NOW, usegmt=True)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: what the browser asks for is no news."""

    return Handler


def _signed(picture: bytes, source: str) -> bytes:
    """The picture with the digest as a text chunk after its header."""
    body = _CHUNK + _KEY + source.encode()
    chunk = struct.pack(">I", len(body) - len(_CHUNK)) + body + struct.pack(">I", zlib.crc32(body))
    header = 8 + 25
    return picture[:header] + chunk + picture[header:]


def main() -> None:
    """Draw the picture into docs/pictures/, where what it shows has changed."""
    with tempfile.TemporaryDirectory() as folder:
        files = sources(demo(), Path(folder))
    if PICTURE.is_file() and digest_of(PICTURE.read_bytes()) == digest(files):
        print("no changes")
        return
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_bytes(draw(files))
    print(PICTURE.relative_to(REPOSITORY))


if __name__ == "__main__":
    main()
