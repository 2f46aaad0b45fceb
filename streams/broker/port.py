"""What a local broker promises, whichever program it is.

Owns the words: the interface, its status, its error. Starts nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

BrokerKind = Literal["auto", "kafka", "tansu"]
Say = Callable[[str], None]  # takes a progress sentence, for people


class BrokerUnavailable(RuntimeError):  # noqa: N818  # a state of this machine; its text is the remedy
    """No broker can run here as asked; the message says what to do about it."""


@dataclass(frozen=True, slots=True)
class BrokerStatus:
    """What is known about a broker. Address and pid are None while it is stopped."""

    name: str
    running: bool
    bootstrap_servers: str | None
    pid: int | None
    data_folder: Path | None  # None: it keeps everything in memory


class LocalBroker(Protocol):
    """One broker on this machine, kept apart from others by its state folder."""

    @property
    def name(self) -> str:
        """Return the name for people."""
        ...

    def start(self) -> str:
        """Run in the background and return the bootstrap servers.

        Returns only after a message was produced and fetched; a healthy broker that runs already
        is left as it is, whatever port was asked for. Raises BrokerUnavailable.
        """
        ...

    def stop(self) -> None:
        """Be stopped: asked first, killed after a deadline. Stopping twice changes nothing."""
        ...

    def status(self) -> BrokerStatus:
        """Return what is true now, without asking the broker itself."""
        ...
