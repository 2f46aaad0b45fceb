"""The analytics side's settings, from the environment, read once and handed down."""

from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from pipelines.batch import BatchLimits
from warehouse.location import CHARTS_FOLDER, DEFAULT_FOLDER, PUBLISHED_FILE, WAREHOUSE_FILE
from warehouse.time_zones import TimeZones


class AnalyticsSettings(BaseSettings):
    """Whether and where to load, and whose calendar the figures follow."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    customer_analytics_enabled: bool = True
    warehouse_folder: Path = DEFAULT_FOLDER
    reporting_time_zone: str = "UTC"
    tenant_time_zones: dict[str, str] = {}
    load_batch_rows: Annotated[int, Field(ge=1)] = BatchLimits().rows
    # An erasure younger than this waits for the next sweep.
    erasure_settles_seconds: Annotated[float, Field(ge=0)] = 3600.0
    # From so many waiting records on, a load does not wait for the schedule's next tick.
    load_backlog_records: Annotated[int, Field(ge=1)] = 20_000
    load_batch_age_seconds: Annotated[float, Field(gt=0)] = BatchLimits().age_seconds

    @field_validator("reporting_time_zone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        return _checked_zone(value)

    @field_validator("tenant_time_zones")
    @classmethod
    def _zones_exist(cls, value: dict[str, str]) -> dict[str, str]:
        return {tenant: _checked_zone(zone) for tenant, zone in value.items()}

    @property
    def warehouse_path(self) -> Path:
        """Return the loader's own file."""
        return self.warehouse_folder / WAREHOUSE_FILE

    @property
    def published_path(self) -> Path:
        """Return the copy that everybody reads."""
        return self.warehouse_folder / PUBLISHED_FILE

    @property
    def charts_folder(self) -> Path:
        """Return where pictures of the figures lie."""
        return self.warehouse_folder / CHARTS_FOLDER

    @property
    def time_zones(self) -> TimeZones:
        """Return whose months and weeks begin when."""
        return TimeZones(self.reporting_time_zone, self.tenant_time_zones)

    @property
    def batch_limits(self) -> BatchLimits:
        """Return when a batch is written."""
        return BatchLimits(rows=self.load_batch_rows, age_seconds=self.load_batch_age_seconds)


def _checked_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"{name!r} is no time zone: use a name like America/Sao_Paulo") from error
    return name
