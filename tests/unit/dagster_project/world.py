"""Records of two customers, and a small warehouse in which every check passes."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from pipelines.duckdb_sink import DuckDbSink
from pipelines.raw_tables import tables_by_topic
from pipelines.settings import AnalyticsSettings
from streams.contracts.wire import Wire
from tests.unit.pipelines import builders
from warehouse.connection import open_writer
from warehouse.runner import refresh
from warehouse.time_zones import TimeZones

NOW: Final = datetime(2026, 10, 20, 12, 0, tzinfo=UTC)
_LATER: Final = builders.START + timedelta(hours=3)

# Two customers, one of whom wrote twice, in two conversations.
RECORDS: Final[dict[str, list[tuple[str, Wire]]]] = {
    "customers": [
        ("c1", builders.customer("c1", links=(builders.link(),))),
        ("c2", builders.customer("c2", identities=(builders.identity("+5511988887777"),))),
    ],
    "customer-events": [
        ("c1", builders.event("e1")),
        ("acme", builders.answer("e2", event_type="policy.changed", customer_id=None)),
    ],
    "conversations": [
        ("v1", builders.conversation("v1")),
        ("v2", builders.conversation("v2", started_at=_LATER, last_message_at=_LATER)),
    ],
    "customer-messages": [
        ("c1", builders.fact("m1")),
        ("c1", builders.fact("m2", sent_at=_LATER)),
    ],
    "link-suggestions": [("s1", builders.suggestion("s1"))],
    "policies": [("acme", builders.policy())],
    "dead-letters": [("messages.inbound/0", builders.dead_letter())],
}

# What tests.sql.test_checks begins with, so that what it breaks can be broken here too.
_LOADED: Final = ("customers", "conversations", "customer-messages")


def build(folder: Path) -> Path:
    """Fill the warehouse of a folder; return its file."""
    path = AnalyticsSettings(warehouse_folder=folder).warehouse_path
    chunks = [
        builders.chunk(
            topic,
            [builders.record(n, value, key=key) for n, (key, value) in enumerate(RECORDS[topic])],
        )
        for topic in _LOADED
    ]
    with open_writer(path) as connection:
        DuckDbSink(connection, tables_by_topic("")).write(builders.batch(*chunks))
        refresh(connection, now=NOW, time_zones=TimeZones())
    return path


def plant(path: Path, *statements: str) -> None:
    """Break something."""
    with open_writer(path) as connection:
        for statement in statements:
            connection.execute(statement)
