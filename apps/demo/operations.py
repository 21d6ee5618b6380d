"""The endpoint for those who break the app on purpose. Health and metrics are the library's."""

from typing import Final

import structlog
from fastapi import APIRouter, HTTPException

from demo.services import Shared
from demo.switches import SwitchChange, SwitchState

router = APIRouter()
log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger(__name__)


@router.post("/switch", include_in_schema=False)
async def post_switch(change: SwitchChange, shared: Shared) -> SwitchState:
    """Change the faults; `{}` changes nothing and returns the active faults."""
    if not shared.settings.switches_enabled:
        raise HTTPException(404, "switches are off: DEMO_SWITCHES=on allows them")
    state = await shared.switches.change(change)
    log.warning("switches set", action="switch", **state.model_dump())
    return state
