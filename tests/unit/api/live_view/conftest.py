"""Views for tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.api.live_view.fed import FedView, fed_view


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FedView]:
    """Give a live view for properties, whose examples each have a tenant of their own."""
    with fed_view(tmp_path_factory.mktemp("shared")) as view:
        yield view


@pytest.fixture
def fed(tmp_path: Path) -> Iterator[FedView]:
    """Give an empty live view."""
    with fed_view(tmp_path / "live") as view:
        yield view
