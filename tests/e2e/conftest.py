"""One stack for all end-to-end tests; they run in the order of their files."""

from collections.abc import Iterator

import pytest

from tests.e2e.stack import Stack, boot, tear_down


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running stack with the demo."""
    root = tmp_path_factory.mktemp("stack")
    partial = Stack(root)
    try:
        running = boot(root)
        partial.receivers = running.receivers
        yield running
    finally:
        tear_down(partial)
