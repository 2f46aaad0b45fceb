"""A loader in a process of its own, which ends itself without warning at a given step.

Arguments: bootstrap servers, topic prefix, warehouse file, step, and at which time it comes by.
"""

import os
import signal
import sys
from pathlib import Path

from pipelines.batch import BatchLimits
from pipelines.load import load_until_caught_up
from streams.cluster import ClusterSettings
from warehouse.connection import open_writer


def main() -> None:
    """Load, or die trying."""
    servers, prefix, path, fatal_step, fatal_time = sys.argv[1:]
    seen = 0

    def die_at(step: str) -> None:
        nonlocal seen
        seen += step == fatal_step
        if seen == int(fatal_time):
            os.kill(os.getpid(), signal.SIGKILL)

    cluster = ClusterSettings(bootstrap_servers=servers, topic_prefix=prefix)
    with open_writer(Path(path)) as connection:
        load_until_caught_up(cluster, connection, limits=BatchLimits(rows=100), on_step=die_at)


if __name__ == "__main__":
    main()
