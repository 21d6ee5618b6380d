"""Payments for plans: charged at the provider, written down here, confirmed by the provider's call back.

Owns the payments table. A payment is written down before the provider is asked, so that none is ever forgotten.
"""

import uuid
from typing import Final

import structlog
import uuid_utils
from lookout_instrumentation import Lookout
from sqlalchemy import select, update

from demo.accounts import Account
from demo.database import Database
from demo.days import now
from demo.models import PaymentRow
from demo.outside import PAYMENTS, Declined, Outside, Unavailable
from demo.plans import MONTHLY_CENTS

log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger(__name__)


class Payments:
    """Charges and refunds."""

    def __init__(self, database: Database, outside: Outside, lookout: Lookout) -> None:
        self._database = database
        self._outside = outside
        self._recorder = lookout.payments

    async def buy(self, account: Account, tier: str, card: str) -> uuid.UUID:
        """Charge a month of `tier`; the payment's id. Raises Declined or Unavailable."""
        made = uuid.UUID(str(uuid_utils.uuid7()))
        amount = MONTHLY_CENTS[tier]
        row = PaymentRow(
            id=made, user_id=account.id, tier=tier, amount_cents=amount, status="pending", created_at=now()
        )
        async with self._database.session() as session:
            session.add(row)
        try:
            charge = await self._outside.charge(amount, card, str(made))
        except (Declined, Unavailable):
            self._recorder.failed(PAYMENTS, amount / 100)
            await self._set(made, status="failed")
            raise
        self._recorder.ok(PAYMENTS, amount / 100)
        await self._set(made, status="ok", charge=charge)
        return made

    async def refund(self, account: Account, payment_id: uuid.UUID) -> bool:
        """Give a payment back; False when the account has no such payment. Raises Unavailable."""
        async with self._database.session() as session:
            row = await session.get(PaymentRow, payment_id)
        if row is None or row.user_id != account.id or row.status != "ok" or row.charge is None:
            return False
        await self._outside.refund(row.charge)
        self._recorder.refunded(PAYMENTS, row.amount_cents / 100)
        await self._set(payment_id, status="refunded")
        return True

    async def confirm(self, charge: str) -> bool:
        """Note that the provider called back about `charge`; False when it is none of ours."""
        async with self._database.session() as session:
            known = await session.scalar(select(PaymentRow.id).where(PaymentRow.charge == charge))
            if known is not None:
                await session.execute(update(PaymentRow).where(PaymentRow.id == known).values(confirmed=True))
        return known is not None

    async def _set(self, payment_id: uuid.UUID, **values: str) -> None:
        async with self._database.session() as session:
            await session.execute(update(PaymentRow).where(PaymentRow.id == payment_id).values(**values))
