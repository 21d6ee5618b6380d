"""`python -m bridge CONFIG TOKEN_FILE [ADDRESS]`: run until SIGTERM."""

import json
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from .delivery import Delivery, sender
from .projects import Projects
from .server import Bridge, Server, handler, prober

_ADDRESS: Final = "0.0.0.0:8001"
_STOP_TIMEOUT: Final = 5.0


def main(arguments: Sequence[str]) -> int:
    """Serve; the exit code."""
    file = Path(arguments[0])
    config = json.loads(file.read_text(encoding="utf-8"))
    token = Path(arguments[1]).read_text(encoding="utf-8").strip()
    host, _, port = (arguments[2] if len(arguments) > 2 else _ADDRESS).rpartition(":")
    delivery = Delivery(sender(config["alertmanager"]), config["lasts_seconds"])
    try:
        bridge = Bridge(token, Projects(file), delivery, prober(config["bugsink"]))
    except ValueError as error:
        print(f"bridge: {arguments[1]} is empty: {error}", file=sys.stderr)
        return 1
    server = Server((host, int(port)), handler(bridge))
    # Not from within the signal: it would wait for the loop that it has interrupted.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    delivery.start()
    server.serve_forever(poll_interval=0.5)
    delivery.stop(_STOP_TIMEOUT)
    server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
