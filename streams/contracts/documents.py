"""The contracts as documents for others: a JSON Schema a record, one AsyncAPI for all topics.

Made from the Structs, their docstrings and the TopicSpecs, so they cannot say anything else; owns
no file. Where they are written is the caller's.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from streams import topics
from streams.contracts.commands import AnyCommand
from streams.contracts.conversations import Conversation
from streams.contracts.customers import Customer, CustomerEvent
from streams.contracts.dead_letters import DeadLetter
from streams.contracts.messages import Message, MessageFact
from streams.contracts.notices import Notice
from streams.contracts.policies import TenantPolicy
from streams.contracts.suggestions import LinkSuggestion
from streams.contracts.wire import SCHEMA_VERSION
from streams.topics import TopicSpec

ASYNCAPI_NAME: Final = "asyncapi.json"
JSON_SCHEMA: Final = "https://json-schema.org/draft/2020-12/schema"
# The Kafka bindings' own version, https://github.com/asyncapi/bindings/tree/master/kafka
_KAFKA_BINDING: Final = "0.5.0"

Schemas = Mapping[str, Mapping[str, Any]]
RecordType = type[msgspec.Struct]

_NULL: Final = {"type": "null"}

COMMANDS: Final[tuple[RecordType, ...]] = AnyCommand.__args__
RECORDS: Final[Mapping[str, tuple[RecordType, ...]]] = {
    topics.MESSAGES_INBOUND.name: (Message,),
    topics.MESSAGES_OUTBOUND.name: (Message,),
    topics.CUSTOMER_COMMANDS.name: COMMANDS,
    topics.CUSTOMERS.name: (Customer,),
    topics.CUSTOMER_EVENTS.name: (CustomerEvent,),
    topics.CONVERSATIONS.name: (Conversation,),
    topics.CUSTOMER_MESSAGES.name: (MessageFact,),
    topics.LINK_SUGGESTIONS.name: (LinkSuggestion,),
    topics.POLICIES.name: (TenantPolicy,),
    topics.CHANNEL_NOTICES.name: (Notice,),
    topics.DEAD_LETTERS.name: (DeadLetter,),
}
_INTERNAL: Final = frozenset({topics.INTERACTIONS.name})
_WRITTEN_BY_OTHERS: Final = frozenset(topic.name for topic in topics.SOURCES)


def documents(internal: Callable[[], Schemas] | None = None) -> dict[str, str]:
    """Return each document's text by file name.

    `internal` gives schemas by name for the worker's own topic, whose shape is no contract and may
    change any day; without it the topic is described in words only.
    """
    found = {
        _file_name(record): _text(record_schema(record))
        for record in dict.fromkeys(record for group in RECORDS.values() for record in group)
    }
    return found | {ASYNCAPI_NAME: _text(asyncapi(internal() if internal else {}))}


def record_schema(record: RecordType) -> dict[str, Any]:
    """Return the record's JSON Schema, complete in itself."""
    (root,), schemas = msgspec.json.schema_components((record,), ref_template="#/$defs/{name}")
    return {"$schema": JSON_SCHEMA, **root, "$defs": _completed((record,), schemas)}


def asyncapi(internal: Schemas) -> dict[str, Any]:
    """Return the AsyncAPI 3.0 document of all topics."""
    records = {
        topic.name: RECORDS.get(topic.name, ())  # a native body's shape is the platform's
        for topic in topics.ALL
        if topic.name not in _INTERNAL
    }
    kinds = tuple(dict.fromkeys(record for group in records.values() for record in group))
    _, schemas = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    names = {topic: [record.__name__ for record in group] for topic, group in records.items()}
    names |= {name: list(internal) for name in _INTERNAL}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Omnichannel customers",
            "version": f"{SCHEMA_VERSION}.0.0",
            "description": (
                "Messages in, customers out, over Kafka. Topic names carry the deployment's prefix "
                "(KAFKA_TOPIC_PREFIX). Fields are only ever added: readers ignore unknown ones."
            ),
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic, names[topic.name]) for topic in topics.ALL},
        "operations": {
            operation: body
            for topic in topics.ALL
            if topic.name not in _INTERNAL
            for operation, body in [_operation(topic)]
        },
        "components": {
            "messages": {
                name: _message(name, summary)
                for name, summary in (
                    *((record.__name__, _first_paragraph(record)) for record in kinds),
                    *((name, "Internal; may change any day.") for name in internal),
                )
            },
            "schemas": {**_completed(kinds, schemas), **internal},
        },
    }


def _completed(
    records: tuple[RecordType, ...], schemas: dict[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Return the schemas with times said to be RFC 3339, which msgspec leaves open, and with
    descriptions free of the source's indentation, which Python versions keep differently.
    """
    waiting: list[msgspec.inspect.Type] = list(msgspec.inspect.multi_type_info(records))
    while waiting:
        match waiting.pop():
            case msgspec.inspect.StructType() as struct:
                schema = schemas[struct.cls.__name__]
                schema["description"] = inspect.cleandoc(schema["description"])
                for field in struct.fields:
                    kinds = getattr(field.type, "types", (field.type,))
                    waiting += kinds
                    if any(isinstance(kind, msgspec.inspect.DateTimeType) for kind in kinds):
                        shape = schema["properties"][field.encode_name]
                        texts = [part for part in shape.get("anyOf", [shape]) if part != _NULL]
                        texts[0]["format"] = "date-time"
            case msgspec.inspect.VarTupleType(item_type=item):
                waiting.append(item)
    return schemas


def _channel(topic: TopicSpec, messages: list[str]) -> dict[str, Any]:
    configuration: dict[str, Any] = {"cleanup.policy": [topic.cleanup_policy]}
    if topic.retention_ms is not None:
        configuration["retention.ms"] = topic.retention_ms
    internal = " Internal: no contract." if topic.name in _INTERNAL else ""
    return {
        "address": topic.name,
        "description": f"{topic.holds} Key: {topic.key}.{internal}",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "topicConfiguration": configuration,
                "bindingVersion": _KAFKA_BINDING,
            }
        },
    }


def _operation(topic: TopicSpec) -> tuple[str, dict[str, Any]]:
    """Return what the system does with the topic: seen from it, as AsyncAPI has it."""
    action = "receive" if topic.name in _WRITTEN_BY_OTHERS else "send"
    words = topic.name.replace(".", "-").split("-")
    return action + "".join(word.title() for word in words), {
        "action": action,
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "summary": topic.holds,
    }


def _message(name: str, summary: str) -> dict[str, Any]:
    return {
        "name": name,
        "title": name,
        "summary": summary,
        "contentType": "application/json",
        "payload": {"$ref": f"#/components/schemas/{name}"},
    }


def _first_paragraph(record: RecordType) -> str:
    paragraph = (record.__doc__ or "").strip().split("\n\n")[0]
    return " ".join(paragraph.split())


def _file_name(record: RecordType) -> str:
    """Return `customer-event.schema.json` for CustomerEvent."""
    name = "".join(
        f"-{letter.lower()}" if letter.isupper() else letter for letter in record.__name__
    )
    return f"{name.lstrip('-')}.schema.json"


def _text(document: Mapping[str, Any]) -> str:
    compact = msgspec.json.encode(document)
    return msgspec.json.format(compact, indent=2).decode() + "\n"
