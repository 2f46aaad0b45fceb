"""The keys file: read anew once it has changed, changed by one process at a time.

It has no secrets in it, only their hashes; still nobody but its owner may read it.
"""

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec
from filelock import FileLock, Timeout

from api.access.keys import ApiKey, Keys

_LOCK_SECONDS: Final = 10.0


class KeyFileError(Exception):
    """The keys file cannot be used; the message says what to do."""


class _Content(msgspec.Struct, rename="camel"):
    keys: tuple[ApiKey, ...] = ()
    schema_version: int = 1


_decoder = msgspec.json.Decoder(_Content)
_NEVER_READ: Final = (0, 0, 0)
_MISSING: Final = (-1, 0, 0)


class KeyFile:
    """The keys as the file has them at each call; without a file there are none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen = _NEVER_READ
        self._keys: Keys = {}

    def keys(self) -> Keys:
        """Return the keys in force. A look at the file's inode, size and time costs a
        microsecond, so that a revoked key is refused by the next call. Raises KeyFileError.
        """
        seen = self._state()
        if seen != self._seen:
            self._keys = self._read()
            self._seen = seen
        return self._keys

    def change(self, changed: Callable[[Keys], Keys]) -> None:
        """Replace the keys by what is made of them, while no other process does.

        Raises KeyFileError, and what `changed` raises.
        """
        with self._locked():
            now = changed(self._read())
            write_private(self.path, msgspec.json.format(_encoded(now.values())))

    def _state(self) -> tuple[int, int, int]:
        try:
            stat = self.path.stat()
        except FileNotFoundError:
            return _MISSING
        except OSError as error:
            raise KeyFileError(f"{self.path} cannot be read: {error.strerror}") from error
        return stat.st_ino, stat.st_size, stat.st_mtime_ns

    def _read(self) -> Keys:
        try:
            content = _decoder.decode(self.path.read_bytes())
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise KeyFileError(f"{self.path} cannot be read: {error.strerror}") from error
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise KeyFileError(
                f"{self.path} is no keys file ({error}): restore it, or move it away and make keys "
                "anew with `omnichannel keys create`"
            ) from error
        return {key.id: key for key in content.keys}

    @contextmanager
    def _locked(self) -> Iterator[None]:
        make_folder(self.path.parent)
        lock = f"{self.path}.lock"
        try:
            with FileLock(lock, timeout=_LOCK_SECONDS, mode=0o600):
                yield
        except Timeout as error:
            raise KeyFileError(
                f"another command changes {self.path}: try again; if none runs, remove {lock}"
            ) from error


def make_folder(folder: Path) -> None:
    """Have the folder. Raises KeyFileError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise KeyFileError(f"{folder} cannot be made: {error.strerror}") from error


def write_private(path: Path, content: bytes) -> None:
    """Have the whole content at the path, for its owner only, or what was there before.

    Raises KeyFileError.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            with suppress(FileNotFoundError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise KeyFileError(f"{path} cannot be written: {error.strerror}") from error


def _encoded(keys: Iterable[ApiKey]) -> bytes:
    return msgspec.json.encode(_Content(keys=tuple(keys)))
