"""The store, its SQL and the way to read it: `from warehouse import open_warehouse`.

Owns every DuckDB file; knows nothing of Kafka, of schedules, or of who asks.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from warehouse.queries import Warehouse, open_warehouse

__all__ = ["Warehouse", "open_warehouse"]


def __getattr__(name: str) -> Any:
    """Import the reading side when it is asked for: most commands can do without DuckDB."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from warehouse import queries  # noqa: PLC0415

    return getattr(queries, name)
