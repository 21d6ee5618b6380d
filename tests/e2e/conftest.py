"""One stack for all end-to-end tests; they run in the order of their files."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.stack import Stack, boot, tear_down


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """A running stack with the demo. Its folder is its own: pytest's are cleared by other runs of pytest."""
    root = Path(tempfile.mkdtemp(prefix="lookout-e2e-"))
    running = Stack(root)
    try:
        boot(running)
        # scripts/test.sh waits for this file before it keeps the machine busy.
        if up := os.environ.get("LOOKOUT_E2E_UP"):
            Path(up).touch()
        yield running
    finally:
        tear_down(running)
        shutil.rmtree(root)
