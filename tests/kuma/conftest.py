"""A working copy beside a server that plays Uptime Kuma 2.5.3."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kuma.desk import Desk
from tests.kuma.fake_kuma import FakeKuma


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A working copy beside a server that no one has set up."""
    with FakeKuma() as server:
        yield Desk(tmp_path, server)
