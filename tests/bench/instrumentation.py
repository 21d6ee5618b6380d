"""What the instrumentation costs a request: paired runs in one process, without a network, in CPU time.

Each variant runs in a process of its own, where the bare app and the observed one take turns, so that both feel the
same neighbours. Reported are the median of the turns' differences, and the difference of the quietest turns: neighbours
on the same core make a microsecond of CPU longer, never shorter. test_instrumentation_overhead.py prints the table.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
HANDLER_US: Final = 5_000
ROUNDS: Final = 151
REQUESTS: Final = 100
VARIANTS: Final = ("metrics", "metrics+logs", "metrics+logs+errors", "metrics+logs+errors+10% traces")
SCOPE: Final = {
    "type": "http",
    "asgi": {"version": "3.0", "spec_version": "2.4"},
    "http_version": "1.1",
    "method": "GET",
    "scheme": "http",
    "root_path": "",
    "path": "/items/7",
    "raw_path": b"/items/7",
    "query_string": b"",
    "client": ("127.0.0.1", 50000),
    "server": ("127.0.0.1", 8000),
    "headers": [
        (b"host", b"shop.example"),
        (b"user-agent", b"curl/8"),
        (b"accept", b"*/*"),
        (b"accept-encoding", b"gzip"),
        (b"x-forwarded-for", b"10.0.0.1"),
    ],
}


def app_of() -> Any:
    """An app with one route that does next to nothing."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    async def item(request: Request) -> JSONResponse:
        return JSONResponse({"id": request.path_params["item_id"]})

    return Starlette(routes=[Route("/items/{item_id:int}", item)])


def observed_app(variant: str, folder: Path) -> Any:
    """The same, observed as `variant` says; what it writes goes to /dev/null, what it sends to a port without ears."""
    from lookout_instrumentation import Settings
    from lookout_instrumentation.fastapi import init

    settings = Settings(service="bench", log_level="INFO" if "logs" in variant else "CRITICAL")
    if "errors" in variant:
        settings = replace(settings, sentry_dsn="http://key@127.0.0.1:9/1", errors_spool=folder)
    if "traces" in variant:
        settings = replace(settings, traces_endpoint="http://127.0.0.1:9", traces_ratio=0.1)
    app = app_of()
    sys.stdout = Path("/dev/null").open("w")  # noqa: SIM115  # for as long as the process lives
    init(app, settings=settings)
    return app


def cpu_us(app: Any, requests: int) -> float:
    """Microseconds of CPU that one request takes of this process, every thread of it."""

    async def send(_message: Any) -> None:
        pass

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def all_of_them() -> float:
        began = time.process_time()
        for _ in range(requests):
            await app({**SCOPE, "headers": [*SCOPE["headers"]]}, receive, send)
        return time.process_time() - began

    return asyncio.run(all_of_them()) / requests * 1e6


def measure(variant: str) -> dict[str, float]:
    """Microseconds a request: of the bare app, and what the observed one takes more."""
    with tempfile.TemporaryDirectory() as folder:
        out = sys.stdout
        bare, observed = app_of(), observed_app(variant, Path(folder))
        for app in (bare, observed):
            cpu_us(app, REQUESTS)  # first calls build what later ones use
        base: list[float] = []
        more: list[float] = []
        for turn in range(ROUNDS):
            order: list[tuple[str, Any]] = [("bare", bare), ("observed", observed)]
            taken = {name: cpu_us(app, REQUESTS) for name, app in (order if turn % 2 else order[::-1])}
            base.append(taken["bare"])
            more.append(taken["observed"])
        sys.stdout = out
    differences = [with_it - without for without, with_it in zip(base, more, strict=True)]
    return {
        "bare": statistics.median(base),
        "median": statistics.median(differences),
        "quiet": min(more) - min(base),
    }


def measured(variant: str) -> dict[str, float]:
    """The same, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.instrumentation", variant],
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'instrumentation'}"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1])))
