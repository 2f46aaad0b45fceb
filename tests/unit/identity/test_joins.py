"""Everything a root is built of joins in any order and any number of times. Nothing is a fake.

What differs on purpose is left out of the comparison: `version` counts operations, `rank_at_ms` is
the survivor's, and `invited` is between two roots alone.
"""

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.identity.evidence import (
    Decision,
    Link,
    joined_decisions,
    joined_links,
    link_between,
)
from streams.identity.forgetting import joined_erased
from streams.identity.joins import join_edits, join_identities, join_roots, join_seeds
from streams.identity.observations import join_observation
from streams.identity.policy import Policy
from streams.identity.refusals import Refusal, joined_refusals
from streams.identity.registers import Register, earliest, latest, newest
from streams.identity.state import Edits, Erased, IdentityState, Root, Seed
from streams.identity.windows import Window, joined, window_of
from tests.examples import examples
from tests.unit.identity.builders import ADDRESSES, DAY_MS, HOUR_MS, START_MS, TENANT, said

POLICY = Policy()
KEYS = ("phone:+5511999998811", "telegram:1", "email:a@example.com", "webchat:w:1")
Join = Callable[[Any, Any], Any]


def _history(found: list[Window]) -> tuple[Window, ...]:
    known: tuple[Window, ...] = ()
    return reduce(lambda one, window: joined(one, (window,), DAY_MS), found, known)


def _mapped(found: list[Link]) -> Mapping[str, Link]:
    known: Mapping[str, Link] = {}
    return reduce(joined_links, ({link.name: link} for link in found), known)


times = st.integers(0, 9).map(lambda n: START_MS + n * 7 * HOUR_MS)
registers = st.builds(
    Register, st.integers(0, 3), times, st.sampled_from(["Ana", "Bob", ""]), st.integers(0, 2)
)
maybe = st.none() | registers
windows = st.lists(
    st.builds(
        lambda at_ms, number, direction, platform_id: window_of(
            "acme wa-1 1",
            message_id=f"m{number}",
            at_ms=at_ms,
            direction=direction,
            platform_id=platform_id,
        ),
        times,
        st.integers(0, 5),
        st.sampled_from(["inbound", "outbound"]),
        st.sampled_from(["", "", "c-1"]),
    ),
    max_size=5,
).map(_history)
links: st.SearchStrategy[Mapping[str, Link]] = st.lists(
    st.builds(
        lambda ends, rule, at_ms, message: link_between(
            *ends, rule=rule, at_ms=at_ms, message_id=message
        ),
        st.sampled_from([(a, b) for a in KEYS for b in KEYS if a < b]),
        st.sampled_from(["same_account", "self_declared", "agent_merge"]),
        times,
        st.sampled_from(["m1", "m2"]),
    ),
    max_size=4,
).map(_mapped)
# A decision is what one command says: of one id there is one.
decisions = st.lists(st.integers(0, 5), max_size=3, unique=True).map(
    lambda numbers: {
        f"c{n}": Decision(
            left=(KEYS[n % 4],), right=(KEYS[(n + 1) % 4],), at_ms=START_MS + n, is_split=n % 2 == 0
        )
        for n in numbers
    }
)
edits = st.builds(
    lambda epoch, name, blocked, tags, attributes: Edits(
        epoch=epoch, name=name, blocked=blocked, tags=tags, attributes=attributes
    ),
    st.integers(0, 1),
    maybe,
    maybe,
    st.dictionaries(st.sampled_from(["vip", "new"]), registers, max_size=2),
    st.dictionaries(st.sampled_from(["city", "plan"]), registers, max_size=2),
)
seeds = st.builds(
    lambda epoch, rank_at_ms, is_published: Seed(
        id=f"id-{epoch}", address="a", rank_at_ms=rank_at_ms, epoch=epoch, is_published=is_published
    ),
    st.integers(0, 2),
    times,
    st.booleans(),
)
erased = st.dictionaries(
    st.sampled_from([ADDRESSES.node(TENANT, key) for key in KEYS]),
    st.builds(Erased, times, st.integers(1, 3)),
    max_size=2,
)
# More than are kept: what falls out must not matter to any order.
refusals = st.dictionaries(
    st.sampled_from("abc"), st.builds(Refusal, st.integers(0, 3), st.just("why")), max_size=3
).map(lambda some: joined_refusals({}, some, at_most=2))
messages = st.builds(
    lambda key, at_ms, number, direction, name, claim: said(
        key,
        *((claim,) if claim and claim[0] != key else ()),
        message_id=f"m{number}",
        at_ms=at_ms,
        direction=direction,
        name=name if direction == "inbound" else None,
    ),
    st.sampled_from(KEYS),
    times,
    st.integers(0, 9),
    st.sampled_from(["inbound", "outbound"]),
    st.sampled_from([None, "Ana", "Bob"]),
    st.none()
    | st.tuples(st.sampled_from(KEYS), st.sampled_from(["same_account", "self_declared"])),
)


