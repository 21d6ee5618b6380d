"""Who is asking: the account behind a request's bearer token, and its fields on every line that the request logs."""

from typing import Annotated

from fastapi import Depends, Header, HTTPException
from lookout_instrumentation import context

from demo.accounts import Account
from demo.services import Shared


async def _account(shared: Shared, authorization: Annotated[str, Header()] = "") -> Account | None:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        return None
    account = await shared.accounts.of(token.strip())
    if account is not None:
        context.bind(user=account.id, tier=account.tier, tenant=account.tenant, session_id=account.session)
    return account


Anybody = Annotated[Account | None, Depends(_account)]


async def _known(account: Anybody) -> Account:
    if account is None:
        raise HTTPException(401, "log in first", headers={"WWW-Authenticate": "Bearer"})
    return account


Known = Annotated[Account, Depends(_known)]
