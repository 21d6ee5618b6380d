"""Runs the API: `python3 -m demo.api`. One process: replicas, not workers, are how it would grow.

Owns the process: environment, logging, connections, signals, the exit.
"""

import asyncio
import os
import signal
import sys

import httpx2
import structlog
import uvicorn
from lookout_instrumentation.celery import init as init_tasks
from lookout_instrumentation.settings import Settings as LookoutSettings
from lookout_instrumentation.settings import SettingsError as LookoutSettingsError
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from demo import tasks
from demo.app import Connections, create_app
from demo.database import connect_async
from demo.settings import Settings, SettingsError, build_size, watched


def connect(settings: Settings) -> Connections:
    """Return clients that give up soon: a request waits for them. Nothing is connected yet."""
    return Connections(
        engine=connect_async(settings.database),
        redis=Redis.from_url(
            settings.redis_url,
            socket_connect_timeout=settings.redis_timeout_seconds,
            socket_timeout=settings.redis_timeout_seconds,
            # Once more, as a pooled connection may have died with a restarted Redis.
            retry=Retry(NoBackoff(), 1),
        ),
        http=httpx2.AsyncClient(base_url=settings.providers_url, timeout=settings.providers_timeout_seconds),
    )


async def serve(settings: Settings, lookout_settings: LookoutSettings) -> None:
    """Serve until a signal ends it."""
    connections = connect(settings)
    app, lookout = create_app(settings, connections, lookout_settings)
    init_tasks(tasks.app, lookout=lookout)  # what is sent takes the request's id along
    lookout.build_size(build_size())
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        # Less than a second to the end of the process, whatever is still being answered.
        timeout_graceful_shutdown=0.5,  # type: ignore[arg-type]  # any number works, whole ones are too long
    )
    try:
        await uvicorn.Server(config).serve()
    except Exception:
        structlog.get_logger(__name__).exception("the server failed")
        raise
    finally:
        await connections.redis.aclose()
        await connections.http.aclose()
        await connections.engine.dispose()
        lookout.close()


def main() -> int:
    """Read the environment and serve; return the exit code."""
    try:
        settings, lookout_settings = Settings.from_env(os.environ), watched(os.environ)
    except (SettingsError, LookoutSettingsError) as error:
        print(error, file=sys.stderr)
        return 2
    tasks.app.conf.broker_url = settings.queue_url
    # After its own orderly shutdown uvicorn raises the signal again, which by default would kill the
    # process with log lines still in the queue.
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: None)
    asyncio.run(serve(settings, lookout_settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
