"""Analytics settings from an environment that each test makes itself."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from pipelines.settings import AnalyticsSettings

NAMES = (
    "CUSTOMER_ANALYTICS_ENABLED",
    "WAREHOUSE_FOLDER",
    "REPORTING_TIME_ZONE",
    "TENANT_TIME_ZONES",
    "LOAD_BATCH_ROWS",
    "LOAD_BATCH_AGE_SECONDS",
    "ERASURE_SETTLES_SECONDS",
    "LOAD_BACKLOG_RECORDS",
)


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def test_without_an_environment_analytics_are_on_in_utc() -> None:
    settings = AnalyticsSettings()
    assert settings.customer_analytics_enabled
    assert settings.warehouse_path == Path(".omnichannel/warehouse/warehouse.duckdb")
    assert settings.published_path == Path(".omnichannel/warehouse/analytics.duckdb")
    assert settings.time_zones.default == "UTC"


def test_the_environment_sets_every_field(monkeypatch: pytest.MonkeyPatch) -> None:
    zones = '{"acme": "America/Sao_Paulo"}'
    values = ("false", "/data", "Europe/Lisbon", zones, "10", "0.5", "60", "7")
    for name, value in zip(NAMES, values, strict=True):
        monkeypatch.setenv(name, value)
    settings = AnalyticsSettings()
    assert not settings.customer_analytics_enabled
    assert settings.warehouse_folder == Path("/data")
    assert settings.time_zones.by_tenant == {"acme": "America/Sao_Paulo"}
    assert (settings.batch_limits.rows, settings.batch_limits.age_seconds) == (10, 0.5)
    assert {name.lower() for name in NAMES} == set(AnalyticsSettings.model_fields)


@pytest.mark.parametrize(
    ("name", "value"),
    [("REPORTING_TIME_ZONE", "Mars/Base"), ("TENANT_TIME_ZONES", '{"acme": "../etc"}')],
)
def test_a_zone_that_does_not_exist_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match="is no time zone"):
        AnalyticsSettings()
