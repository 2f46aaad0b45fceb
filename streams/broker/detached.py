"""A broker that runs in the background: start, check, stop, whatever program it is.

Owns the order of things and the port; leaves files and the command line to the program's recipe.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from streams.broker.addresses import LOOPBACK, free_port, is_answered, is_free
from streams.broker.folders import exclusive
from streams.broker.port import BrokerStatus, BrokerUnavailable, Say
from streams.broker.process import ServerProcess, ServerRecord
from streams.broker.round_trip import RoundTripFailed, round_trip

READY_SECONDS = 60.0  # about 5 s on an idle laptop; a busy build machine is ten times slower
ROUND_TRIP_SECONDS = 10.0
LOOK_AGAIN_SECONDS = 0.05
ATTEMPTS = 3  # a port that was free may be taken before the broker has it


class Recipe(Protocol):
    """How one program becomes a broker."""

    @property
    def name(self) -> str:
        """Return the program's name for people."""
        ...

    @property
    def data_folder(self) -> Path | None:
        """Return where it keeps its data, None for memory."""
        ...

    def prepare(self) -> None:
        """Have everything that the command needs. Raises BrokerUnavailable with the remedy."""
        ...

    def command(self, port: int) -> Sequence[str]:
        """Return the command that serves this port of the loopback interface; after prepare."""
        ...

    def environment(self) -> Mapping[str, str]:
        """Return the server's whole environment."""
        ...


class _Ended(Exception):  # noqa: N818  # a step of the start, never seen outside
    """The server ended before it was ready."""


class DetachedBroker:
    """A LocalBroker made of a recipe and a state folder."""

    def __init__(self, recipe: Recipe, folder: Path, *, port: int | None, say: Say) -> None:
        self._recipe = recipe
        self._folder = folder
        self._port = port
        self._say = say
        self._process = ServerProcess(folder)

    @property
    def name(self) -> str:
        """Return the program's name."""
        return self._recipe.name

    def start(self) -> str:
        """Run and answer; see LocalBroker."""
        with exclusive(self._folder / "start.lock"):
            if (record := self._process.running()) is not None:
                if _is_healthy(record):
                    return record.bootstrap_servers
                self._say(f"{self.name} (process {record.pid}) does not answer: starting it again.")
                self._process.stop()
            port = self._chosen_port()  # first: a taken port is told before anything is fetched
            self._recipe.prepare()
            record = self._started(port)
        self._say(f"{self.name} is ready at {record.bootstrap_servers}.")
        return record.bootstrap_servers

    def stop(self) -> None:
        """Be stopped; see LocalBroker. Takes no lock: a start that hangs can be stopped too."""
        self._process.stop()

    def status(self) -> BrokerStatus:
        """Return what is true now."""
        record = self._process.running()
        return BrokerStatus(
            name=self.name,
            running=record is not None,
            bootstrap_servers=record.bootstrap_servers if record else None,
            pid=record.pid if record else None,
            data_folder=self._recipe.data_folder,
        )

    def _started(self, port: int) -> ServerRecord:
        for _ in range(ATTEMPTS):
            self._say(f"Starting {self.name} at {LOOPBACK}:{port} …")
            record = self._process.spawn(
                self._recipe.command(port),
                bootstrap_servers=f"{LOOPBACK}:{port}",
                environment=self._recipe.environment(),
            )
            try:
                self._await_ready(record, port)
            except _Ended:
                if "in use" not in self._process.log_tail():
                    break
                port = self._chosen_port()
            except BaseException:
                self._process.stop()
                raise
            else:
                return record
        raise BrokerUnavailable(
            f"{self.name} ended before it was ready. The end of {self._process.log_file}:\n"
            f"{self._process.log_tail()}"
        )

    def _chosen_port(self) -> int:
        if self._port is not None:
            if not is_free(self._port):
                raise BrokerUnavailable(
                    f"Port {self._port} is taken by another program. Choose another with --port "
                    f"(port= from Python), or set KAFKA_BOOTSTRAP_SERVERS={LOOPBACK}:{self._port} "
                    "if that program is the broker to use."
                )
            return self._port
        last = self._process.last_record()
        return _port_of(last) if last and is_free(_port_of(last)) else free_port()

    def _await_ready(self, record: ServerRecord, port: int) -> None:
        deadline = time.monotonic() + READY_SECONDS
        reason = "nothing listens"
        while (left := deadline - time.monotonic()) > 0:
            if self._process.running() is None:
                raise _Ended
            if is_answered(port):
                try:
                    round_trip(
                        record.bootstrap_servers, timeout_seconds=min(left, ROUND_TRIP_SECONDS)
                    )
                except RoundTripFailed as err:
                    reason = str(err)
                else:
                    return
            time.sleep(LOOK_AGAIN_SECONDS)
        raise BrokerUnavailable(
            f"{self.name} was not ready within {READY_SECONDS:.0f} s ({reason}). "
            f"Look at {self._process.log_file}; if the machine is only busy, start it again."
        )


def _is_healthy(record: ServerRecord) -> bool:
    if not is_answered(_port_of(record)):
        return False
    try:
        round_trip(record.bootstrap_servers, timeout_seconds=ROUND_TRIP_SECONDS)
    except RoundTripFailed:
        return False
    return True


def _port_of(record: ServerRecord) -> int:
    return int(record.bootstrap_servers.rpartition(":")[2])
