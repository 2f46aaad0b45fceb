"""One event loop for all clients that call the application in this process."""

from collections.abc import Iterator

import pytest
from anyio.from_thread import start_blocking_portal
from fastapi.testclient import TestClient


@pytest.fixture(scope="session", autouse=True)
def _one_loop_for_all_calls() -> Iterator[None]:
    """Keep the clients' loop: by itself each call starts a thread and a loop, and ends them."""
    with start_blocking_portal() as portal, pytest.MonkeyPatch.context() as patch:
        patch.setattr(TestClient, "portal", portal)
        yield
