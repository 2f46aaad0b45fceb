"""A warehouse on disk for each test, and retries that do not make it wait."""

import shutil
from pathlib import Path

import dagster as dg
import pytest

from tests.unit.dagster_project import world


@pytest.fixture(autouse=True)
def _retries_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have as many retries as ever, without the pauses: nothing mends itself meanwhile."""
    monkeypatch.setattr(dg.RetryPolicy, "calculate_delay", lambda *_: 0)


@pytest.fixture(scope="session")
def _built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return world.build(tmp_path_factory.mktemp("world"))


@pytest.fixture
def warehouse(_built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the file of a warehouse in which every check passes, in the folder of the settings."""
    monkeypatch.setenv("WAREHOUSE_FOLDER", str(tmp_path))
    return Path(shutil.copy(_built, tmp_path))
