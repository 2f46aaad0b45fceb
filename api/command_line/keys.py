"""`omnichannel keys create`, `list` and `revoke`: who may call the API."""

import sys
from datetime import UTC, datetime
from typing import Annotated

import cyclopts
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from api.access.key_file import KeyFile
from api.access.keys import ApiKey, Role, new_key, revoked, with_key
from api.settings import ApiSettings

app = cyclopts.App(name="keys", help="Who may call the API, for which tenant and how far.")


@app.command
def create(
    *,
    tenant: Annotated[str, cyclopts.Parameter(help="Whose customers it opens; no others.")],
    name: Annotated[str, cyclopts.Parameter(help="Who holds it; commands are signed with it.")],
    role: Annotated[
        Role,
        cyclopts.Parameter(help="viewer reads, agent changes customers too, admin erases them."),
    ] = "viewer",
    expires_in_days: Annotated[
        int | None, cyclopts.Parameter(help="After which it opens nothing; without, never.")
    ] = None,
) -> None:
    """Make a key and print it, this once: only its hash is kept. A running API takes it at once."""
    file = _file()
    key, token = new_key(
        tenant=tenant, role=role, name=name, now=datetime.now(UTC), expires_in_days=expires_in_days
    )
    file.change(lambda keys: with_key(keys, key))
    print(f"key {key.id} for {key.tenant_id}, {key.role}, kept in {file.path}:", file=sys.stderr)
    print(token)


@app.command(name="list")
def list_(
    *, tenant: Annotated[str | None, cyclopts.Parameter(help="Only this one's.")] = None
) -> None:
    """List all keys, those that open nothing any more too."""
    now = datetime.now(UTC)
    table = Table(Column("Key", no_wrap=True), "Tenant", "Role", "Name", "Made", "State")
    keys = sorted(_file().keys().values(), key=lambda key: (key.tenant_id, key.created_at))
    for key in keys:
        if tenant in {None, key.tenant_id}:
            made = f"{key.created_at:%Y-%m-%d}"
            table.add_row(key.id, key.tenant_id, key.role, Text(key.name), made, state_of(key, now))
    Console().print(table)


@app.command
def revoke(
    key_id: Annotated[str, cyclopts.Parameter(help="As `keys list` shows it.")],
) -> None:
    """Have a key open nothing from now on; its sessions and streams end within a second."""
    _file().change(lambda keys: revoked(keys, key_id, datetime.now(UTC)))
    print(f"key {key_id} is revoked.")


def state_of(key: ApiKey, now: datetime) -> str:
    """Return in words whether the key opens anything."""
    if key.revoked_at is not None:
        return f"revoked {key.revoked_at:%Y-%m-%d}"
    if key.expires_at is None:
        return "valid"
    word = "valid until" if now < key.expires_at else "expired"
    return f"{word} {key.expires_at:%Y-%m-%d %H:%M}"


def _file() -> KeyFile:
    return KeyFile(ApiSettings().keys_file)
