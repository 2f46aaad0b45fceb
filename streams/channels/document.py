"""A JSON body read without trust: whatever is asked for is there in the right type, or is not.

Platforms add, drop and retype fields without notice; an adapter that asks a `Document` cannot
raise. Owns what JSON may hold that no store takes: NUL and lone surrogates become U+FFFD.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from streams.channels.reading import Unreadable

_MOST_FIELDS: Final = 2_000
_UNSTORABLE: Final = re.compile("[\\x00\\ud800-\\udfff]")


class Document:
    """A JSON object, or none at all: then nothing is in it."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value: Final[Mapping[str, Any]] = value if isinstance(value, dict) else {}

    def __bool__(self) -> bool:
        """Say whether anything is in it."""
        return bool(self.value)

    def __contains__(self, name: str) -> bool:
        """Say whether the field is there and not null."""
        return self.value.get(name) is not None

    def text(self, *path: str) -> str | None:
        """Return the text at the path, or a number there as text; None where there is neither, or
        nothing but white space.
        """
        value = self._at(path)
        if isinstance(value, str):
            return _clean(value) if value.strip() else None
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return None

    def number(self, *path: str) -> int | float | None:
        """Return the number at the path; None where there is none."""
        value = self._at(path)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return value if math.isfinite(value) else None

    def time(self, *path: str) -> str | int | float | None:
        """Return the time at the path as the platform wrote it, number or text."""
        number = self.number(*path)
        return self.text(*path) if number is None else number

    def is_true(self, *path: str) -> bool:
        """Say whether the value at the path is true, and not merely something."""
        return self._at(path) is True

    def child(self, *path: str) -> "Document":
        """Return the object at the path; an empty one where there is none."""
        return Document(self._at(path))

    def children(self, *path: str) -> "tuple[Document, ...]":
        """Return the objects of the list at the path; whatever else it holds is passed over."""
        return self.items(*path) or ()

    def items(self, *path: str) -> "tuple[Document, ...] | None":
        """Return what `children` does; None where there is no list."""
        value = self._at(path)
        if not isinstance(value, list):
            return None
        return tuple(Document(item) for item in value if isinstance(item, dict))

    def texts(self, *path: str) -> tuple[str, ...]:
        """Return the texts of the list at the path, numbers as text."""
        value = self._at(path)
        if not isinstance(value, list):
            return ()
        items = (Document({"item": item}).text("item") for item in value)
        return tuple(item for item in items if item is not None)

    def fields(self) -> Iterator[str]:
        """Yield the names of the fields that are there."""
        return (_clean(name) for name, value in self.value.items() if value is not None)

    def _at(self, path: tuple[str, ...]) -> Any:
        value: Any = self.value
        for name in path:
            if not isinstance(value, dict):
                return None
            value = value.get(name)
        return value


def object_of(body: bytes) -> Document | Unreadable:
    """Return the JSON object that the body is, or what is wrong with it."""
    value = value_of(body)
    if isinstance(value, Unreadable):
        return value
    if not isinstance(value, dict):
        return Unreadable(f"the body is a JSON {type(value).__name__}, not an object")
    return Document(value)


def event_of(body: bytes, name: str = "event") -> "tuple[str, Document] | Unreadable":
    """Return what the JSON object calls itself, in the field of that name, and the object; or what
    is wrong with the body.
    """
    found = object_of(body)
    if isinstance(found, Unreadable):
        return found
    event = found.text(name)
    return (
        Unreadable(f"the body is no event: it has no {name}") if event is None else (event, found)
    )


def value_of(body: bytes) -> Any | Unreadable:
    """Return the JSON value that the body is, or what is wrong with it."""
    if not body.strip():
        return Unreadable("the body is empty")
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        # Slower, and takes what is JSON to most but not to msgspec: lone surrogates.
        return json.loads(body.decode())
    except UnicodeDecodeError as error:
        return Unreadable(f"the body is not UTF-8: a bad byte at {error.start}")
    except json.JSONDecodeError as error:
        return Unreadable(f"the body is not JSON: {error.msg} at {error.pos}")
    except (RecursionError, ValueError):
        return Unreadable("the body is no JSON that can be read: nested too deep, or a huge number")


def form_of(body: bytes | str) -> Mapping[str, str] | Unreadable:
    """Return the fields of a form or a query string, the first of each name."""
    try:
        text = body.decode() if isinstance(body, bytes) else body
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except UnicodeDecodeError as error:
        return Unreadable(f"the form is not UTF-8: a bad byte at {error.start}")
    except ValueError:
        return Unreadable(f"the form has more than {_MOST_FIELDS} fields")
    fields: dict[str, str] = {}
    for name, value in pairs:
        fields.setdefault(_clean(name), _clean(value))
    return fields


def _clean(text: str) -> str:
    """Return the text with what cannot be stored replaced, and everything else as it was."""
    return text if text.isprintable() else _UNSTORABLE.sub("\ufffd", text)
