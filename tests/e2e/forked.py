"""Processes of ours that begin with all they import: forked from one that has imported it and done
nothing else. Importing takes the processor two seconds, and dozens are started and killed.

That `python -m streams` and `omnichannel api` start by themselves is seen by the demo's tests, the
webhooks' and the browser's.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

_SERVER: Final = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(
    ["tests.e2e.worker_main", "api.command_line.api", "tests.integration.loader_main"]
)


class ForkedProcess:
    """A process that calls `main` and nothing else, with an environment of its own."""

    def __init__(self, main: Callable[[], None], env: Mapping[str, str], output: Path) -> None:
        self._process = _SERVER.Process(target=_run, args=(main, dict(env), output), daemon=True)
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def is_alive(self) -> bool:
        """Say whether it runs."""
        return self._process.is_alive()

    def send_signal(self, how: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, how)

    def wait(self, seconds: float) -> int:
        """Return its exit status, negative where a signal ended it. Raises TimeoutError."""
        self._process.join(seconds)
        if self._process.exitcode is None:
            raise TimeoutError(f"process {self.pid} still runs after {seconds:.0f} s")
        return self._process.exitcode


def _run(main: Callable[[], None], env: dict[str, str], output: Path) -> None:
    os.environ.clear()
    os.environ.update(env)
    written = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(written, 1)
    os.dup2(written, 2)
    main()
