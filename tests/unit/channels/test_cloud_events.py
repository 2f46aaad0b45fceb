"""CloudEvents on Kafka: unwrapped in both modes, and refused by what is wrong with them."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.channels.cloud_events import CloudEvent, cloud_event_of
from streams.channels.reading import Unreadable
from tests.examples import examples

FOLDER = Path(__file__).parents[2] / "payloads" / "cloudevents"
STRUCTURED = [("content-type", b"application/cloudevents+json")]
EVENT = {"specversion": "1.0", "id": "1", "source": "/x", "type": "t"}


def sample(name: str) -> CloudEvent | Unreadable | None:
    """Return what a recorded Kafka record is, or a bare event in structured mode."""
    body = json.loads((FOLDER / f"{name}.json").read_text())
    if "specversion" in body or "headers" not in body:
        return cloud_event_of(json.dumps(body).encode(), STRUCTURED)
    headers = [(key, text.encode()) for key, text in body["headers"].items()]
    if "value_base64" in body:
        return cloud_event_of(base64.b64decode(body["value_base64"]), headers)
    value = body["value"]
    return cloud_event_of(None if value is None else json.dumps(value).encode(), headers)


def structured(**fields: Any) -> CloudEvent | Unreadable | None:
    return cloud_event_of(json.dumps(EVENT | fields).encode(), STRUCTURED)


@pytest.mark.parametrize(
    "name",
    [
        "kafka_binary",
        "kafka_structured",
        "kafka_structured_content_type_case",
        "kafka_structured_with_extra_ce_headers",
    ],
)
def test_either_mode_carries_the_same_data(name: str) -> None:
    event = sample(name)
    assert isinstance(event, CloudEvent)
    assert json.loads(event.data) == {"platform": "whatsapp", "text": "Hi"}


@pytest.mark.parametrize("name", ["structured_data_base64", "kafka_binary_base64_time_fraction"])
def test_binary_data_are_the_bytes(name: str) -> None:
    event = sample(name)
    assert isinstance(event, CloudEvent)
    assert (event.data, event.content_type) == (base64.b64decode("iVBORw0KGgo="), "image/png")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("kafka_tombstone", "without data"),
        ("malformed_data_and_base64", "never both"),
        ("malformed_empty_id", "needs id"),
        ("malformed_missing_id", "needs id"),
    ],
)
def test_what_is_wrong_is_said(name: str, said: str) -> None:
    event = sample(name)
    assert isinstance(event, Unreadable)
    assert said in event.detail


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"data_base64": "%%"}, "no base64"),
        ({"data_base64": 5}, "no base64"),
        ({"specversion": "0.3", "data": {}}, "version"),
        ({"data": "\\ud800", "datacontenttype": "text/plain"}, None),
    ],
)
def test_a_structured_event_is_read_without_trust(fields: dict[str, Any], said: str | None) -> None:
    event = structured(**fields)
    if said is None:
        assert isinstance(event, CloudEvent)
    else:
        assert isinstance(event, Unreadable)
        assert said in event.detail


def test_text_that_is_no_json_is_its_own_bytes() -> None:
    event = structured(data="From=%2B1", datacontenttype="application/x-www-form-urlencoded")
    assert isinstance(event, CloudEvent)
    assert event.data == b"From=%2B1"


def test_a_record_without_the_marks_of_an_event_is_none() -> None:
    assert cloud_event_of(b"{}", [("tenantId", b"acme"), ("content-type", b"text/json")]) is None


@given(value=st.none() | st.binary(max_size=60), mark=st.sampled_from(["content-type", "ce_id"]))
@settings(max_examples=examples(20))
def test_a_value_that_is_anything_at_all_is_answered(value: bytes | None, mark: str) -> None:
    headers = STRUCTURED if mark == "content-type" else [("ce_id", b"\xff")]
    assert cloud_event_of(value, headers) is not None
