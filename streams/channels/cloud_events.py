"""CloudEvents on Kafka, in binary mode (attributes in `ce_` headers) and structured mode (the whole
event in the value): what is inside is read like any other body.

Which mode it is, the content type says and not the headers: a structured event may carry those too.
Source: CloudEvents 1.0.2, Kafka protocol binding and JSON event format.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from streams.channels.document import value_of
from streams.channels.reading import Unreadable

_STRUCTURED: Final = "application/cloudevents"
_CONTENT_TYPE: Final = "content-type"
_PREFIX: Final = "ce_"
_REQUIRED: Final = ("id", "source", "specversion", "type")
_VERSION: Final = "1.0"


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """What the event carries: its data as bytes, their content type, its attributes by name."""

    data: bytes
    content_type: str
    attributes: Mapping[str, str]


def cloud_event_of(
    value: bytes | None, headers: Sequence[tuple[str, bytes]]
) -> CloudEvent | Unreadable | None:
    """Return the event that the record is, or what is wrong with it; None where it is none."""
    named = {name.lower(): text.decode("utf-8", "replace") for name, text in headers}
    content_type = named.get(_CONTENT_TYPE, "")
    if content_type.strip().lower().startswith(_STRUCTURED):
        return _structured(value or b"")
    attributes = {
        name.removeprefix(_PREFIX): text for name, text in named.items() if name.startswith(_PREFIX)
    }
    if not attributes:
        return None
    if (wrong := _wrong(attributes)) is not None:
        return wrong
    if value is None:
        return Unreadable("a CloudEvent without data")
    return CloudEvent(value, content_type, attributes)


def _structured(value: bytes) -> CloudEvent | Unreadable:
    event: Any = value_of(value)
    if isinstance(event, Unreadable):
        return event
    if not isinstance(event, dict):
        return Unreadable("a CloudEvent in structured mode is one JSON object")
    attributes = {
        name: text if isinstance(text, str) else str(text)
        for name, text in event.items()
        if name not in {"data", "data_base64"} and isinstance(text, str | int)
    }
    if (wrong := _wrong(attributes)) is not None:
        return wrong
    data = _data(event, attributes.get("datacontenttype", ""))
    if isinstance(data, Unreadable):
        return data
    return CloudEvent(data, attributes.get("datacontenttype", "application/json"), attributes)


def _data(event: Mapping[str, Any], content_type: str) -> bytes | Unreadable:
    if "data" in event and "data_base64" in event:
        return Unreadable("a CloudEvent has data or data_base64, never both")
    if "data_base64" in event:
        try:
            return base64.b64decode(event["data_base64"], validate=True)
        except (binascii.Error, TypeError, ValueError):
            return Unreadable("a CloudEvent's data_base64 is no base64")
    if event.get("data") is None:
        return Unreadable("a CloudEvent without data")
    data = event["data"]
    is_text = isinstance(data, str) and content_type != "" and "json" not in content_type.lower()
    try:
        return data.encode() if is_text else msgspec.json.encode(data)
    except (UnicodeEncodeError, RecursionError):
        return Unreadable("a CloudEvent's data hold text that no store takes")


def _wrong(attributes: Mapping[str, str]) -> Unreadable | None:
    missing = [name for name in _REQUIRED if not attributes.get(name)]
    if missing:
        return Unreadable(f"a CloudEvent needs {', '.join(missing)}")
    version = attributes["specversion"]
    return None if version == _VERSION else Unreadable(f"a CloudEvent of version {version[:20]!r}")
