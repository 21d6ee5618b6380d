"""Who uses the product: registration, login, the contents of a session's token, and the plan of a user.

Owns users and sessions. Neither a password nor a token is kept as it was given.
"""

import asyncio
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from demo.database import Database
from demo.days import now
from demo.models import Session, Tenant, User

# Enough to show how it is done, little enough for a machine that also measures: 4 MB and some 10 ms.
_COST: Final = {"n": 2**12, "r": 8, "p": 1}
# Who was seen is written down at most this often.
_SEEN_SECONDS: Final = 30


class Taken(Exception):
    """A user is already registered with this address."""


@dataclass(frozen=True)
class Account:
    """A user who is logged in."""

    id: int
    email: str
    tier: str
    tenant: str
    tenant_id: int
    session: str


class Accounts:
    """Users and their sessions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def register(self, email: str, password: str | None, tenant: str) -> str:
        """Make a user, logged in: the session's token. Raises Taken; LookupError for a tenant that is none."""
        kept = None if password is None else await asyncio.to_thread(_hashed, password, secrets.token_bytes(12))
        try:
            async with self._database.session() as session:
                tenant_id = await session.scalar(select(Tenant.id).where(Tenant.slug == tenant))
                if tenant_id is None:
                    raise LookupError(tenant)
                moment = now()
                user = User(email=email, password=kept, tenant_id=tenant_id, created_at=moment, last_seen_at=moment)
                session.add(user)
                await session.flush()
                return _begin(session, user.id)
        except IntegrityError as error:
            raise Taken(email) from error

    async def log_in(self, email: str, password: str) -> str | None:
        """A new session's token, or None when address or password is wrong."""
        async with self._database.session() as session:
            user = await session.scalar(select(User).where(User.email == email))
            if user is None or user.password is None:
                return None
            if not await asyncio.to_thread(_matches, password, user.password):
                return None
            user.last_seen_at = now()
            return _begin(session, user.id)

    async def log_in_without_password(self, email: str) -> str | None:
        """A new session's token for a user that another provider confirms; None without an account."""
        async with self._database.session() as session:
            user = await session.scalar(select(User).where(User.email == email))
            if user is None:
                return None
            user.last_seen_at = now()
            return _begin(session, user.id)

    async def of(self, token: str) -> Account | None:
        """Whose token this is, noted as seen now."""
        digest, moment = _digest(token), now()
        async with self._database.session() as session:
            query = (
                select(User, Tenant.slug)
                .join(Session, Session.user_id == User.id)
                .join(Tenant, Tenant.id == User.tenant_id)
                .where(Session.token_hash == digest)
            )
            found = (await session.execute(query)).first()
            if found is None:
                return None
            user, slug = found
            seen = user.last_seen_at.timestamp() if user.last_seen_at.tzinfo else 0.0
            if moment.timestamp() - seen > _SEEN_SECONDS:
                user.last_seen_at = moment
        return Account(user.id, user.email, user.tier, slug, user.tenant_id, digest[:12])

    async def set_tier(self, user_id: int, tier: str) -> None:
        """Move a user to another plan."""
        async with self._database.session() as session:
            await session.execute(update(User).where(User.id == user_id).values(tier=tier))


def _begin(session: AsyncSession, user_id: int) -> str:
    token = secrets.token_urlsafe(24)
    session.add(Session(token_hash=_digest(token), user_id=user_id, created_at=now()))
    return token


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _hashed(password: str, salt: bytes) -> str:
    return f"{salt.hex()}${hashlib.scrypt(password.encode(), salt=salt, dklen=32, **_COST).hex()}"


def _matches(password: str, kept: str) -> bool:
    salt, _, _ = kept.partition("$")
    return hmac.compare_digest(_hashed(password, bytes.fromhex(salt)), kept)
