"""`omnichannel worker`: becomes the worker process."""

import os
import sys


def worker() -> None:
    """Turn messages into customers until told to stop; start more of them to share the work."""
    sys.stdout.flush()
    # In its place, not as a child: so that signals reach it, and its exit status is the command's.
    os.execv(sys.executable, [sys.executable, "-m", "streams"])  # noqa: S606
