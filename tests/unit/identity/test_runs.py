"""A run of messages joined at once is what joining them one by one gives. Nothing is a fake."""

from functools import reduce

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.identity.addresses import Addresses
from streams.identity.graph import fold
from streams.identity.observations import join_observation
from streams.identity.operations import Claim, Observe
from streams.identity.policy import Policy
from streams.identity.runs import run_at, with_run
from streams.identity.state import Root, decode_node, encode_node
from tests.examples import examples

POLICY = Policy()
ADDRESSES = Addresses("salt")
HOUR_MS = 60 * 60 * 1000
START_MS = 1_770_000_000_000
KEY = "phone:+5511999998888"
ADDRESS = ADDRESSES.node("acme", KEY)

# Times on and around the gap, back and forth; now and then what ends a run.
messages = st.builds(
    Observe,
    tenant_id=st.just("acme"),
    channel_id=st.sampled_from(["wa-1", "wa-1", "wa-1", "sms-1"]),
    channel_type=st.just("whatsapp"),
    external_id=st.just("5511999998888"),
    identity_key=st.just(KEY),
    message_id=st.text("abc", min_size=1, max_size=4),
    direction=st.sampled_from(["inbound", "outbound"]),
    at_ms=st.integers(0, 60).map(lambda n: START_MS + n * 6 * HOUR_MS)
    | st.integers(0, 3 * 24 * HOUR_MS).map(lambda n: START_MS + n),
    received_at_ms=st.integers(0, 3).map(lambda n: START_MS + n),
    content_type=st.just("text"),
    platform_conversation_id=st.sampled_from(["", "", "", "p1"]),
    name=st.sampled_from([None, "Maria", "Ana", "5511999998888", "+55 11 99999-8888"]),
    picture_url=st.sampled_from([None, "https://x/1.jpg"]),
    username=st.sampled_from([None, "maria"]),
    claims=st.sampled_from([(), (), (), (Claim("email:a@b.example", "vouched_value"),)]),
)


FIRST = Observe(
    tenant_id="acme",
    channel_id="wa-1",
    channel_type="whatsapp",
    external_id="1",
    identity_key=KEY,
    message_id="m",
    direction="inbound",
    at_ms=START_MS,
    received_at_ms=START_MS,
    content_type="text",
)


def known_by(*observes: Observe) -> Root:
    """Return the root that the messages make."""
    return one_by_one(Root(tenant_id="acme", rank_at_ms=START_MS, version=0), list(observes))


def later(message_id: str, hours: int) -> Observe:
    """Return a message of the same sender so long after the first."""
    return msgspec.structs.replace(FIRST, message_id=message_id, at_ms=START_MS + hours * HOUR_MS)


def one_by_one(root: Root, observes: list[Observe]) -> Root:
    """Return the root that knows each message, joined the long way."""
    return reduce(lambda r, o: join_observation(r, o, POLICY.gaps, ADDRESSES), observes, root)


@given(first=messages, rest=st.lists(messages, min_size=1, max_size=12))
@settings(max_examples=examples(100), deadline=None)
def test_a_run_joined_at_once_is_what_joining_its_messages_one_by_one_gives(
    first: Observe, rest: list[Observe]
) -> None:
    known = one_by_one(Root(tenant_id="acme", rank_at_ms=first.at_ms, version=0), [first])
    run = run_at(known, rest, 0, POLICY.gaps)
    if run is None:
        return
    joined = with_run(known, run)
    assert run.end > 0
    assert joined == one_by_one(known, rest[: run.end])
    assert (joined is known) == (joined == known)


@given(first=messages, rest=st.lists(messages, min_size=1, max_size=10))
@settings(max_examples=examples(65), deadline=None)
def test_a_batch_ends_in_the_same_node_as_its_messages_alone(
    first: Observe, rest: list[Observe]
) -> None:
    node = fold(ADDRESS, None, [first], POLICY, ADDRESSES).node
    assert node is not None
    together = fold(ADDRESS, decode_node(encode_node(node)), rest, POLICY, ADDRESSES).node
    alone = node
    for observe in rest:
        found = fold(ADDRESS, alone, [observe], POLICY, ADDRESSES).node
        assert found is not None
        alone = found
    assert together is not None
    assert encode_node(together) == encode_node(alone)


def test_a_name_is_as_new_as_the_latest_message_that_said_it_whatever_came_last() -> None:
    known = known_by(msgspec.structs.replace(FIRST, direction="outbound"))
    out_of_order = [
        msgspec.structs.replace(later(f"n{hours}", hours), name="Maria") for hours in (2, 1)
    ]
    run = run_at(known, out_of_order, 0, POLICY.gaps)
    assert run is not None
    assert run.end == 2
    assert with_run(known, run) == one_by_one(known, out_of_order)


def test_a_message_that_is_known_already_is_no_news() -> None:
    second = later("n", 1)
    known = known_by(FIRST, second)
    run = run_at(known, [second, second], 0, POLICY.gaps)
    assert run is not None
    assert with_run(known, run) is known
    assert run.end == 2


def test_a_late_message_begins_a_conversation_of_the_same_run_or_makes_one_before_it() -> None:
    known = known_by(FIRST)
    late = [later("n", 30 * 24), later("late", 30 * 24 - 1), later("earlier", 15 * 24)]
    run = run_at(known, late, 0, POLICY.gaps)
    assert run is not None
    assert run.end == 3
    assert with_run(known, run) == one_by_one(known, late)
    assert [one.first_message_id for one in run.identity.windows] == ["m", "earlier", "late"]


def test_a_late_message_that_touches_a_known_conversation_ends_the_run() -> None:
    known = known_by(FIRST)
    run = run_at(known, [later("n", 30 * 24), later("late", 1)], 0, POLICY.gaps)
    assert run is not None
    assert run.end == 1
