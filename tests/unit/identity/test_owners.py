"""A number's owners one after the other: laws of the spans and of the cut. Nothing is a fake."""

from itertools import pairwise

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.identity.boundaries import boundary_for, cut, of_its_time
from streams.identity.joins import join_roots
from streams.identity.observations import join_observation
from streams.identity.operations import Observe
from streams.identity.owners import Span, bare_key, joined_spans, later_key, settled, since_of
from streams.identity.policy import Policy
from streams.identity.registers import RANK_PROFILE, Register
from streams.identity.state import Root
from tests.unit.identity.builders import ADDRESSES, DAY_MS, START_MS, TENANT, observe

POLICY = Policy()
SILENCE_MS = POLICY.new_owner_silence_ms
KEY = "phone:+5511999998888"
ADDRESS = ADDRESSES.node(TENANT, KEY)
# Around multiples of the silence, so that joining one message may bring two spans together.
days = st.integers(0, 12).map(lambda n: START_MS + n * 23 * DAY_MS)

spans = st.builds(
    lambda at_ms, length, name: Span(
        at_ms, at_ms + length * DAY_MS, Register(RANK_PROFILE, at_ms, name)
    ),
    days,
    st.integers(0, 30),
    st.sampled_from(["Ana", "Bob"]),
)
histories = st.lists(spans, max_size=6).map(
    lambda found: joined_spans(tuple(found), (), SILENCE_MS)
)
messages = st.builds(
    observe,
    message_id=st.text("abc", min_size=1, max_size=3),
    at_ms=days,
    direction=st.sampled_from(["inbound", "inbound", "outbound"]),
    channel_id=st.sampled_from(["wa-1", "sms-1"]),
    name=st.sampled_from([None, "Ana", "Bob"]),
    # On the way out nobody's profile is told.
).map(lambda m: m if m.direction == "inbound" else msgspec.structs.replace(m, name=None))
logs = st.lists(messages, min_size=1, max_size=8)


def root_of(log: list[Observe], boundaries: tuple[int, ...] = ()) -> Root:
    """Return a root that knows the messages, each under the key of its time."""
    root = Root(tenant_id=TENANT, rank_at_ms=START_MS, version=0)
    if boundaries:
        root = msgspec.structs.replace(root, boundaries={ADDRESS: boundaries})
    for message in log:
        told = of_its_time(root, message, ADDRESSES)
        root = join_observation(root, told, POLICY.gaps, ADDRESSES)
    return root


def known(root: Root) -> Root:
    """Return the root without what only counts operations, or dates them."""
    seeds = {k: msgspec.structs.replace(s, rank_at_ms=0) for k, s in root.seeds.items()}
    return msgspec.structs.replace(root, version=0, rank_at_ms=0, seeds=seeds)


@given(one=histories, two=histories, three=histories)
def test_histories_join_in_any_order_and_any_number_of_times(
    one: tuple[Span, ...], two: tuple[Span, ...], three: tuple[Span, ...]
) -> None:
    def both(left: tuple[Span, ...], right: tuple[Span, ...]) -> tuple[Span, ...]:
        return joined_spans(left, right, SILENCE_MS)

    assert both(one, two) == both(two, one)
    assert both(both(one, two), three) == both(one, both(two, three))
    assert both(one, one) == one


@given(history=histories)
def test_spans_lie_apart_by_the_silence_at_least(history: tuple[Span, ...]) -> None:
    for earlier, later in pairwise(history):
        assert later.first_at_ms - earlier.last_at_ms >= SILENCE_MS


@given(log=logs, data=st.data())
@settings(deadline=None)
def test_the_spans_of_an_identity_are_those_of_its_messages_in_any_order(
    log: list[Observe], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(log))
    assert root_of(list(shuffled)).identities == root_of(log).identities


@given(log=logs, at_ms=days)
@settings(deadline=None)
def test_cutting_twice_is_cutting_once(log: list[Observe], at_ms: int) -> None:
    root = msgspec.structs.replace(root_of(log), boundaries={ADDRESS: (at_ms,)})
    once = cut(root, POLICY.gaps, ADDRESSES)
    assert cut(once, POLICY.gaps, ADDRESSES) is once


@given(log=logs, data=st.data())
@settings(deadline=None)
def test_messages_before_and_after_the_split_end_alike(
    log: list[Observe], data: st.DataObject
) -> None:
    """Where the number was silent, cutting what is known is what knowing it from the first is."""
    silences = [
        at_ms
        for at_ms in sorted({m.at_ms for m in log})
        if boundary_for(root_of(log).identities.values(), at_ms) == at_ms
    ]
    if not silences:
        return
    boundary = (data.draw(st.sampled_from(silences)),)
    later = msgspec.structs.replace(root_of(log), boundaries={ADDRESS: boundary})
    cut_later = cut(later, POLICY.gaps, ADDRESSES)
    from_the_first = root_of(log, boundary)
    assert known(cut_later).identities == known(from_the_first).identities
    # A state of before the split, joined once more, says nothing new.
    again = cut(join_roots(cut_later, root_of(log), POLICY.gaps, ADDRESSES), POLICY.gaps, ADDRESSES)
    assert known(again).identities == known(cut_later).identities


def test_a_later_key_is_no_key_of_any_message_and_leads_back_to_the_number() -> None:
    key = later_key(KEY, 1_770_000_000_000)
    assert (bare_key(key), since_of(key)) == (KEY, 1_770_000_000_000)
    assert later_key(key, 5) == later_key(KEY, 5)
    assert (bare_key("webchat:w:a~1"), since_of("webchat:w:a~1")) == ("webchat:w:a~1", 0)


def test_the_first_other_name_is_the_possible_new_owner_whatever_comes_later() -> None:
    def span(day: int, name: str | None) -> Span:
        at_ms = START_MS + day * DAY_MS
        return Span(at_ms, at_ms, Register(RANK_PROFILE, at_ms, name) if name else None)

    owner, since_ms = settled((span(0, "Ana"), span(50, None), span(100, "Bob"), span(150, "Ana")))
    assert owner.name is not None
    assert (owner.name.value, since_ms) == ("Ana", START_MS + 100 * DAY_MS)
    assert settled((span(0, "Ana "), span(50, "ANA")))[1] is None
