"""One server process in the background of a folder: its record, its log, its clean end.

Knows a process by pid and birth, so a pid that the system gave away again is never stopped.
"""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

ASKED_SECONDS = 20.0  # Kafka moves its leadership and flushes; it takes about 1 s when idle
KILLED_SECONDS = 5.0
LOOK_AGAIN_SECONDS = 0.02
TAIL_LINES = 15


class ServerRecord(msgspec.Struct, frozen=True):
    """What the folder remembers of the server that was started last."""

    pid: int
    born: str
    bootstrap_servers: str


class ServerProcess:
    """The server of a folder, started by this process or by an earlier one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._record_file = folder / "server.json"
        self._child: subprocess.Popen[bytes] | None = None
        self.log_file = folder / "server.log"

    def last_record(self) -> ServerRecord | None:
        """Return the server that was started last, running or not."""
        try:
            return msgspec.json.decode(self._record_file.read_bytes(), type=ServerRecord)
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    def running(self) -> ServerRecord | None:
        """Return the server that runs, or None."""
        record = self.last_record()
        if record is None or birth(record.pid) != record.born:
            return None
        return record

    def spawn(
        self, command: Sequence[str], *, bootstrap_servers: str, environment: Mapping[str, str]
    ) -> ServerRecord:
        """Run the command in a session of its own; it outlives this process and its terminal."""
        self._folder.mkdir(parents=True, exist_ok=True)
        if self.log_file.exists():
            self.log_file.replace(self.log_file.with_suffix(".log.1"))
        with self.log_file.open("wb") as log:
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                env=dict(environment),
                start_new_session=True,
            )
        pid = self._child.pid
        record = ServerRecord(pid=pid, born=birth(pid) or "", bootstrap_servers=bootstrap_servers)
        part = self._record_file.with_suffix(".part")
        part.write_bytes(msgspec.json.encode(record))
        part.replace(self._record_file)
        return record

    def stop(self) -> None:
        """End the server: SIGTERM, and SIGKILL after the deadline. The record stays: its port."""
        if (record := self.running()) is None:
            return
        for wanted, seconds in ((signal.SIGTERM, ASKED_SECONDS), (signal.SIGKILL, KILLED_SECONDS)):
            with suppress(ProcessLookupError):
                os.kill(record.pid, wanted)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                if birth(record.pid) != record.born:
                    return
                time.sleep(LOOK_AGAIN_SECONDS)
        raise RuntimeError(f"process {record.pid} did not end; look at {self.log_file}")

    def log_tail(self) -> str:
        """Return the last lines that the server wrote."""
        try:
            return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-TAIL_LINES:])
        except FileNotFoundError:
            return ""


def birth(pid: int) -> str | None:
    """Return what tells this process from any other with its pid; None when it has ended."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # a child of ours that ended would stay as a zombie
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None if Path("/proc/self/stat").exists() else _birth_by_ps(pid)
    # The name in parentheses may hold spaces; what follows it begins with the state.
    fields = stat.rpartition(")")[2].split()
    state, threads, born = fields[0], int(fields[17]), fields[19]
    # A JVM that was killed is a zombie while its other threads still hold its ports, for 50 ms.
    has_ended = state == "X" or (state == "Z" and threads <= 1)
    return None if has_ended else born


def _birth_by_ps(pid: int) -> str | None:
    """Return the same where there is no /proc, as on macOS."""
    answer = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, born = answer.stdout.strip().partition(" ")
    return None if not state or state.startswith("Z") else born.strip()
