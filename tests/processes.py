"""Which processes a process has started, as Linux tells it."""

from contextlib import suppress
from pathlib import Path


def pids_below(pid: int) -> set[int]:
    """Return the processes that this one started, and that have not ended."""
    found = set()
    for thread in Path(f"/proc/{pid}/task").iterdir():
        for child in _text_of(thread / "children").split():
            stat = _text_of(Path(f"/proc/{child}/stat"))
            if stat and stat.rpartition(")")[2].split()[0] != "Z":
                found.add(int(child))
    return found


def _text_of(file: Path) -> str:
    """Return what a file says of a thread or a process; nothing where that has ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return file.read_text()
    return ""
