"""The product's endpoints for accounts: registering, logging in, plans and what is paid for them."""

import hashlib
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import structlog
from fastapi import APIRouter, HTTPException
from lookout_instrumentation import context
from pydantic import BaseModel, Field

from demo import tasks
from demo.accounts import Taken
from demo.made_up import REFUSED_CODE
from demo.outside import Declined
from demo.plans import Paid
from demo.services import FAULTS, Services, Shared
from demo.signin import Known

router = APIRouter(dependencies=[FAULTS])
log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger(__name__)

Email = Annotated[str, Field(pattern=r"^[^@\s]{1,60}@[^@\s]{3,50}$")]


class Registration(BaseModel):
    """A new account."""

    email: Email
    password: Annotated[str, Field(min_length=8, max_length=200)]
    tenant: str


class Login(BaseModel):
    """An address and its password."""

    email: Email
    password: Annotated[str, Field(max_length=200)]


class OauthLogin(BaseModel):
    """What another provider sends back with the user."""

    provider: Literal["google", "github"]
    code: Annotated[str, Field(min_length=1, max_length=100)]
    tenant: str


class Order(BaseModel):
    """A plan, and the card that pays for it."""

    tier: Paid
    card: Annotated[str, Field(min_length=1, max_length=60)]


@router.post("/register", status_code=201)
async def post_register(body: Registration, shared: Shared) -> dict[str, str]:
    """Make an account."""
    context.bind(action="register")
    token = await _register(shared, body.email, body.password, body.tenant)
    return {"token": token}


@router.post("/login")
async def post_login(body: Login, shared: Shared) -> dict[str, str]:
    """Log in."""
    context.bind(action="login")
    token = await shared.accounts.log_in(body.email, body.password)
    shared.lookout.business.login(token is not None)
    if token is None:
        raise HTTPException(401, "address or password is wrong")
    return {"token": token}


@router.post("/login/oauth")
async def post_oauth(body: OauthLogin, shared: Shared) -> dict[str, str]:
    """Log in with another provider's word for it; who comes for the first time gets an account."""
    context.bind(action="login")
    ok = body.code != REFUSED_CODE
    shared.lookout.oauth.login(body.provider, ok)
    shared.lookout.business.login(ok)
    if not ok:
        raise HTTPException(401, "the provider does not vouch for you")
    email = f"{hashlib.sha256(body.code.encode()).hexdigest()[:16]}@{body.provider}.test"
    token = await shared.accounts.log_in_without_password(email)
    return {"token": token or await _register(shared, email, None, body.tenant)}


@router.get("/me")
async def get_me(who: Known) -> dict[str, str]:
    """Who I am."""
    return {"tier": who.tier, "tenant": who.tenant}


@router.post("/upgrade")
async def post_upgrade(body: Order, shared: Shared, who: Known) -> dict[str, Any]:
    """Pay for a plan and be on it."""
    context.bind(action="upgrade")
    try:
        payment = await shared.payments.buy(who, body.tier, body.card)
    except Declined as error:
        raise HTTPException(402, "the card was declined") from error
    await shared.accounts.set_tier(who.id, body.tier)
    shared.lookout.business.funnel(body.tier)
    log.info("plan bought", plan=body.tier, payment_id=str(payment))
    return {"tier": body.tier, "payment": str(payment)}


@router.post("/payments/{payment_id}/refund")
async def post_refund(payment_id: UUID, shared: Shared, who: Known) -> dict[str, str]:
    """Get the money back; the plan ends with it."""
    context.bind(action="refund")
    if not await shared.payments.refund(who, payment_id):
        raise HTTPException(404, "no such payment")
    await _leave(shared, who.id, who.tier)
    return {"status": "refunded"}


@router.post("/cancel")
async def post_cancel(shared: Shared, who: Known) -> dict[str, str]:
    """End a plan."""
    context.bind(action="cancel")
    await _leave(shared, who.id, who.tier)
    return {"tier": "free"}


async def _leave(shared: Services, user_id: int, tier: str) -> None:
    if tier != "free":
        await shared.accounts.set_tier(user_id, "free")
        shared.lookout.business.churned(tier)


async def _register(shared: Services, email: str, password: str | None, tenant: str) -> str:
    try:
        token = await shared.accounts.register(email, password, tenant)
    except LookupError as error:
        raise HTTPException(422, "no such tenant") from error
    except Taken as error:
        raise HTTPException(409, "this address is already registered") from error
    shared.lookout.business.registration()
    shared.lookout.business.funnel("free")
    # No address of a person is in a queue: the messenger knows them by this.
    reader = hashlib.sha256(email.encode()).hexdigest()[:12]
    await tasks.send_if_possible(tasks.send_message, "email", reader, "Welcome!")
    return token
