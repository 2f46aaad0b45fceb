"""How far down a list of customers one has to look, so that not a million texts are read for fifty.

A common word is met soon: among the first of the list's order. Where it is not, further down, and
at last among all; so what is found never depends on how good these bounds are.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import duckdb

# So many customers, and then so many; then all.
_WIDTHS: Final = (2_000, 32_000)
_SAMPLED: Final = 20_000
_KEPT_SECONDS: Final = 5.0


class Windows:
    """Remembers for a moment which values of a column bound its first or last customers. Any number
    of threads ask.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._known: dict[str, tuple[float, int, Sequence[int]]] = {}

    def bounds(
        self,
        column: str,
        reader: duckdb.DuckDBPyConnection,
        *,
        is_falling: bool,
        behind: int | None = None,
    ) -> Iterator[int | None]:
        """Yield values of the column (a number in SQL), each bounding more customers of the order,
        and None at last: all. Those that bound nobody behind the place given are left out.
        """
        count, sample = self._sampled(column, reader)
        for width in _WIDTHS:
            if width >= count:
                break
            place = len(sample) * width // count
            bound = sample[-1 - place if is_falling else place]
            if behind is None or (bound < behind if is_falling else bound > behind):
                yield bound
        yield None

    def _sampled(self, column: str, reader: duckdb.DuckDBPyConnection) -> tuple[int, Sequence[int]]:
        now = self._monotonic()
        known = self._known.get(column)
        if known is None or now - known[0] > _KEPT_SECONDS:
            rows = reader.execute(
                f"select (select count(*) from raw.customers), {column} "  # noqa: S608 - our names
                f"from raw.customers where {column} is not null using sample {_SAMPLED:d} rows"
            ).fetchall()
            count = rows[0][0] if rows else 0
            known = self._known[column] = (now, count, sorted(value for _, value in rows))
        return known[1], known[2]
