"""Load, refresh and publish in processes that end themselves without warning, between any two
statements; then once more to the end.

Arguments: a folder to work in, from which point on, and how many points to go on each time. Prints
how many points there are, then one line of JSON for each point that was tried.
"""

import hashlib
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from pipelines.batch import Batch
from pipelines.duckdb_sink import DuckDbSink
from pipelines.raw_tables import ALL, tables_by_topic
from tests.unit.pipelines.builders import (
    START,
    batch,
    chunk,
    conversation,
    customer,
    erasure,
    event,
    fact,
    identity,
    record,
)
from warehouse import connection as opening
from warehouse.connection import connect_reader, open_writer
from warehouse.model_files import models
from warehouse.publish import publish
from warehouse.runner import refresh
from warehouse.time_zones import TimeZones

LATER = START + timedelta(days=9)
ANA, BIA, EVA = "+5511999990001", "+5511999990002", "+5511999990003"


class Mortal:
    """A connection that ends the process before the given call; without one, it counts them."""

    def __init__(self, connection: Any, fatal_call: int | None) -> None:
        self._connection = connection
        self._fatal_call = fatal_call
        self.calls = 0

    def come_by(self) -> None:
        """Live, or die."""
        if self.calls == self._fatal_call:
            os.kill(os.getpid(), signal.SIGKILL)
        self.calls += 1

    def __getattr__(self, name: str) -> Any:
        """Return what the connection has, mortal where it acts."""
        found = getattr(self._connection, name)
        return self.before(found) if name in {"execute", "begin", "commit"} else found

    def before(self, act: Callable[..., Any]) -> Callable[..., Any]:
        """Return the act with death before it."""

        def mortal(*given: Any, **named: Any) -> Any:
            self.come_by()
            return act(*given, **named)

        return mortal


def first() -> Batch:
    """Return what was there before the run that dies."""
    return batch(
        chunk(
            "customers",
            [
                record(0, customer("a", identities=(identity(ANA),))),
                record(1, customer("b", identities=(identity(BIA),))),
                record(2, customer("e", identities=(identity(EVA),))),
            ],
        ),
        chunk("customer-events", [record(0, event("e1", customer_id="a"), key="e1")]),
        chunk("conversations", [record(0, conversation("v1", customer_id="a"))]),
        chunk(
            "customer-messages",
            [
                record(0, fact("m1", customer_id="a", external_id=ANA)),
                record(1, fact("m2", customer_id="b", external_id=BIA)),
                record(2, fact("m3", customer_id="e", external_id=EVA)),
            ],
        ),
    )


def second() -> Batch:
    """Return a merge, an erasure, a late message, a new one, and something unreadable."""
    both = (identity(ANA), identity(BIA))
    merged = customer("b", version=2, identities=(), merged_into="a")
    return batch(
        chunk(
            "customers",
            [
                record(3, customer("a", version=2, identities=both, merged_ids=("b",))),
                record(4, merged),
                record(5, None, key="e"),
                record(6, b"no JSON", key="x"),
            ],
        ),
        chunk("customer-events", [record(1, erasure("e"), key="erased")]),
        chunk(
            "customer-messages",
            [
                record(3, fact("m4", customer_id="b", external_id=BIA, sent_at=LATER)),
                record(
                    4,
                    fact(
                        "m5", customer_id="a", external_id=ANA, sent_at=START - timedelta(days=40)
                    ),
                ),
            ],
        ),
    )


def run(folder: Path, fatal_call: int | None = None) -> int:
    """Load what is not loaded, refresh and publish; return how many calls that took."""
    with open_writer(folder / "w.duckdb") as opened:
        connection: Any = Mortal(opened, fatal_call)
        os.fsync, os.replace = connection.before(os.fsync), connection.before(os.replace)
        sink = DuckDbSink(connection, tables_by_topic(""), now=lambda: LATER)
        new = second()
        loaded = {p: position.next_offset for p, position in sink.positions().items()}
        if any(loaded[p] != offset for p, offset in new.next_offsets.items()):
            sink.write(new)
        refresh(connection, now=LATER, time_zones=TimeZones())
        publish(connection, folder / "analytics.duckdb")
        return int(connection.calls)


def state(folder: Path) -> str:
    """Return a digest of all that the loader's file and the published copy hold."""
    said = hashlib.sha256()
    with open_writer(folder / "w.duckdb") as connection:
        for table in [one.qualified for one in ALL] + ["raw.rejected_rows", "raw.erased_customers"]:
            columns = "columns(c -> c != 'batch_id')"
            rows = connection.execute(f"select {columns} from {table} order by all").fetchall()
            said.update(repr(rows).encode())
        for model in models():
            if model.schema == "marts":
                rows = connection.execute(f"from {model.qualified} order by all").fetchall()
                said.update(repr(rows).encode())
    said.update(published(folder).encode())
    return said.hexdigest()


def published(folder: Path) -> str:
    """Return a digest of the published copy alone."""
    said = hashlib.sha256()
    reader = connect_reader(folder / "analytics.duckdb")
    for model in models():
        if model.schema == "marts":
            rows = reader.execute(f"from {model.name} order by all").fetchall()
            said.update(repr(rows).encode())
    reader.close()
    return said.hexdigest()


def in_a_process(work: Callable[[], object]) -> tuple[int, str]:
    """Return how a child that did the work ended (its signal, or 0), and what it returned."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, json.dumps(work()).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        returned = answer.read()
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), returned


def prepare(folder: Path) -> str:
    """Have the first batch loaded and published; return what was published."""
    with open_writer(folder / "w.duckdb") as connection:
        DuckDbSink(connection, tables_by_topic(""), now=lambda: START).write(first())
        refresh(connection, now=START, time_zones=TimeZones())
        publish(connection, folder / "analytics.duckdb")
    return published(folder)


def main() -> None:
    """Try every point asked for."""
    # As the other tests do: with a few rows DuckDB's threads only wait for each other.
    opening._SETTINGS = (*opening._SETTINGS, "set threads = 1")  # type: ignore[assignment,misc]
    place, begin, stride = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    base, whole = place / "base", place / "whole"
    base.mkdir()
    _, old = in_a_process(lambda: prepare(base))
    shutil.copytree(base, whole)
    _, calls = in_a_process(lambda: run(whole))
    _, expected = in_a_process(lambda: state(whole))
    _, new = in_a_process(lambda: published(whole))
    print(int(calls), flush=True)
    for point in range(begin, int(calls), stride):
        folder = place / f"point-{point}"
        shutil.copytree(base, folder)
        died, _ = in_a_process(lambda f=folder, p=point: run(f, p))  # type: ignore[misc]
        _, seen = in_a_process(lambda f=folder: published(f))  # type: ignore[misc]
        again, _ = in_a_process(lambda f=folder: run(f))  # type: ignore[misc]
        _, reached = in_a_process(lambda f=folder: state(f))  # type: ignore[misc]
        left = sorted(path.name for path in folder.iterdir())
        outcome = {
            "point": point,
            "died": died == -signal.SIGKILL,
            "published": "old" if seen == old else "new" if seen == new else "torn",
            "again": again,
            "is_equal": reached == expected,
            "left": left,
        }
        print(json.dumps(outcome), flush=True)
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
