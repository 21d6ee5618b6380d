"""The demo's faults, switched on and off while it runs: errors, slowness, a sick database, being down.

Owns their state and what they do to a product request. Probes, /metrics and /switch are never
touched, or the fault could be neither seen nor ended. A stopped process is no switch: stop the container.
"""

import asyncio
import random
from typing import Annotated

from fastapi import HTTPException
from pydantic import BaseModel, ConfigDict, Field

from demo.database import POOL_OVERFLOW, POOL_SIZE, Database


class InjectedFault(RuntimeError):
    """The error that `errors` raises: unhandled on purpose, like a real one."""


class SwitchState(BaseModel):
    """Which faults are on."""

    errors: float = 0.0
    slow_ms: float = 0.0
    down: bool = False
    hold_connections: int = 0
    slow_query_ms: float = 0.0
    n_plus_one: bool = False


class SwitchChange(BaseModel):
    """What to change; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    errors: Annotated[float | None, Field(ge=0, le=1, description="share of requests that fail")] = None
    slow_ms: Annotated[float | None, Field(ge=0, le=30_000, description="added to each request")] = None
    down: Annotated[bool | None, Field(description="not ready, and the product answers 503")] = None
    hold_connections: Annotated[
        int | None, Field(ge=0, le=POOL_SIZE + POOL_OVERFLOW, description="taken from the pool and kept")
    ] = None
    slow_query_ms: Annotated[float | None, Field(ge=0, le=4_000, description="a statement before each other")] = None
    n_plus_one: Annotated[bool | None, Field(description="GET /items asks for each row on its own")] = None


class Switches:
    """Holds the state and applies it."""

    def __init__(self, database: Database) -> None:
        self.state = SwitchState()
        self._database = database
        self._lock = asyncio.Lock()

    async def change(self, change: SwitchChange) -> SwitchState:
        """Set what `change` names and return the new state."""
        self.state = self.state.model_copy(update=change.model_dump(exclude_none=True))
        self._database.slow_seconds = self.state.slow_query_ms / 1000
        async with self._lock:  # two changes at once would count each other's connections
            await self._database.hold(self.state.hold_connections)
        return self.state

    async def apply(self) -> None:
        """Do to the current request what the switches say."""
        if self.state.slow_ms:
            await asyncio.sleep(self.state.slow_ms / 1000)
        if self.state.down:
            raise HTTPException(503, "switched down", headers={"Retry-After": "5"})
        if random.random() < self.state.errors:
            raise InjectedFault("switched on by POST /switch")

    async def check(self) -> None:
        """A readiness check that fails while the app is switched down."""
        if self.state.down:
            raise RuntimeError("switched down")
