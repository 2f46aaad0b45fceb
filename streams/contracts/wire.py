"""The base of every record on a topic, and the one way to turn it into bytes.

Unknown fields are ignored, so a producer may be newer than we are; fields are only ever added.
"""

from collections.abc import Callable
from typing import Final

import msgspec

SCHEMA_VERSION: Final = 1


class Wire(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A record as it stands on a topic: camelCase JSON, immutable once made.

    Nothing immutable is part of a cycle, so the collector need not look at it.
    """


_encoder = msgspec.json.Encoder()


def encode(record: msgspec.Struct) -> bytes:
    """Return the record as JSON bytes."""
    return _encoder.encode(record)


# A method of the encoder, with nothing in between: it runs several times a message.
encode_text: Final[Callable[[str], bytes]] = _encoder.encode
