"""The tables of the demo. What they hold is made up, and old rows are removed: it stays small."""

import uuid
from datetime import datetime
from typing import Any, Final

from sqlalchemy import JSON, BigInteger, DateTime, ForeignKey, Index, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

TIERS: Final = ("free", "basic", "premium")
_MOMENT: Final = DateTime(timezone=True)


class Base(DeclarativeBase):
    """Of all tables."""


class Tenant(Base):
    """A customer organisation."""

    __tablename__ = "tenants"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(40), unique=True)
    sites: Mapped[int]


class User(Base):
    """A person with an account. A user without a password logs in through another provider."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    email: Mapped[str] = mapped_column(String(120), unique=True)
    password: Mapped[str | None] = mapped_column(String(120))
    tier: Mapped[str] = mapped_column(String(10), default="free")
    created_at: Mapped[datetime] = mapped_column(_MOMENT)
    last_seen_at: Mapped[datetime] = mapped_column(_MOMENT, index=True)


class Session(Base):
    """A login. Only a hash of its token is kept, so that a copy of the table opens no account."""

    __tablename__ = "sessions"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(_MOMENT, index=True)


class ItemRow(Base):
    """Something that the demo sells."""

    __tablename__ = "items"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), index=True)
    price_cents: Mapped[int]


class AnalysisRow(Base):
    """A text that was analysed, or is waiting to be."""

    __tablename__ = "analyses"
    __table_args__ = (Index("ix_analyses_tenant_created", "tenant_id", "created_at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[int | None] = mapped_column(ForeignKey("tenants.id"))
    status: Mapped[str] = mapped_column(String(10))
    text: Mapped[str]
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    cost_usd: Mapped[float] = mapped_column(default=0.0)
    created_at: Mapped[datetime] = mapped_column(_MOMENT, index=True)


class PaymentRow(Base):
    """A payment for a month of a plan. Confirmed is what the provider called back about."""

    __tablename__ = "payments"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    tier: Mapped[str] = mapped_column(String(10))
    amount_cents: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[str] = mapped_column(String(10))
    charge: Mapped[str | None] = mapped_column(String(60), index=True)
    confirmed: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(_MOMENT, index=True)
