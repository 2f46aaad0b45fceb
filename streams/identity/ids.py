"""Ids that come from what they name: the same on every replay, on any worker."""

from hashlib import sha1
from typing import Final
from uuid import NAMESPACE_URL, uuid5

_VARIANT: Final = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


class Namespace:
    """Makes UUIDs of version 5 (RFC 9562); several times faster than `uuid.uuid5`, same answer."""

    def __init__(self, name: str) -> None:
        self.uuid: Final = uuid5(NAMESPACE_URL, f"urn:omnichannel:{name}")
        self._begun: Final = sha1(self.uuid.bytes, usedforsecurity=False)

    def id_of(self, name: str) -> str:
        """Return the id of this name in this namespace."""
        digest = self._begun.copy()
        digest.update(name.encode())
        text = digest.hexdigest()
        # Version 5, and the RFC's variant.
        return (
            f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{_VARIANT[text[16]]}{text[17:20]}-"
            f"{text[20:32]}"
        )
