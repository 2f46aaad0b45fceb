"""Keys for tests that call the API: real ones, in the test's own keys file."""

from datetime import UTC, datetime
from pathlib import Path

from api.access.key_file import KeyFile
from api.access.keys import Role, new_key, with_key


def make_key(file: Path, tenant: str = "acme", role: Role = "viewer", name: str = "test") -> str:
    """Return the token of a key that the file has from now on."""
    key, token = new_key(tenant=tenant, role=role, name=name, now=datetime.now(UTC))
    KeyFile(file).change(lambda keys: with_key(keys, key))
    return token


def bearer(token: str) -> dict[str, str]:
    """Return the header that a key is sent in."""
    return {"Authorization": f"Bearer {token}"}
