"""Whatever a body holds, an adapter answers: no exception, nothing dropped, always the same."""

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.channels.adapters import ADAPTERS
from streams.channels.delivery import Delivery
from streams.channels.reading import Reading
from streams.contracts.wire import encode
from streams.identity.normalise import normalise
from streams.identity.policy import Policy
from streams.topics import PLATFORMS
from tests.examples import examples
from tests.unit.channels.samples import FORM, RECEIVED_AT_MS, samples

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(["", "0", "true", "@g.us", "\ud800", "\x00", "9" * 400, 1e300, -1, [[]], {}]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
JSON_SAMPLES = {
    platform: [s for s in samples(platform) if s.path.endswith(".json") and s.content_type != FORM]
    for platform in PLATFORMS
}


def read(platform: str, body: bytes) -> Reading:
    own = frozenset({"+12025550100"})
    delivery = Delivery("acme", f"{platform}-1", body, RECEIVED_AT_MS, own_ids=own)
    reading = ADAPTERS[platform](delivery)
    assert ADAPTERS[platform](delivery) == reading, "a redelivery says something else"
    for message in reading.messages:
        encode(message)
        normalise(message, RECEIVED_AT_MS, Policy())
    for notice in reading.notices:
        encode(notice)
    return reading


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of everything inside the value."""
    if isinstance(value, dict):
        inside = [p for name, item in value.items() for p in places(item, (*path, name))]
    elif isinstance(value, list):
        inside = [p for n, item in enumerate(value) for p in places(item, (*path, n))]
    else:
        inside = []
    return [path, *inside] if path else inside


def mutated(value: Any, path: tuple[Any, ...], new: Any, *, is_removed: bool) -> None:
    """Put another value at the path, or none."""
    for step in path[:-1]:
        value = value[step]
    if is_removed:
        del value[path[-1]]
    else:
        value[path[-1]] = deepcopy(new)  # what is drawn may be drawn again


def test_every_platform_that_we_take_bodies_of_has_an_adapter() -> None:
    assert set(ADAPTERS) == set(PLATFORMS)


@pytest.mark.parametrize("platform", sorted(ADAPTERS))
@given(body=st.binary(max_size=200))
@settings(max_examples=examples(10))
def test_bytes_that_are_anything_at_all_are_answered(platform: str, body: bytes) -> None:
    reading = read(platform, body)
    assert reading.messages or reading.notices or reading.unreadable


@pytest.mark.parametrize("platform", sorted(ADAPTERS))
@given(value=json_values)
@settings(max_examples=examples(10))
def test_json_that_is_anything_at_all_is_answered(platform: str, value: Any) -> None:
    reading = read(platform, json.dumps(value).encode())
    assert reading.messages or reading.notices or reading.unreadable


@pytest.mark.parametrize("platform", [p for p in PLATFORMS if JSON_SAMPLES[p]])
@given(data=st.data())
@settings(max_examples=examples(20))
def test_a_sample_with_anything_changed_is_answered(platform: str, data: st.DataObject) -> None:
    sample = data.draw(st.sampled_from(JSON_SAMPLES[platform]))
    body = json.loads(sample.body())
    for _ in range(data.draw(st.integers(1, 3))):
        if not (there := places(body)):
            break
        path = data.draw(st.sampled_from(there))
        mutated(body, path, data.draw(json_values), is_removed=data.draw(st.booleans()))
    reading = read(platform, json.dumps(body).encode())
    assert reading.messages or reading.notices or reading.unreadable


PRODUCTS = {
    "whatsapp": "whatsapp_business_account",
    "messenger": "page",
    "instagram": "instagram",
}


@pytest.mark.parametrize("platform", PRODUCTS)
@given(data=st.data())
@settings(max_examples=examples(15))
def test_how_a_webhook_is_batched_changes_nothing(platform: str, data: st.DataObject) -> None:
    """Entries and their changes, one call or several, say the same parts in the same order."""
    chosen = data.draw(st.lists(st.sampled_from(JSON_SAMPLES[platform]), min_size=1, max_size=4))
    bodies = [json.loads(sample.body()) for sample in chosen]
    product = PRODUCTS[platform]
    entries = [
        entry
        for body in bodies
        if isinstance(body.get("entry"), list) and body["object"] == product
        for entry in body["entry"]
    ]

    def parts(batch: list[Any]) -> list[Any]:
        body = json.dumps({"object": product, "entry": batch}).encode()
        reading = read(platform, body)
        return [reading.messages, reading.notices, reading.unreadable]

    if entries:
        one_by_one = [parts([entry]) for entry in entries]
        together = [
            tuple(p for batch in kind for p in batch) for kind in zip(*one_by_one, strict=True)
        ]
        assert parts(entries) == together
