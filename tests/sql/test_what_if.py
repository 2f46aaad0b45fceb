"""What a policy would change, told by the warehouse, beside what it changes in the core: all of it
real but Kafka, which is not there.
"""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET, structs

from api.command_line.main import app
from api.command_line.what_if import unseen
from api.what_if import known_by_tenant
from streams.contracts.commands import RefuseSuggestion
from streams.contracts.policies import Verdict
from streams.identity.operations import Observe
from streams.identity.policy import Policy
from streams.identity.what_if import Known, Outcome, by_rule, new_changes, outcome
from tests.sql.conftest import Given
from tests.unit.identity.builders import HOUR_MS, START_MS, TENANT, moment, said
from tests.unit.identity.test_population import KEYS
from tests.unit.identity.test_undoing import head, split
from tests.unit.identity.world import World
from warehouse.connection import open_memory, open_writer
from warehouse.evidence import evidence
from warehouse.publish import publish
from warehouse.queries import Warehouse

# What guards hide from a reader is tested by name, below.
STRICT = Policy(shared_after=100, shared_after_devices=100)
VERDICTS: tuple[Verdict, ...] = ("link", "suggest", "ignore")
LATER = moment(START_MS) + timedelta(days=365)


def load(warehouse: Given, world: World) -> None:
    """Have all that the world has told in the marts."""
    warehouse.records(
        *world.customers.values(),
        *world.suggestions.values(),
        *world.events.values(),
        *world.facts.values(),
    )
    warehouse.refreshed(LATER)


def told(world: World) -> Known:
    """Return what the warehouse knows once it has loaded all that the world has told."""
    with open_memory() as connection:
        load(Given(connection), world)
        connection.execute("set schema = 'marts'")
        found = known_by_tenant(evidence(Warehouse(connection)))
    return found.get(TENANT, Known(TENANT, {}, {}))


def lived(log: list[Observe], policy: Policy, seed: int = 0) -> World:
    """Return the world after the log, in an order by chance."""
    world = World(random.Random(seed), policy=policy)
    world.say(*log)
    world.run()
    return world


def replayed(world: World, policy: Policy) -> set[frozenset[str]]:
    """Return who is one person once the policy is set and everything is read again."""
    world.policy = policy
    world.replay()
    return world.people()


PHONE, MAIL, BOT = KEYS[0], KEYS[-1], "telegram:1"
VISITORS = tuple(f"webchat:w:{n}" for n in range(5))
MILD = replace(Policy(), rules={**Policy().rules, "self_declared": "link"})


def typed(visitor: str, key: str, number: int = 0) -> Observe:
    """A visitor typed a number or an address."""
    at_ms = START_MS + (number + 1) * HOUR_MS
    return said(visitor, (key, "self_declared"), message_id=f"{visitor} {key}", at_ms=at_ms)


def count(found: Outcome) -> dict[str, dict[str, int]]:
    return {rule: dict(kinds) for rule, kinds in by_rule(found.changes).items()}


def test_what_people_type_merges_them_once_it_links_and_is_asked_no_more() -> None:
    world = lived([said(MAIL, message_id="m1"), typed(VISITORS[0], MAIL)], Policy())
    older, younger = world.customer(MAIL).id, world.customer(VISITORS[0]).id
    known = told(world)
    now, then = outcome(known, Policy()), outcome(known, MILD)
    assert (now.changes, now.questions) == ((), {"self_declared": 1})
    assert then.questions == {}
    (change,) = then.changes
    assert (change.kind, change.rule) == ("merge", "self_declared")
    assert (change.customer_id, change.other_customer_id) == (older, younger)
    assert change.message_id == f"{VISITORS[0]} {MAIL}"
    replayed(world, MILD)
    assert world.customers[younger].merged_into == older


def test_two_who_typed_an_address_that_nobody_wrote_from_become_one() -> None:
    world = lived([typed(v, MAIL, n) for n, v in enumerate(VISITORS[:2])], Policy())
    found = outcome(told(world), MILD)
    assert count(found) == {"self_declared": {"merge": 1}}
    assert set(found.people) == replayed(world, MILD)


def test_an_address_that_too_many_typed_merges_nobody() -> None:
    world = lived([typed(v, MAIL, n) for n, v in enumerate(VISITORS)], Policy())
    few = replace(MILD, shared_after_devices=4)
    found = outcome(told(world), few)
    assert found.changes == ()
    assert len(replayed(world, few)) == len(VISITORS)


def test_whom_the_business_knows_as_different_people_evidence_does_not_merge() -> None:
    signed = [
        said(key, (f"reference:crm-{n}", "signed_reference"), message_id=f"s{n}")
        for n, key in enumerate((MAIL, VISITORS[0]))
    ]
    world = lived([*signed, typed(VISITORS[0], MAIL)], Policy())
    found = outcome(told(world), MILD)
    assert found.changes == ()
    assert found.questions == {"self_declared": 1}
    assert len(replayed(world, MILD)) == 2


def test_whom_somebody_refused_or_split_a_milder_rule_does_not_merge() -> None:
    log = [
        said(MAIL, message_id="m1"),
        typed(VISITORS[0], MAIL),
        said(BOT, (PHONE, "contact_shared"), message_id="m2"),
        said(PHONE, message_id="m3"),
        typed(BOT, PHONE, 1),
    ]
    world = lived(log, Policy())
    (asked,) = (s for s in world.suggestions.values() if s.status == "open")
    world.ask(
        RefuseSuggestion(**head("no"), customer_id=asked.customer_id, suggestion_id=asked.id),
        split(world, {BOT}),
    )
    world.run()
    assert len(world.people()) == 4
    found = outcome(told(world), MILD)
    assert found.changes == ()
    assert set(found.people) == world.people() == replayed(world, MILD)