def _root(log: list[Any], decided: Mapping[str, Decision], edited: Mapping[str, Edits]) -> Root:
    root = Root(tenant_id=TENANT, rank_at_ms=START_MS, version=0)
    root = reduce(lambda r, m: join_observation(r, m, POLICY.gaps, ADDRESSES), log, root)
    return msgspec.structs.replace(root, decisions=decided, edits=edited, asked=("a/1",))


roots = st.builds(
    _root,
    st.lists(messages, max_size=5),
    decisions,
    st.dictionaries(
        st.sampled_from(KEYS), edits.map(lambda e: msgspec.structs.replace(e, epoch=0)), max_size=2
    ),
)
identities = st.lists(messages, min_size=1, max_size=5).map(
    lambda log: next(
        iter(
            _root(
                [
                    msgspec.structs.replace(
                        m,
                        identity_key=KEYS[0],
                        external_id="1",
                        channel_id="wa-1",
                        channel_type="whatsapp",
                    )
                    for m in log
                ],
                {},
                {},
            ).identities.values()
        )
    )
)


def _of_roots(one: Root, other: Root) -> Root:
    return join_roots(one, other, POLICY.gaps, ADDRESSES)


def _of_identities(one: IdentityState, other: IdentityState) -> IdentityState:
    return join_identities(one, other, POLICY.gaps)


def _known(value: Any) -> Any:
    """Return what must be equal: of a root, what it knows."""
    if not isinstance(value, Root):
        return value
    return msgspec.structs.replace(
        value,
        version=0,
        rank_at_ms=0,
        invited={},
        # A rank is made where a key is first seen; of several the earliest stands.
        seeds=dict(sorted(value.seeds.items())),
    )


LAWS: list[Any] = [
    pytest.param(newest, maybe, id="the newest register"),
    pytest.param(earliest, st.none() | times, id="the earliest time"),
    pytest.param(latest, st.none() | times, id="the latest time"),
    pytest.param(lambda one, other: joined(one, other, DAY_MS), windows, id="conversations"),
    pytest.param(joined_links, links, id="links"),
    pytest.param(joined_decisions, decisions, id="decisions"),
    pytest.param(join_edits, edits, id="edits"),
    pytest.param(join_seeds, seeds, id="seeds"),
    pytest.param(joined_erased, erased, id="what was erased"),
    pytest.param(
        lambda one, other: joined_refusals(one, other, at_most=2), refusals, id="refused commands"
    ),
    pytest.param(_of_identities, identities, id="what is known of a channel identity"),
    pytest.param(_of_roots, roots, id="whole roots"),
]


@pytest.mark.parametrize(("join", "values"), LAWS)
@given(data=st.data())
@settings(max_examples=examples(20), deadline=None)
def test_the_order_of_joining_does_not_show(
    join: Join, values: st.SearchStrategy[Any], data: st.DataObject
) -> None:
    one, two = data.draw(values), data.draw(values)
    assert _known(join(one, two)) == _known(join(two, one))


@pytest.mark.parametrize(("join", "values"), LAWS)
@given(data=st.data())
@settings(max_examples=examples(20), deadline=None)
def test_what_is_joined_first_does_not_show(
    join: Join, values: st.SearchStrategy[Any], data: st.DataObject
) -> None:
    one, two, three = data.draw(values), data.draw(values), data.draw(values)
    assert _known(join(join(one, two), three)) == _known(join(one, join(two, three)))


@pytest.mark.parametrize(("join", "values"), LAWS)
@given(data=st.data())
@settings(max_examples=examples(15), deadline=None)
def test_joining_what_is_known_already_changes_nothing(
    join: Join, values: st.SearchStrategy[Any], data: st.DataObject
) -> None:
    one, two = data.draw(values), data.draw(values)
    both = join(one, two)
    assert join(both, two) == both
    assert join(one, one) == one


@given(one=roots, two=roots, gone=erased)
@settings(max_examples=examples(20), deadline=None)
def test_who_is_erased_on_one_side_is_on_both_whichever_joins(
    one: Root, two: Root, gone: Mapping[str, Erased]
) -> None:
    knows = msgspec.structs.replace(two, erased=gone)
    both, other_way = _of_roots(one, knows), _of_roots(knows, one)
    assert _known(both) == _known(other_way)
    for key, seed in both.seeds.items():
        mark = gone.get(ADDRESSES.node(TENANT, key))
        assert mark is None or seed.epoch >= mark.epoch
    assert not [
        link
        for link in both.links.values()
        for end in (link.left, link.right)
        if (mark := gone.get(ADDRESSES.node(TENANT, end))) and link.at_ms <= mark.at_ms
    ]


def test_a_link_joined_from_two_sides_is_its_first_evidence() -> None:
    def link(at_ms: int) -> dict[str, Link]:
        found = link_between(*KEYS[:2], rule="same_account", at_ms=at_ms, message_id=f"m{at_ms}")
        return {found.name: found}

    (kept,) = joined_links(link(2), link(1)).values()
    assert kept.message_id == "m1"
