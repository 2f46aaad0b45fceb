"""A source that polls ahead in a thread: the client decodes in Python while DuckDB, which lets go
of the interpreter, writes. Measured 10 to 20% more records a second on two busy cores.
"""

import queue
import threading
from collections.abc import Mapping
from typing import Final

from pipelines.batch import Chunk, Partition
from pipelines.sink import Source, TopicState

# One chunk waits while one is polled: memory stays bounded by two polls and a batch.
_CHUNKS_AHEAD: Final = 1
# How long the thread may take to notice that it shall end.
_LOOK_SECONDS: Final = 0.1


class PrefetchingSource:
    """Delivers what the source does, in its order. Clients are no threads' friends: the source is
    the thread's own from `start` until `topics`, the next `start`, or `close`.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._chunks: queue.Queue[Chunk | BaseException] = queue.Queue(_CHUNKS_AHEAD)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def topics(self) -> Mapping[str, TopicState]:
        """Return every topic as the broker has it now; polling stops until the next start."""
        self.close()
        return self._source.topics()

    def start(self, offsets: Mapping[Partition, int]) -> None:
        """Read these partitions, each from this offset; what was polled ahead is forgotten."""
        self.close()
        self._source.start(offsets)
        self._chunks = queue.Queue(_CHUNKS_AHEAD)
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._poll_ahead,
            args=(dict(offsets), self._chunks, self._stop),
            name="prefetch",
            daemon=True,
        )
        self._thread.start()

    def poll(self, timeout_seconds: float) -> Chunk:
        """Return the next chunk, or an empty one; raise what the source raised."""
        try:
            found = self._chunks.get(timeout=timeout_seconds)
        except queue.Empty:
            return Chunk({}, {})
        if isinstance(found, BaseException):
            raise found
        return found

    def close(self) -> None:
        """End the thread; the source itself stays open."""
        if self._thread is not None:
            self._stop.set()
            self._thread.join()
            self._thread = None

    def _poll_ahead(
        self,
        known: dict[Partition, int],
        chunks: "queue.Queue[Chunk | BaseException]",
        stop: threading.Event,
    ) -> None:
        while not stop.is_set():
            found: Chunk | BaseException
            try:
                found = self._source.poll(_LOOK_SECONDS)
                if known == found.next_offsets:
                    continue
                known = dict(found.next_offsets)
            except BaseException as error:  # noqa: BLE001 - raised again where it is polled
                found = error
            _put(chunks, found, stop)
            if isinstance(found, BaseException):
                return


def _put(
    chunks: "queue.Queue[Chunk | BaseException]",
    found: Chunk | BaseException,
    stop: threading.Event,
) -> None:
    while not stop.is_set():
        try:
            chunks.put(found, timeout=_LOOK_SECONDS)
        except queue.Full:
            continue
        return
