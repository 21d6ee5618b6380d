"""The faults of the provider stub: what POST /fault sets, and what they do to a call.

A fault ends by itself when its time is over, so that a forgotten one does not look like a bug of the product.
"""

import asyncio
import random
import time
from collections.abc import Callable
from typing import Annotated, Final, Literal

from fastapi import HTTPException
from pydantic import BaseModel, ConfigDict, Field

Target = Literal["llm", "payments", "messages"]
Mode = Literal["ok", "429", "5xx", "slow", "hang", "timeout"]
TARGETS: Final[tuple[Target, ...]] = ("llm", "payments", "messages")

RETRY_AFTER_SECONDS: Final = 2
SLOW_SECONDS: Final = 1.5
# Longer than any client of this product waits; a gateway in front of the real thing would give up by then.
TIMEOUT_SECONDS: Final = 5.0
HANG_SECONDS: Final = 300.0


class Fault(BaseModel):
    """One order to misbehave."""

    model_config = ConfigDict(extra="forbid")

    target: Target
    mode: Mode = "ok"
    share: Annotated[float, Field(ge=0, le=1, description="of the calls")] = 1.0
    seconds: Annotated[float, Field(gt=0, le=86_400, description="until it ends by itself")] = 60.0


class FaultState(BaseModel):
    """What one provider does now."""

    mode: Mode = "ok"
    share: float = 0.0
    seconds_left: float = 0.0


class Faults:
    """Holds the orders and applies them to calls."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._orders: dict[Target, tuple[Fault, float]] = {}

    def set(self, fault: Fault) -> None:
        """Misbehave from now on."""
        self._orders[fault.target] = (fault, self._clock() + fault.seconds)

    def state(self) -> dict[Target, FaultState]:
        """What each provider does now."""
        return {target: self._of(target) for target in TARGETS}

    def _of(self, target: Target) -> FaultState:
        fault, until = self._orders.get(target, (Fault(target=target), 0.0))
        left = until - self._clock()
        if left <= 0 or fault.mode == "ok":
            return FaultState()
        return FaultState(mode=fault.mode, share=fault.share, seconds_left=round(left, 1))

    async def apply(self, target: Target) -> None:
        """Do to one call what was ordered."""
        state = self._of(target)
        if state.mode == "ok" or random.random() >= state.share:
            return
        if state.mode == "429":
            raise HTTPException(429, "too many requests", {"Retry-After": str(RETRY_AFTER_SECONDS)})
        if state.mode == "5xx":
            raise HTTPException(random.choice((500, 502, 503)), "switched on by POST /fault")
        if state.mode == "slow":
            await asyncio.sleep(SLOW_SECONDS)
            return
        await asyncio.sleep(TIMEOUT_SECONDS if state.mode == "timeout" else HANG_SECONDS)
        raise HTTPException(504, "the gateway in front gave up")
