"""What browsers load beside the pages: our own files, and the libraries that npm fetched.

Owns where they are and for how long they may be kept; which there are, package.json says.
"""

import hashlib
import mimetypes
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC_PATH: Final = "/static"
_FOLDER: Final = Path(__file__).parent / "static"
_LIBRARIES: Final = ("vendor/htmx.min.js", "vendor/echarts.min.js")
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_ASK_AGAIN: Final = "no-cache"
HOW_TO_BUILD: Final = (
    "the page's libraries are not there: install Node.js 20+ with npm and run `make page`; the API "
    "works without"
)

# Whatever the machine's own table of types says: browsers refuse modules of another type.
mimetypes.add_type("text/javascript", ".js")


class FrontEnd(StaticFiles):
    """Serves the files under a path that names their content: a new version is a new address."""

    def __init__(self, folder: Path = _FOLDER) -> None:
        super().__init__(directory=folder)
        self._folder = folder
        self.version = _version(folder)

    @property
    def is_built(self) -> bool:
        """Say whether the libraries are there."""
        return all((self._folder / library).is_file() for library in _LIBRARIES)

    def address(self, name: str) -> str:
        """Return where a file is."""
        return f"{STATIC_PATH}/{self.version}/{name}"

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file; for ever where it was asked for by this version's address."""
        version, _, name = path.partition("/")
        is_current = version == self.version
        response = await super().get_response(name if is_current else path, scope)
        response.headers["Cache-Control"] = _FOR_EVER if is_current else _ASK_AGAIN
        return response


def _version(folder: Path) -> str:
    """Return what names the content of all files."""
    contents: Mapping[str, str] = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    return hashlib.sha256(repr(contents).encode()).hexdigest()[:12]
