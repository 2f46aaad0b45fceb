"""Records -> Arrow, without looking into a value: DuckDB parses them all at once.

Pure. Measured on 200,000 facts: parsing in DuckDB 0.6 to 1.0 million rows/s, msgspec with Arrow
0.18 million, pyarrow's own JSON reader 0.36 million (one bad value fails all of it).
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import pyarrow as pa

from pipelines.batch import Record

# `large_`: a batch may hold more than the 2 GB that 32-bit offsets address.
_SCHEMA: Final = pa.schema(
    [
        ("partition", pa.int32()),
        ("offset", pa.int64()),
        ("recorded_at", pa.timestamp("ms", tz="UTC")),
        ("key", pa.large_binary()),
        ("raw", pa.large_binary()),
        ("value", pa.large_string()),
    ]
)
# As many as DuckDB takes at a time. In one piece the values' buffer is copied each time that it has
# to grow, into memory that is new to the process: three to five times the work.
_ROWS_A_PIECE: Final = 2048


def table_of(parts: Iterable[tuple[int, Sequence[Record]]]) -> Any:
    """Return one Arrow table: partition, offset, time, key, the raw bytes, and the bytes as text.

    `value` is null where `raw` is null or is not UTF-8.
    """
    return pa.Table.from_batches(
        [
            _piece(number, records[start : start + _ROWS_A_PIECE])
            for number, records in parts
            for start in range(0, len(records), _ROWS_A_PIECE)
        ],
        schema=_SCHEMA,
    )


def _piece(partition: int, records: Sequence[Record]) -> Any:
    raw = pa.array([record.value for record in records], pa.large_binary())
    return pa.record_batch(
        [
            pa.array([partition] * len(records), pa.int32()),
            pa.array([record.offset for record in records], pa.int64()),
            pa.array([record.timestamp for record in records], pa.timestamp("ms", tz="UTC")),
            pa.array([record.key for record in records], pa.large_binary()),
            raw,
            _text_of(raw),
        ],
        schema=_SCHEMA,
    )


def _text_of(raw: Any) -> Any:
    """Return the bytes as text; null where they are not UTF-8."""
    try:
        return raw.cast(pa.large_string())
    except pa.ArrowInvalid:
        return pa.array([_decoded(value) for value in raw.to_pylist()], pa.large_string())


def _decoded(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return None
