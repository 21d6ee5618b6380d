"""The endpoints for those who run the app: health, readiness, status, switches."""

import platform
import time
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from fastapi import APIRouter, HTTPException
from fastapi.responses import JSONResponse

from demo.instrumentation.readiness import CheckResult
from demo.services import Services, Shared
from demo.switches import SwitchChange, SwitchState

SWITCH_PATH: Final = "/switch"

router = APIRouter()
log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger(__name__)
_started: Final = time.monotonic()


@router.get("/health")
@router.get("/healthz")
async def get_health(shared: Shared) -> dict[str, Any]:
    """The process lives: no dependency is asked, as none is cured by a restart of this one."""
    return _identity(shared) | {"status": "ok"}


@router.get("/status")
async def get_status(shared: Shared) -> dict[str, Any]:
    """The same with what the process runs on and since when."""
    return await get_health(shared) | {
        "environment": shared.settings.environment,
        "uptime_seconds": round(time.monotonic() - _started, 1),
        "python": platform.python_version(),
        "switches": shared.switches.state.model_dump(),
    }


@router.get("/ready")
async def get_ready(shared: Shared) -> JSONResponse:
    """200 when every dependency answers and the app is not switched down, else 503."""
    checks = {name: _check(result) for name, result in (await shared.readiness.results()).items()}
    if shared.switches.state.down:
        checks["switch"] = {"status": "down", "error": "switched down"}
    ready = all(check["status"] == "up" for check in checks.values())
    body = _identity(shared) | {"status": "ready" if ready else "not ready", "checks": checks}
    return JSONResponse(body, 200 if ready else 503)


@router.post(SWITCH_PATH)
async def post_switch(change: SwitchChange, shared: Shared) -> SwitchState:
    """Change the faults; `{}` changes nothing and tells what is on."""
    if not shared.settings.switches_enabled:
        raise HTTPException(404, "switches are off: DEMO_SWITCHES=on allows them")
    state = shared.switches.change(change)
    log.warning("switches set", action="switch", **state.model_dump())
    return state


def _identity(services: Services) -> dict[str, Any]:
    return {
        "service": services.settings.service,
        "version": services.settings.version,
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }


def _check(result: CheckResult) -> dict[str, Any]:
    check: dict[str, Any] = {
        "status": "up" if result.up else "down",
        "latency_ms": round(result.latency_seconds * 1000, 2),
    }
    return check if result.error is None else check | {"error": result.error}
