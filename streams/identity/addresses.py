"""Where the node of an identity key lives: under a salted hash of the key.

So a node can outlive the person it stood for: after an erasure its address, which keeps a replay
from bringing the person back, tells nobody who it was.
"""

from hashlib import blake2b
from typing import Final

_HASH_BYTES: Final = 16
_LONGEST_SALT: Final = 64  # BLAKE2b's longest key


class Addresses:
    """The addresses of one deployment. The salt must never change: all state lies under it."""

    def __init__(self, salt: str) -> None:
        self._salt: Final = blake2b(salt.encode(), digest_size=_LONGEST_SALT).digest()

    def node(self, tenant_id: str, identity_key: str) -> str:
        """Return the address of an identity key's node; a tenant's name holds no slash."""
        name = f"{tenant_id}/{identity_key}".encode()
        digest = blake2b(name, digest_size=_HASH_BYTES, key=self._salt)
        return f"{tenant_id}/{digest.hexdigest()}"

    def fingerprint(self) -> str:
        """Return what two deployments share if and only if they share the salt."""
        return blake2b(b"fingerprint", digest_size=_HASH_BYTES, key=self._salt).hexdigest()


def index_address(tenant_id: str, customer_id: str) -> str:
    """Return the address that leads from a customer's id to its node."""
    return f"{tenant_id}/customer/{customer_id}"
