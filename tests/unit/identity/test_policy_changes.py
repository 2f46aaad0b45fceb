"""A changed policy weighs evidence again, and both sides are told of. Nothing here is a fake."""

from dataclasses import replace

import pytest

from streams.contracts.customers import Customer
from streams.identity.policy import Policy
from tests.unit.identity.builders import START_MS, said
from tests.unit.identity.world import World

STRICT = Policy()
MILD = replace(STRICT, rules={**STRICT.rules, "self_declared": "link"})
PHONE, EMAIL = "phone:+5511999998811", "email:a@example.com"


def known() -> World:
    """Return a world in which an e-mail claimed a phone, under the mild policy: one person."""
    world = World(None, policy=MILD)
    world.say(said(PHONE, message_id="m1", name="Ana"))
    world.say(
        said(EMAIL, (PHONE, "self_declared"), message_id="m2", name="Bia", at_ms=START_MS + 5)
    )
    world.run()
    return world


def people(world: World) -> list[tuple[str, list[str]]]:
    """Return who lives, with their keys, as a reader of `customers` has it."""
    living: list[Customer] = world.living()
    return sorted((c.display_name, sorted(i.identity_key for i in c.identities)) for c in living)


@pytest.mark.parametrize("touched", [PHONE, EMAIL])
def test_a_stricter_policy_parts_both_sides_at_the_next_message_of_either(touched: str) -> None:
    world = known()
    assert len(world.living()) == 1
    world.policy = STRICT
    world.say(said(touched, message_id="m3", at_ms=START_MS + 1_000))
    world.run()
    assert people(world) == [("Ana", [PHONE]), ("Bia", [EMAIL])]


@pytest.mark.parametrize("touched", [PHONE, EMAIL])
def test_a_milder_policy_merges_them_again_under_one_id_that_the_other_leads_to(
    touched: str,
) -> None:
    world = known()
    (together,) = world.living()
    world.policy = STRICT
    world.say(said(touched, message_id="m3", at_ms=START_MS + 1_000))
    world.run()
    world.policy = MILD
    world.say(said(touched, message_id="m4", at_ms=START_MS + 2_000))
    world.run()
    (again,) = world.living()
    assert again.id == together.id
    (merged,) = (c for c in world.customers.values() if c.status == "merged")
    assert merged.merged_into == again.id


def test_a_policy_is_known_by_how_it_weighs_and_by_nothing_else() -> None:
    assert (
        STRICT.weighing == replace(STRICT, identity_cap=7, nobody=frozenset({"x"})).weighing == ""
    )
    assert MILD.weighing
    assert STRICT.weighed_as(MILD.weighing).rules == MILD.rules
    assert MILD.weighed_as("").rules == STRICT.rules
