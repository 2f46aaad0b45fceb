"""How far down a list of customers one has to look, so that not a million texts are read for fifty.

A common word is met soon: among the first of the list's order. Where it is not, further down, and
at last among all; so what is found never depends on how good these bounds are.
"""

import time
from collections.abc import Callable, Hashable, Iterator
from typing import Final

import duckdb

# So many customers, and then so many; then all.
WIDTHS: Final = (2_000, 32_000, 256_000)
# Kept the longer, the wider: of two thousand a second who write, half a window comes in between.
_GROWS_BY_A_SECOND: Final = 1_000
# What was asked is asked again, and found as far down; for so long narrower windows are not tried.
_FOUND_SECONDS: Final = 5.0
_MOST_FOUND: Final = 1_000


class Windows:
    """Remembers for a moment which values of a column bound its first or last customers, and how
    far down what was asked had to be looked for. Any number of threads ask.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._known: dict[tuple[str, bool, int], tuple[float, int | None]] = {}
        self._found: dict[Hashable, tuple[float, int]] = {}

    def bounds(
        self,
        column: str,
        connection: duckdb.DuckDBPyConnection,
        *,
        is_time: bool,
        is_falling: bool,
        behind: int | None = None,
        asked: Hashable = None,
    ) -> Iterator[int | None]:
        """Yield values of the column (of a time, its microseconds), each bounding more customers of
        the order, and None at last: all. Those that bound nobody behind the place given are left
        out, and those in which what is `asked` was not found a moment ago. Whoever asks stops at
        the one that has enough.
        """
        now = self._monotonic()
        found_at, first = self._found.get(asked, (now, 0))
        if now - found_at > _FOUND_SECONDS:
            found_at, first = now, 0
        if len(self._found) >= _MOST_FOUND:
            self._found.clear()
        for place in range(first, len(WIDTHS)):
            bound = self._bound(column, place, connection, is_time=is_time, is_falling=is_falling)
            if bound is not None and (
                behind is None or (bound < behind if is_falling else bound > behind)
            ):
                self._found[asked] = (found_at, place)
                yield bound
        self._found[asked] = (found_at, len(WIDTHS))
        yield None

    def _bound(
        self,
        column: str,
        place: int,
        connection: duckdb.DuckDBPyConnection,
        *,
        is_time: bool,
        is_falling: bool,
    ) -> int | None:
        """Return the value that bounds so many; None where there are no more than that."""
        if place == len(WIDTHS):
            return None
        now, key = self._monotonic(), (column, is_falling, place)
        known = self._known.get(key)
        if known is None or now - known[0] > WIDTHS[place] / _GROWS_BY_A_SECOND:
            # Looked for within the next wider one: of a million values, few are sorted often.
            wider = self._bound(
                column, place + 1, connection, is_time=is_time, is_falling=is_falling
            )
            shown, as_key = f"epoch_us({column})", "make_timestamptz({}::bigint)"
            if not is_time:
                shown, as_key = column, "{}"
            sign, order = (">=", "desc") if is_falling else ("<=", "asc")
            within = "" if wider is None else f"and {column} {sign} {as_key.format(wider)}"
            rows = connection.execute(
                f"select {shown} from raw.customers where {column} is not null {within} "  # noqa: S608 - our names
                f"order by {column} {order} limit 1 offset {WIDTHS[place]:d}"
            ).fetchall()
            known = self._known[key] = (now, rows[0][0] if rows else None)
        return known[1]
