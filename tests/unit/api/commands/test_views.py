"""The live view, on real files through the real sink, and the one that stands for it in tests keep
the same promises to commands.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.commands.live import LiveCommandView
from api.commands.view import CommandView
from tests.unit.api.commands.office import Office
from tests.unit.api.commands.view_contract import CommandViewContract
from tests.unit.api.live_view.fed import fed_view

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """Run them as the server does."""
    return "asyncio"


class TestLiveView(CommandViewContract):
    """The promises, kept by DuckDB."""

    @pytest.fixture
    def office(self, tmp_path: Path) -> Iterator[Office]:
        with fed_view(tmp_path / "live") as fed:
            yield Office(tmp_path, fed=fed)

    def view(self, office: Office) -> CommandView:
        assert office.world.fed is not None
        return LiveCommandView(office.world.fed.view)


class TestWorld(CommandViewContract):
    """The promises, kept by what the commands' tests look into."""

    @pytest.fixture
    def office(self, tmp_path: Path) -> Office:
        return Office(tmp_path)

    def view(self, office: Office) -> CommandView:
        return office.world
