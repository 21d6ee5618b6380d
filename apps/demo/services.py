"""The parts that the endpoints share, made once per app and handed to them by FastAPI."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from lookout_instrumentation import Lookout

from demo.accounts import Accounts
from demo.analyses import StoredAnalyses
from demo.catalogue import Catalogue
from demo.database import Database
from demo.outside import Outside
from demo.payments import Payments
from demo.settings import Settings
from demo.switches import Switches


@dataclass(frozen=True)
class Services:
    """Everything an endpoint may need."""

    settings: Settings
    lookout: Lookout
    database: Database
    items: Catalogue
    analyses: StoredAnalyses
    accounts: Accounts
    payments: Payments
    outside: Outside
    switches: Switches


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


Shared = Annotated[Services, Depends(_services)]


async def _faults(shared: Shared) -> None:
    await shared.switches.apply()


# For every router of the product: what POST /switch does to a request.
FAULTS = Depends(_faults)
