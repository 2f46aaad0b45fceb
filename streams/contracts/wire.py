"""The base of every record on a topic, and the one way to turn it into bytes.

Unknown fields are ignored, so a producer may be newer than we are; fields are only ever added.
"""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

SCHEMA_VERSION: Final = 1


class Wire(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A record as it stands on a topic: camelCase JSON, immutable once made.

    Nothing immutable is part of a cycle, so the collector need not look at it.
    """


_encoder = msgspec.json.Encoder()


# The encoder's own methods, with nothing in between: they run several times a message.
# Returns the record as JSON bytes.
encode: Final[Callable[[msgspec.Struct], bytes]] = _encoder.encode
# Returns each record as a line of JSON.
encode_lines: Final[Callable[[Sequence[msgspec.Struct]], bytes]] = _encoder.encode_lines