def test_a_rule_that_links_no_more_parts_whom_it_alone_held_together() -> None:
    log = [
        said(PHONE, message_id="m1"),
        said(BOT, (PHONE, "contact_shared"), message_id="m2"),
        said(MAIL, (PHONE, "vouched_value"), (BOT, "contact_shared"), message_id="m3"),
    ]
    world = lived(log, Policy())
    (together,) = world.living()
    strict = replace(Policy(), rules={**Policy().rules, "contact_shared": "suggest"})
    found = outcome(told(world), strict)
    (change,) = found.changes
    assert (change.kind, change.rule, change.customer_id) == (
        "split",
        "contact_shared",
        together.id,
    )
    parted = {frozenset({PHONE, MAIL}), frozenset({BOT})}
    assert set(found.people) == replayed(world, strict) == parted
    assert found.questions == {"contact_shared": 2}


def test_whom_the_cap_would_keep_apart_is_not_guessed() -> None:
    capped = replace(MILD, identity_cap=3, shared_after_devices=100)
    world = lived([typed(v, MAIL, n) for n, v in enumerate(VISITORS)], Policy())
    found = outcome(told(world), capped)
    assert found.changes == ()
    assert set(found.people) == world.people()
    assert found.untold == {c.id: "too_many_identities" for c in world.living()}
    assert not outcome(told(world), replace(capped, identity_cap=5)).untold


def test_of_records_that_are_older_than_what_tells_all_nothing_is_guessed() -> None:
    world = lived([said(MAIL, message_id="m1"), typed(VISITORS[0], MAIL)], Policy())
    for own_id, customer in world.customers.items():
        world.customers[own_id] = structs.replace(customer, evidence=UNSET)
    found = outcome(told(world), MILD)
    assert found.changes == ()
    assert found.untold == {c.id: "older_record" for c in world.living()}


def test_evidence_that_a_rule_ignores_is_known_once_the_rule_links() -> None:
    deaf = replace(Policy(), rules={**Policy().rules, "self_declared": "ignore"})
    world = lived([said(MAIL, message_id="m1"), typed(VISITORS[0], MAIL)], deaf)
    found = outcome(told(world), MILD)
    assert count(found) == {"self_declared": {"merge": 1}}
    assert set(found.people) == replayed(world, MILD)


def test_what_the_policy_in_force_is_about_to_do_is_told_apart() -> None:
    log = [said(MAIL, message_id="m1"), typed(VISITORS[0], MAIL)]
    known = told(lived(log, Policy()))  # then the policy became milder, and nobody wrote since
    bots = replace(MILD, rules={**MILD.rules, "same_account": "ignore"})
    now, then = outcome(known, MILD), outcome(known, bots)
    assert len(then.changes) == 1
    assert new_changes(then, now) == []


def test_what_nothing_tells_is_said() -> None:
    assert unseen(Policy(), Policy()) == unseen(MILD, Policy()) == []
    assert "a platform said of two numbers" in unseen(Policy(), MILD)[0]
    assert "cap" in unseen(Policy(), replace(Policy(), identity_cap=150))[0]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """The command, on the published copy of a world in which one visitor typed a known address."""
    world = lived([said(MAIL, message_id="m1"), typed(VISITORS[0], MAIL)], Policy())
    with open_writer(tmp_path / "warehouse.duckdb") as connection:
        load(Given(connection), world)
        publish(connection, tmp_path / "analytics.duckdb")
    monkeypatch.setenv("WAREHOUSE_FOLDER", str(tmp_path))
    monkeypatch.delenv("OMNICHANNEL_POLICY_FILE", raising=False)

    def run(text: str, *arguments: str) -> None:
        (tmp_path / "policy.toml").write_text(text)
        with pytest.raises(SystemExit) as ended:
            app.meta(["what-if", str(tmp_path / "policy.toml"), "--without-kafka", *arguments])
        assert not ended.value.code

    return run


def test_the_command_tells_people(
    command: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    command('[default.rules]\nself_declared = "link"\n')
    told_people = capsys.readouterr().out
    assert "self_declared" in told_people
    said_by = f"message {VISITORS[0]} {MAIL}"
    assert f"by self_declared ({MAIL} and {VISITORS[0]}, {said_by})" in told_people
    assert "acme: 2 customers now, 1 then, as each is next heard from." in told_people


def test_the_command_tells_machines(
    command: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    command('rules = { self_declared = "link" }\n', "--tenant", "acme", "--json")
    tenants: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["tenants"]
    (told_one,) = tenants
    assert (told_one["customers"], told_one["customersThen"]) == (2, 1)
    assert told_one["rules"] == {
        "self_declared": {"merges": 1, "splits": 0, "questionsNow": 1, "questionsThen": 0}
    }
    assert told_one["changes"][0]["otherIdentityKey"] == VISITORS[0]


def test_the_policy_of_today_changes_nobody_by_the_command_either(
    command: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    command("")
    assert capsys.readouterr().out == "acme: nobody would be merged or split.\n"
