"""Folders that are either whole or absent, and one process at a time that makes them.

Owns the lock and the rename; leaves what goes into a folder to its caller.
"""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def exclusive(lock_file: Path) -> Iterator[None]:
    """Hold the lock: others wait. It ends with the process that holds it, however that ends."""
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    with lock_file.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


@contextmanager
def built_whole(folder: Path) -> Iterator[Path]:
    """Yield an empty folder to fill; it gets its name only when the block ends without an error.

    The caller holds a lock: what an interrupted run left behind is removed, never continued.
    """
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    yield part
    part.rename(folder)
