"""What the process that keeps the view and the one that serves it say to each other, and how that
goes over the sockets between them, one for each direction: pickled, each with its length before it.

The sockets are nobody else's: they have no name, and one of the two inherits them from the other.
"""

import pickle
import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, Protocol

from api.live_view.derived import Change
from api.live_view.reader import Reader
from pipelines.batch import Partition
from streams.cluster import ClusterSettings
from streams.logs import LogSettings

Phase = Literal["starting", "catching_up", "live", "away"]

_LENGTH: Final = struct.Struct("!I")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the view is. `away` is live, but Kafka does not answer: it may be out of date."""

    phase: Phase = "starting"
    loaded: int = 0
    total: int = 0
    reason: str = ""

    @property
    def is_ready(self) -> bool:
        """Say whether it has caught up once with what there was when it began."""
        return self.phase in {"live", "away"}

    @property
    def sentence(self) -> str:
        """Return it for people."""
        if self.phase == "catching_up":
            share = f" ({self.loaded / self.total:.0%})" if self.total else ""
            return (
                f"the view is catching up: {self.loaded:,} of {self.total:,} records{share}; "
                "ask again in a moment"
            )
        if self.phase == "starting":
            return self.reason or "the view is starting; ask again in a moment"
        return self.reason or "live"


class Opened(NamedTuple):
    """The files are open: customers may be looked up in this one, beside what is asked."""

    lookups: Path


class Closed(NamedTuple):
    """They are closed, or about to be: nothing may be looked up."""


class Fed(NamedTuple):
    """A batch is in the files: how far they go, and what to tell of it."""

    positions: Mapping[Partition, int]
    told: Sequence[Change] = ()
    has_policies: bool = False


Event = Progress | Opened | Closed | Fed


class Begin(NamedTuple):
    """The first thing said: keep this cluster's view in this folder. Who has to load more than
    `most_loaded` records before the view is live ends then, for another process to go on.
    """

    cluster: ClusterSettings
    folder: Path
    logs: LogSettings | None
    most_loaded: int


class Asked(NamedTuple):
    """A question, by a number that the answer names; one that takes seconds says so."""

    number: int
    question: Callable[[Reader], Any]
    is_long: bool


class Answered(NamedTuple):
    """The answer to the question of that number."""

    number: int
    answer: Any


class Failed(NamedTuple):
    """The question of that number has no answer."""

    number: int
    error: Exception


def framed(said: object) -> bytes:
    """Return what is said as it goes over the socket."""
    content = pickle.dumps(said, protocol=pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(content)) + content


class Readable(Protocol):
    """Where something is heard."""

    def read(self, size: int, /) -> bytes:
        """Return so many bytes, or fewer where no more will come."""
        ...


@dataclass(frozen=True, slots=True)
class Receiving:
    """Reads from a socket, all that is asked for in one step: after each step a thread waits for
    Python's lock, and the event loop beside it does not like to give it away.
    """

    channel: socket.socket

    def read(self, size: int, /) -> bytes:
        """Return so many bytes, or fewer where no more will come."""
        received = b""
        while len(received) < size:
            some = self.channel.recv(size - len(received), socket.MSG_WAITALL)
            if not some:
                break
            received += some
        return received


def heard(stream: Readable) -> Any | None:
    """Return what is said next; None where the other side is gone."""
    try:
        if len(head := stream.read(_LENGTH.size)) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack(head)
        content = stream.read(length)
    except ConnectionError:  # it was killed before it had heard all that we said
        return None
    return pickle.loads(content) if len(content) == length else None  # noqa: S301 - our own process
