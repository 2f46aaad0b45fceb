"""What the assets work with: the warehouse's file, and where Kafka is.

Owns when settings are read: as a step begins, from the environment, never at import.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
import duckdb
from pydantic import PrivateAttr

from pipelines.settings import AnalyticsSettings
from streams.cluster import ClusterSettings
from warehouse.connection import open_reader, open_writer


class WarehouseFile(dg.ConfigurableResource[None]):
    """The loader's file, opened by one step at a time and closed whatever happens in it."""

    read_only: bool = False
    _settings: AnalyticsSettings = PrivateAttr()

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:  # noqa: ARG002
        """Read the settings."""
        self._settings = AnalyticsSettings()

    @property
    def settings(self) -> AnalyticsSettings:
        """Return the analytics' settings as they were when the step began."""
        return self._settings

    @contextmanager
    def connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open the file; it must not be open already."""
        open_file = open_reader if self.read_only else open_writer
        with open_file(self._settings.warehouse_path) as connection:
            yield connection


class KafkaCluster(dg.ConfigurableResource[None]):
    """Where Kafka is and who we are there."""

    _settings: ClusterSettings = PrivateAttr()

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:  # noqa: ARG002
        """Read the settings."""
        self._settings = ClusterSettings()

    @property
    def settings(self) -> ClusterSettings:
        """Return the cluster's settings as they were when the step began."""
        return self._settings
