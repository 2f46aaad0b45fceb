"""A worker process for tests: the real one, that can be told to die at a moment of a batch.

KILL_AT names the moment, KILL_AFTER how many batches come to it first, KILL_BY the signal.
"""

import os
import signal

from streams.__main__ import run
from streams.app import create_app
from streams.cluster import ClusterSettings
from streams.engine.process import Moment
from streams.logs import configure_logging
from streams.settings import WorkerSettings


def main() -> None:
    """Run until stopped, or until the moment has come."""
    settings = WorkerSettings()
    configure_logging(debug=settings.debug, file=settings.log_file)
    remaining = int(os.environ.get("KILL_AFTER", "0"))

    def on_moment(moment: Moment) -> None:
        nonlocal remaining
        if moment == os.environ.get("KILL_AT"):
            if remaining == 0:
                os.kill(os.getpid(), signal.Signals[os.environ.get("KILL_BY", "SIGKILL")])
            remaining -= 1

    run(create_app(settings, ClusterSettings(), on_moment=on_moment))


if __name__ == "__main__":
    main()
