"""The policy file: TOML with a `[default]` and a table a tenant, read and written."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any, Final

import msgspec

from streams.contracts.policies import PolicyDocument
from streams.identity.normalise import Rejection, tenant_of

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")


class PolicyError(Exception):
    """The policies cannot be read or must not be used; the message says what to do."""


def policies_in(path: Path) -> tuple[PolicyDocument, dict[str, PolicyDocument]]:
    """Return the file's default and its tenants' policies. Raises PolicyError."""
    content = _toml(path)
    if unknown := content.keys() - {"default", "tenants"}:
        raise PolicyError(
            f"{path}: {', '.join(sorted(unknown))}: not known; write [default] and [tenants.NAME]"
        )
    tenants = content.get("tenants", {})
    if not isinstance(tenants, dict):
        raise PolicyError(f"{path}: tenants: write a table [tenants.NAME] for each tenant")
    for name in tenants:
        if isinstance(wrong := tenant_of(name), Rejection):
            raise PolicyError(f"{path}: [tenants.{_table_key(name)}]: {wrong.detail}")
    return (
        _document(content.get("default", {}), f"{path}: [default]"),
        {
            name: _document(table, f"{path}: [tenants.{_table_key(name)}]")
            for name, table in tenants.items()
        },
    )


def policy_in(path: Path) -> PolicyDocument:
    """Return the one policy that the file holds, its keys at the top. Raises PolicyError."""
    return _document(_toml(path), str(path))


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as err:
        raise PolicyError(f"{path} cannot be read: {err.strerror}") from err
    except ValueError as err:  # of TOML or of UTF-8
        raise PolicyError(f"{path} is not TOML: {err}") from err


def _document(table: object, where: str) -> PolicyDocument:
    try:
        return msgspec.convert(table, PolicyDocument)
    except msgspec.ValidationError as err:
        names = ", ".join(field.encode_name for field in msgspec.structs.fields(PolicyDocument))
        hint = f"; the keys are {names}" if "unknown field" in str(err) else ""
        raise PolicyError(f"{where}: {str(err).replace('`$.', '`')}{hint}") from err


def as_toml(document: PolicyDocument, table: str = "") -> str:
    """Return the document as a policy file has it: at its top, or under a table."""
    fields: dict[str, Any] = msgspec.to_builtins(document)
    rules = fields.pop("rules", {})
    lines = [f"[{table}]"] if table else []
    lines += [f"{key} = {_toml_value(value)}" for key, value in fields.items()]
    if rules:
        lines += ["", f"[{table}.rules]" if table else "[rules]"]
        lines += [f"{rule} = {_toml_value(verdict)}" for rule, verdict in rules.items()]
    return "\n".join(lines)


def tenant_table(tenant_id: str) -> str:
    """Return the name of a tenant's table in the policy file."""
    return f"tenants.{_table_key(tenant_id)}"


def _table_key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _toml_value(name)


def _toml_value(value: object) -> str:
    # JSON's scalars, strings and lists are TOML's, but for one character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
