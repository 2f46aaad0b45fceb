"""The documents under docs/contracts are what the code says now, and are well-formed AsyncAPI."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from streams import topics
from streams.contracts.documents import ASYNCAPI_NAME, RECORDS, asyncapi, documents

FOLDER = Path(__file__).parents[3] / "docs" / "contracts"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return msgspec.json.decode(documents()[ASYNCAPI_NAME], type=dict[str, Any])


def test_written_documents_are_what_the_code_says() -> None:
    expected = documents()
    written = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    stale = sorted(name for name in expected | written if expected.get(name) != written.get(name))
    assert not stale, f"run `omnichannel contracts write`: {', '.join(stale)}"


def test_every_topic_is_a_channel_with_its_promises(document: dict[str, Any]) -> None:
    assert document["asyncapi"] == "3.0.0"
    assert list(document["channels"]) == [topic.name for topic in topics.ALL]
    for topic in topics.ALL:
        channel = document["channels"][topic.name]
        assert channel["address"] == topic.name
        assert topic.holds in channel["description"]
        configuration = channel["bindings"]["kafka"]["topicConfiguration"]
        assert configuration["cleanup.policy"] == [topic.cleanup_policy]
        assert configuration.get("retention.ms") == topic.retention_ms


def test_every_public_topic_names_its_messages_and_who_writes(document: dict[str, Any]) -> None:
    operations = document["operations"].values()
    assert {one["action"] for one in operations} == {"send", "receive"}
    assert [one["channel"]["$ref"] for one in operations] == [
        f"#/channels/{topic.name}" for topic in topics.ALL if topic != topics.INTERACTIONS
    ]
    for topic in topics.ALL:
        named = set(document["channels"][topic.name]["messages"])
        assert named == {record.__name__ for record in RECORDS.get(topic.name, ())}


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for reference in _references(document):
        place: Any = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
        assert place


def test_every_record_and_message_is_described(document: dict[str, Any]) -> None:
    components = document["components"]
    assert all(message["summary"] for message in components["messages"].values())
    assert all(schema.get("description") for schema in components["schemas"].values())


def test_times_are_said_to_be_rfc_3339(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    times = {
        f"{name}.{field}"
        for name, schema in schemas.items()
        for field, shape in schema["properties"].items()
        if any(part.get("format") == "date-time" for part in shape.get("anyOf", [shape]))
    }
    assert {"Customer.createdAt", "CustomerIdentity.lastInboundAt"} <= times
    assert {"CustomerMetadata.firstContactAt", "MessageFact.sentAt"} <= times
    assert "Message.timestamp" not in times  # several forms there: the producer's choice


def test_internal_schemas_can_be_added() -> None:
    grown = asyncapi({"Observe": {"type": "object", "description": "A message was seen."}})
    assert list(grown["channels"]["interactions"]["messages"]) == ["Observe"]
    assert list(_references(grown))
    assert grown["components"]["schemas"]["Observe"]["type"] == "object"


def _references(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "$ref":
                yield value
            else:
                yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)
