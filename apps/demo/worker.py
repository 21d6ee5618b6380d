"""Runs the tasks: `celery -A demo.worker worker --pool=threads`.

One process with a few threads, so that one /metrics has all of its metrics. Importing this module assembles the worker:
that is how Celery starts one. What sends tasks imports `demo.tasks` alone.
"""

import os
import sys
from typing import Final

import httpx2
from celery import Celery
from lookout_instrumentation.celery import init
from lookout_instrumentation.settings import SettingsError as LookoutSettingsError

from demo import tasks
from demo.database import connect
from demo.outside import CHANNELS, LLM, MESSENGER, MODEL, Calls, OutsideNow
from demo.settings import Settings, SettingsError, build_size, watched


def assemble() -> Celery:
    """Give the tasks what they work with, and the worker its metrics, logs and health endpoints."""
    settings = Settings.from_env(os.environ)
    tasks.app.conf.broker_url = settings.queue_url
    lookout = init(tasks.app, settings=watched(os.environ))
    lookout.build_size(build_size())
    engine = connect(settings.database)
    lookout.database(engine)
    lookout.llm.declare(LLM, MODEL)
    lookout.messages.declare(*CHANNELS)
    client = httpx2.Client(base_url=settings.providers_url, timeout=settings.providers_timeout_seconds)
    tasks.equip(tasks.Hands(engine, OutsideNow(client, Calls(lookout, LLM, MESSENGER)), settings.calendar, lookout))
    return tasks.app


try:
    app: Final = assemble()
except (SettingsError, LookoutSettingsError) as error:
    print(error, file=sys.stderr)
    sys.exit(2)
