"""What is told of customers who only moved on is what a look at everything would tell. Nothing is
a fake.
"""

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.identity.graph import fold
from streams.identity.observations import join_observation
from streams.identity.operations import Observe
from streams.identity.partition import moved_on, of_one_key, partition
from streams.identity.policy import Policy
from streams.identity.state import Root
from streams.identity.telling import changes, movement, movements, told_of
from tests.examples import examples
from tests.unit.identity.builders import ADDRESSES, DAY_MS, HOUR_MS, START_MS, address, observe

KEY = "phone:+5511999998888"
POLICY = Policy()
messages = st.builds(
    observe,
    st.text("abc", min_size=1, max_size=3),
    at_ms=st.integers(0, 60).map(lambda n: START_MS + n * 6 * HOUR_MS)
    | st.integers(0, 4 * DAY_MS).map(lambda n: START_MS + n),
    direction=st.sampled_from(["inbound", "outbound"]),
    channel_id=st.sampled_from(["wa-1", "wa-1", "sms-1"]),
    name=st.sampled_from([None, "Maria", "Ana"]),
    platform_conversation_id=st.sampled_from(["", "", "p1"]),
)


@given(st.lists(messages, min_size=1, max_size=6), st.lists(messages, min_size=1, max_size=6))
@settings(max_examples=examples(100), deadline=None)
def test_who_moved_on_is_told_of_as_a_look_at_everything_tells(
    first: list[Observe], rest: list[Observe]
) -> None:
    before = fold(address(KEY), None, first, POLICY, ADDRESSES).node
    assert isinstance(before, Root)
    after = before
    for message in rest:
        joined = join_observation(after, message, POLICY.gaps, ADDRESSES)
        if joined.identities.keys() == before.identities.keys():
            after = joined
    told, parts = partition(before, POLICY), partition(after, POLICY)
    whole = list(changes(after, told_of(before, told), parts, told_of(after, parts)))
    assert list(movements(after, told, moved_on(told, after))) == whole
    known = tuple(before.identities.items())
    assert after == before or movement(after, known, of_one_key(after)) == whole
