"""Which of two processes runs which tests: the browser's together and first, then file by file what
needs a broker, then what computes, so that neither process waits for the other's at the end.

pytest-xdist's own groups (`--dist loadgroup`) are lost with pytest 9.2: it reads a test's name
where xdist does not write it. Folders say as much.
"""

from typing import Any, Final

import pytest
from xdist.scheduler import LoadScopeScheduling

# One system runs for all of them.
_TOGETHER: Final = ("tests/browser/",)


class ByFolder(LoadScopeScheduling):
    """Hands out those folders whole, and all other files one by one, in the order of names."""

    def __init__(self, config: pytest.Config, log: Any = None) -> None:
        super().__init__(config, log)
        # What has most tests first, as xdist would have it, begins with hundreds of phone numbers
        # and ends with the one test that takes half a minute.
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        """Return the group of a test."""
        for folder in _TOGETHER:
            if nodeid.startswith(folder):
                return folder
        return nodeid.partition("::")[0]
