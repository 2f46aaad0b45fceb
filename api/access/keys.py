"""API keys: made, written down as hashes, and recognised. Pure; where they are kept is
`api.access.key_file`.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from streams.identity.normalise import Rejection, tenant_of

Role = Literal["viewer", "agent", "admin"]
# Each may do what those before it may.
ROLES: Final[tuple[Role, ...]] = ("viewer", "agent", "admin")

_SECRET_BYTES: Final = 32
_ID_BYTES: Final = 6
_TOKEN: Final = re.compile(r"omni_(?P<id>[0-9a-f]{12})_(?P<secret>[0-9a-f]{64})")
_NAME_CHARACTERS: Final = 100
LONGEST_DAYS: Final = 3650
MOST_KEYS: Final = 10_000


class InvalidKeyError(Exception):
    """No key can be made, or found, like this; the message says what to change."""


class ApiKey(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A key as it is written down: whose it is and what it may do, not what it is.

    A plain SHA-256 is enough: the secret has 256 random bits, so there is no dictionary to go
    through, and a slow hash would only let strangers keep the processor busy.
    """

    id: str
    tenant_id: str
    role: Role
    name: str
    secret_sha256: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def is_valid(self, now: datetime) -> bool:
        """Say whether it opens anything at this time."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


Keys = Mapping[str, ApiKey]


def new_key(
    *,
    tenant: str,
    role: Role,
    name: str,
    now: datetime,
    expires_in_days: int | None = None,
    random_hex: Callable[[int], str] = secrets.token_hex,
) -> tuple[ApiKey, str]:
    """Return a key to write down, and the token that its holder is shown once.

    Raises InvalidKeyError.
    """
    tenant_id = tenant_of(tenant)
    if isinstance(tenant_id, Rejection):
        raise InvalidKeyError(tenant_id.detail)
    called = name.strip()
    if not 0 < len(called) <= _NAME_CHARACTERS or not called.isprintable():
        raise InvalidKeyError(f"name: 1 to {_NAME_CHARACTERS} printable characters, in one line")
    if expires_in_days is not None and not 0 < expires_in_days <= LONGEST_DAYS:
        raise InvalidKeyError(f"expires-in-days: 1 to {LONGEST_DAYS}, or leave it out")
    key_id, secret = random_hex(_ID_BYTES), random_hex(_SECRET_BYTES)
    key = ApiKey(
        id=key_id,
        tenant_id=tenant_id,
        role=role,
        name=called,
        secret_sha256=_sha256(secret),
        created_at=now,
        expires_at=None if expires_in_days is None else now + timedelta(days=expires_in_days),
    )
    return key, f"omni_{key_id}_{secret}"


def key_of(token: str, keys: Keys, now: datetime) -> ApiKey | None:
    """Return the valid key that the token is; of all that is wrong with one, nothing is told."""
    found = _TOKEN.fullmatch(token)
    if found is None:
        return None
    key = keys.get(found["id"])
    known = key.secret_sha256 if key else _sha256("nobody's")
    is_same = hmac.compare_digest(_sha256(found["secret"]), known)
    return key if key and is_same and key.is_valid(now) else None


def with_key(keys: Keys, key: ApiKey) -> Keys:
    """Return the keys with one more. Raises InvalidKeyError."""
    if key.id in keys:
        raise InvalidKeyError("two keys got the same id: try again")
    if len(keys) >= MOST_KEYS:
        raise InvalidKeyError(f"there are {MOST_KEYS} keys already: start a new keys file")
    return {**keys, key.id: key}


def revoked(keys: Keys, key_id: str, now: datetime) -> Keys:
    """Return the keys with one that opens nothing any more. Raises InvalidKeyError."""
    key = keys.get(key_id)
    if key is None:
        raise InvalidKeyError(f"there is no key {key_id}: `omnichannel keys list` has their ids")
    if key.revoked_at is not None:
        return keys
    return {**keys, key_id: msgspec.structs.replace(key, revoked_at=now)}


def _sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
