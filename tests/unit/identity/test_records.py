"""A usual customer is known without a look at what only unusual ones have. Nothing is a fake."""

from hypothesis import given
from hypothesis import strategies as st

from streams.identity.graph import fold
from streams.identity.operations import Observe
from streams.identity.partition import of_one_key
from streams.identity.policy import Policy
from streams.identity.records import known_of, known_of_all
from streams.identity.state import Root
from tests.unit.identity.builders import ADDRESSES, DAY_MS, START_MS, address, observe

KEY = "phone:+5511999998888"
messages = st.builds(
    observe,
    st.text("abc", min_size=1, max_size=3),
    at_ms=st.integers(0, 900).map(lambda day: START_MS + day * DAY_MS),
    direction=st.sampled_from(["inbound", "outbound"]),
    channel_id=st.sampled_from(["wa-1", "wa-1", "sms-1"]),
    name=st.sampled_from([None, "Maria", "Ana", "5511999998888"]),
    username=st.sampled_from([None, "maria"]),
)


@given(st.lists(messages, min_size=1, max_size=6))
def test_what_is_known_of_one_identity_is_what_all_that_there_are_say(
    said: list[Observe],
) -> None:
    root = fold(address(KEY), None, said, Policy(), ADDRESSES).node
    assert isinstance(root, Root)
    component = of_one_key(root)
    identities = [identity for _, identity in component.identities]
    assert known_of(component) == known_of_all(identities, component.edits)
