"""What browsers load beside the pages: our own files, and the libraries that npm fetched.

Owns where they are and for how long they may be kept; which there are, package.json says.
"""

import hashlib
import mimetypes
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC_PATH: Final = "/static"
_FOLDER: Final = Path(__file__).parent / "static"
_LIBRARIES: Final = ("vendor/htmx.min.js", "vendor/echarts.min.js")
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_ASK_AGAIN: Final = "no-cache"
_BYTES: Final = "application/octet-stream"
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
        name = name if is_current else path
        response = await self._packed(name, scope) or await super().get_response(name, scope)
        response.headers["Cache-Control"] = _FOR_EVER if is_current else _ASK_AGAIN
        return response

    async def _packed(self, name: str, scope: Scope) -> Response | None:
        """Return the file as `make page` packed it, where it did and the browser unpacks."""
        if "gzip" not in Headers(scope=scope).get("accept-encoding", ""):
            return None
        if not self.lookup_path(packed := f"{name}.gz")[0]:
            return None
        response = await super().get_response(packed, scope)
        response.headers["Content-Type"] = mimetypes.guess_type(name)[0] or _BYTES
        response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
        return response


def _version(folder: Path) -> str:
    """Return what names the content of all files."""
    contents: Mapping[str, str] = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    return hashlib.sha256(repr(contents).encode()).hexdigest()[:12]
