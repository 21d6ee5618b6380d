"""What tests of the library share: no request of another test's, an engine on a file and a recorder that watches it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from sqlalchemy import Engine

from tests.instrumentation.engines import engine_at
from tests.instrumentation.recorder import Recorder


@pytest.fixture(autouse=True)
def no_request() -> None:
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = engine_at(tmp_path)
    yield made
    made.dispose()


@pytest.fixture
def recorded(engine: Engine) -> Recorder:
    recorded = Recorder()
    recorded.lookout.database(engine)
    return recorded
