"""Which of two processes runs which tests: those that need a broker in one, so that there is one
broker, and those of the browser together, so that there is one stack.

pytest-xdist's own groups (`--dist loadgroup`) are lost with pytest 9.2: it reads a test's name
where xdist does not write it. Folders say as much.
"""

from typing import Final

from xdist.scheduler import LoadScopeScheduling

_TOGETHER: Final = {
    "tests/browser/": "browser",
    "tests/e2e/": "broker",
    "tests/integration/": "broker",
}


class ByFolder(LoadScopeScheduling):
    """Hands out whole groups of files, and the other files one by one."""

    def _split_scope(self, nodeid: str) -> str:
        """Return the group of a test."""
        for folder, group in _TOGETHER.items():
            if nodeid.startswith(folder):
                return group
        return nodeid.partition("::")[0]
