"""Contracts as OpenAPI wants them: what is on the topics is what is answered, by one definition."""

from typing import Any

import msgspec

_JSON = "application/json"


def schema_of(record: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the record's JSON Schema, whole: what it refers to stands within it."""
    (schema,), parts = msgspec.json.schema_components([record], ref_template="#/$defs/{name}")
    found: dict[str, Any] = _inlined(schema, parts)
    return found


def answer_of(record: type[msgspec.Struct]) -> dict[int | str, dict[str, Any]]:
    """Return FastAPI's `responses` for one record."""
    return {200: {"description": "as it is now", "content": {_JSON: {"schema": schema_of(record)}}}}


def list_of(record: type[msgspec.Struct]) -> dict[int | str, dict[str, Any]]:
    """Return FastAPI's `responses` for a page of records."""
    schema = {
        "type": "object",
        "required": ["items", "next"],
        "properties": {
            "items": {"type": "array", "items": schema_of(record)},
            "next": {
                "type": ["string", "null"],
                "description": "the cursor of the next page; null where the list ends",
            },
        },
    }
    return {200: {"description": "a page", "content": {_JSON: {"schema": schema}}}}


def _inlined(schema: Any, parts: dict[str, Any]) -> Any:
    """Return the schema with every reference replaced by what it names; none is recursive."""
    if isinstance(schema, dict):
        if (ref := schema.get("$ref")) is not None:
            return _inlined(parts[ref.rpartition("/")[2]], parts)
        return {name: _inlined(value, parts) for name, value in schema.items()}
    if isinstance(schema, list):
        return [_inlined(value, parts) for value in schema]
    return schema
