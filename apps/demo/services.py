"""The parts that the endpoints share, made once per app and handed to them by FastAPI."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from demo.analyses import StoredAnalyses
from demo.catalogue import CachedItems
from demo.settings import Settings
from demo.switches import Switches


@dataclass(frozen=True)
class Services:
    """Everything an endpoint may need."""

    settings: Settings
    items: CachedItems
    analyses: StoredAnalyses
    switches: Switches


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


Shared = Annotated[Services, Depends(_services)]
