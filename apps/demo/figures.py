"""The business figures: computed from the database every few seconds, a demo day being ten minutes.

Owns the questions and the removal of old rows. What it finds goes to the recorders of the library.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lookout_instrumentation import Lookout
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from demo.database import Database
from demo.days import MONTH_DAYS, Calendar, now
from demo.models import TIERS, AnalysisRow, PaymentRow, Session, Tenant, User
from demo.outside import LLM
from demo.plans import monthly_usd
from demo.settings import Settings

WINDOWS: Final = {"1d": 1, "30d": MONTH_DAYS}
KEEP_DAYS: Final = 2 * MONTH_DAYS


@dataclass(frozen=True)
class Figures:
    """How the business does at one moment."""

    active: dict[str, int]
    users: dict[str, int]
    sites: dict[str, int]
    llm_spent_usd: float


async def compute(database: Database, calendar: Calendar, moment: datetime) -> Figures:
    """Ask the database."""
    async with database.session() as session:
        active = {
            window: await _seen_since(session, calendar.days_ago(days, moment)) for window, days in WINDOWS.items()
        }
        tiers = await session.execute(select(User.tier, func.count().label("number")).group_by(User.tier))
        by_tier = {row.tier: row.number for row in tiers}
        tenants = await session.execute(select(Tenant.slug, Tenant.sites))
        sites = {row.slug: row.sites for row in tenants}
        spent = select(func.sum(AnalysisRow.cost_usd)).where(AnalysisRow.created_at >= calendar.month_start(moment))
        return Figures(
            active=active,
            users={tier: by_tier.get(tier, 0) for tier in TIERS},
            sites=sites,
            llm_spent_usd=float(await session.scalar(spent) or 0.0),
        )


async def _seen_since(session: AsyncSession, moment: datetime) -> int:
    return await session.scalar(select(func.count()).select_from(User).where(User.last_seen_at >= moment)) or 0


async def prune(database: Database, calendar: Calendar, moment: datetime) -> None:
    """Remove what is two demo months old, so that a demo that runs for weeks stays small."""
    long_ago = calendar.days_ago(KEEP_DAYS, moment)
    async with database.session() as session:
        await session.execute(delete(Session).where(Session.created_at < long_ago))
        await session.execute(delete(AnalysisRow).where(AnalysisRow.created_at < long_ago))
        await session.execute(delete(PaymentRow).where(PaymentRow.created_at < long_ago))
        await session.execute(delete(User).where(User.last_seen_at < long_ago))


def report(found: Figures, lookout: Lookout) -> None:
    """Hand the figures to the recorders."""
    lookout.business.set_active(daily=found.active["1d"], monthly=found.active["30d"])
    for tier, count in found.users.items():
        lookout.business.set_users(tier, count)
    lookout.business.set_mrr(monthly_usd(found.users))
    for tenant, sites in found.sites.items():
        lookout.tenants.sites(tenant, sites)
    lookout.costs.set_spent(LLM, found.llm_spent_usd)


class Refresher:
    """Computes the figures when the library asks for it; at the end of the app, waits for the last computation."""

    def __init__(self, database: Database, settings: Settings, lookout: Lookout) -> None:
        self._database = database
        self._settings = settings
        self._lookout = lookout
        self._busy = asyncio.Lock()

    def start(self) -> None:
        """Begin, in the event loop that is running."""
        self._lookout.business.refresh(self.refresh, self._settings.refresh_seconds)

    async def refresh(self) -> None:
        """Compute once."""
        moment = now()
        async with self._busy:
            report(await compute(self._database, self._settings.calendar, moment), self._lookout)
            await prune(self._database, self._settings.calendar, moment)

    async def stop(self) -> None:
        """End; not in the middle of a statement, whose connection would be lost."""
        async with self._busy:
            self._lookout.business.stop()
            await asyncio.sleep(0)
