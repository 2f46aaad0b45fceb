"""Pictures of customers, kept under the hash of what they show: platforms' addresses expire, and
some carry a token. Only what is a picture by its first bytes is kept, whatever it claims to be.
"""

import os
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Final

LARGEST_BYTES: Final = 2 * 1024 * 1024
_WEBP: Final = 12
_KINDS: Final = (
    (b"\xff\xd8\xff", "jpg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
)
MEDIA_TYPES: Final = {
    "jpg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "webp": "image/webp",
}


class NoPictureError(Exception):
    """What came is no picture that we keep; the message says why."""


async def picture_in(chunks: AsyncIterator[bytes]) -> bytes:
    """Return the bytes of a picture. Raises NoPictureError on what is none, or too large: it stops
    reading there, whatever length was announced.
    """
    found = bytearray()
    async for chunk in chunks:
        found += chunk
        if len(found) > LARGEST_BYTES:
            raise NoPictureError(f"more than {LARGEST_BYTES:,} bytes")
    kind_of(bytes(found[:_WEBP]))
    return bytes(found)


def kind_of(start: bytes) -> str:
    """Return jpg, png, gif or webp by the first bytes. Raises NoPictureError."""
    for mark, kind in _KINDS:
        if start.startswith(mark):
            return kind
    if start.startswith(b"RIFF") and start[8:12] == b"WEBP":
        return "webp"
    raise NoPictureError("neither JPEG, PNG, GIF nor WebP")


class Pictures:
    """A folder of pictures; the same one is kept once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, picture: bytes) -> str:
        """Have the picture on the disk; return its name: hash and kind."""
        name = f"{sha256(picture).hexdigest()}.{kind_of(picture[:_WEBP])}"
        path = self.path(name)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_suffix(f".{os.getpid()}.part")
            unfinished.write_bytes(picture)
            unfinished.replace(path)  # nobody reads half a picture
        return name

    def path(self, name: str) -> Path:
        """Return where the picture of that name lies, or would."""
        return self._folder / name[:2] / name

    def remove(self, name: str) -> None:
        """Have it gone, if it was there."""
        self.path(name).unlink(missing_ok=True)
