"""Which of three processes runs which tests: what needs a broker first, so that no process waits
for another's at the end. On two cores: those tests spend half of their time waiting for a worker to
start or a session to end, and what computes goes on meanwhile.

pytest-xdist's own groups (`--dist loadgroup`) are lost with pytest 9.2: it reads a test's name
where xdist does not write it. Folders say as much.
"""

from typing import Any, Final

import pytest
from xdist.scheduler import LoadScopeScheduling

# The browser's tests have one stack and its broker.
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
