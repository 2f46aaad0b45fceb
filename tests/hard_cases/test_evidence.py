"""Hard cases 28, 30 and 37 to 39: what ties people together, what may not, and in which order.

From canonical messages and commands, over partitions that race, crash and replay, to what a
reader sees.
"""

import random
from collections.abc import Callable, Iterable
from itertools import permutations

import pytest

from streams.contracts.commands import ConfirmSuggestion, EraseCustomer, MergeCustomers
from streams.contracts.messages import Identifier, Message
from streams.contracts.policies import PolicyDocument
from streams.contracts.wire import encode
from tests.hard_cases.deployment import Deployment, without_history
from tests.hard_cases.platforms import (
    TENANT,
    email,
    moment,
    signed,
    sms,
    telegram,
    web_chat,
    whatsapp,
)

MARIA = "maria@example.com"
SEEDS = range(20)


def people(deployment: Deployment) -> set[frozenset[str]]:
    """Return the external ids of each customer."""
    return {
        frozenset(i.external_id for i in customer.identities) for customer in deployment.customers()
    }


def accounts_of(deployment: Deployment) -> set[frozenset[str]]:
    """Return the external ids of each customer; every merged one must lead to a living one."""
    living = {c.id for c in deployment.customers()}
    known = deployment.world.customers
    for own_id in known:
        way = [own_id]
        while (merged_into := known[way[-1]].merged_into) is not None:
            assert merged_into not in way, "a cycle of merges"
            way.append(merged_into)
        assert way[-1] in living
    return people(deployment)


# ------------------------------------------------------------------ 28: claimed and signed


@pytest.mark.parametrize("visitor_first", [True, False])
def test_case_28_a_typed_address_of_somebody_else_merges_nobody_and_shows_no_history(
    visitor_first: bool,
) -> None:
    letter = email(MARIA, message_id="private", profile_name="Maria")
    chat = web_chat("visitor-1", email=MARIA, message_id="chat", at=moment(hours=1))
    deployment = Deployment()
    for message in (chat, letter) if visitor_first else (letter, chat):
        deployment.receive(message)
    maria, visitor = deployment.customer_of(MARIA), deployment.customer_of("visitor-1")
    assert maria.id != visitor.id
    assert deployment.history(maria) == {"private"}
    assert deployment.history(visitor) == {"chat"}
    assert visitor.display_name == "visitor-1"
    assert (visitor.merged_ids, visitor.links) == ((), ())
    (suggestion,) = deployment.open_suggestions()
    assert (suggestion.reason, suggestion.level) == ("claimed", "claimed")
    assert {suggestion.customer_id, suggestion.other_customer_id} == {maria.id, visitor.id}


def test_case_28_the_claim_is_a_suggestion_that_an_agent_may_confirm() -> None:
    deployment = Deployment()
    deployment.receive(email(MARIA), web_chat("visitor-1", email=MARIA, at=moment(hours=1)))
    (suggestion,) = deployment.open_suggestions()
    deployment.ask(ConfirmSuggestion, suggestion.customer_id, suggestion_id=suggestion.id)
    assert people(deployment) == {frozenset({MARIA, "visitor-1"})}
    (link,) = deployment.customer().links
    assert (link.rule, link.said_by) == ("suggestion_confirmed", "alice")


def test_case_28_repeating_a_claim_a_hundred_times_proves_nothing() -> None:
    deployment = Deployment()
    deployment.receive(email(MARIA))
    deployment.receive(
        *(web_chat("visitor-1", email=MARIA, at=moment(minutes=n)) for n in range(100))
    )
    assert people(deployment) == {frozenset({MARIA}), frozenset({"visitor-1"})}
    assert len(deployment.open_suggestions()) == 1


def test_case_28_a_signed_reference_makes_a_persons_browsers_one() -> None:
    deployment = Deployment()
    for number, visitor in enumerate(("visitor-1", "visitor-2")):
        deployment.receive(
            web_chat(visitor, identifiers=(signed("customer-1"),), at=moment(days=number))
        )
    assert people(deployment) == {frozenset({"visitor-1", "visitor-2"})}
    assert {link.rule for link in deployment.customer().links} == {"signed_reference"}


def test_case_28_an_address_that_the_platform_verified_links() -> None:
    deployment = Deployment()
    deployment.receive(email(MARIA))
    deployment.receive(web_chat("visitor-1", email=MARIA, attested=True, at=moment(hours=1)))
    assert people(deployment) == {frozenset({MARIA, "visitor-1"})}


# ------------------------------------------------------------------ 30: what many share


def household(accounts: int) -> list[Message]:
    """Return messages of Telegram accounts for which a platform vouches the same address."""
    return [
        telegram(5100000200 + n, email="family@example.com", attested=True, at=moment(hours=n))
        for n in range(accounts)
    ]


def test_case_30_a_value_that_more_accounts_claim_than_one_person_has_ties_nobody() -> None:
    deployment = Deployment(PolicyDocument(shared_after=3))
    messages = household(4)
    deployment.receive(*messages[:3])
    assert len(deployment.customers()) == 1
    deployment.receive(messages[3])
    assert len(people(deployment)) == 4
    (tripped,) = deployment.events("guard.tripped")
    assert tripped.rule == "shared"
    assert "same email" in (tripped.detail or "")
    assert deployment.open_suggestions() == []


def test_case_30_whom_a_shared_value_tied_before_are_who_they_were_before() -> None:
    deployment = Deployment(PolicyDocument(shared_after=2))
    alone = Deployment()
    for message in household(3):
        deployment.receive(message)
        alone.receive(telegram(message.from_, at=moment(hours=int(message.from_) - 5100000200)))
    assert [c.id for c in deployment.customers()] == [c.id for c in alone.customers()]
    assert [c.created_at for c in deployment.customers()] == [
        c.created_at for c in alone.customers()
    ]
    assert all(c.status == "active" for c in deployment.customers())


def test_case_30_a_shared_value_is_shared_in_whatever_order_its_accounts_come() -> None:
    messages = [*household(4), email("family@example.com", at=moment(days=1))]
    for seed in SEEDS:
        rng = random.Random(seed)
        deployment = Deployment(PolicyDocument(shared_after=3), rng=rng)
        deployment.receive(*rng.sample(messages, len(messages)))
        assert {len(ids) for ids in accounts_of(deployment)} == {1}
        assert len(deployment.customers()) == 5
        assert {e.rule for e in deployment.events("guard.tripped")} == {"shared"}


def test_case_30_a_shared_value_is_no_bridge_between_people_who_are_tied_otherwise() -> None:
    deployment = Deployment(PolicyDocument(shared_after=2))
    deployment.receive(whatsapp("447700900201", user_id="GB.1"))
    deployment.receive(*household(3))
    deployment.receive(whatsapp(None, user_id="GB.1", email="family@example.com", attested=True))
    assert frozenset({"447700900201", "GB.1"}) in people(deployment)
    assert len(people(deployment)) == 4


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_case_30_two_whom_the_business_knows_apart_share_an_address_and_stay_two(
    order: tuple[int, ...],
) -> None:
    messages = [
        web_chat("visitor-1", identifiers=(signed("customer-1"),), email=MARIA, attested=True),
        web_chat(
            "visitor-2",
            identifiers=(signed("customer-2"),),
            email=MARIA,
            attested=True,
            at=moment(hours=1),
        ),
        email(MARIA, at=moment(hours=2)),
    ]
    deployment = Deployment()
    for place in order:
        deployment.receive(messages[place])
    # The address was first said of customer 1: it is theirs until somebody decides otherwise.
    assert people(deployment) == {frozenset({"visitor-1", MARIA}), frozenset({"visitor-2"})}
    (suggestion,) = deployment.open_suggestions()
    assert (suggestion.reason, suggestion.level) == ("different_references", "attested")
    (tripped,) = deployment.events("guard.tripped")
    assert tripped.rule == "different_references"


def test_case_30_a_signature_outweighs_an_address_that_was_shared_before_it() -> None:
    deployment = Deployment()
    for number, visitor in enumerate(("visitor-1", "visitor-2")):
        deployment.receive(web_chat(visitor, email=MARIA, attested=True, at=moment(hours=number)))
    assert len(deployment.customers()) == 1
    for number, visitor in enumerate(("visitor-1", "visitor-2")):
        reference = signed(f"customer-{number}")
        deployment.receive(
            web_chat(visitor, identifiers=(reference,), at=moment(days=1, hours=number))
        )
    assert people(deployment) == {frozenset({"visitor-1"}), frozenset({"visitor-2"})}


def test_case_30_people_who_sign_in_on_one_device_of_a_shop_are_never_one() -> None:
    visits = [
        web_chat("ipad", identifiers=(signed(f"customer-{n}"),), at=moment(hours=n))
        for n in range(3)
    ]
    homes = [
        web_chat(f"home-{n}", identifiers=(signed(f"customer-{n}"),), at=moment(days=1, hours=n))
        for n in range(3)
    ]
    for seed in SEEDS:
        rng = random.Random(seed)
        deployment = Deployment(rng=rng)
        messages = [*visits, *homes]
        rng.shuffle(messages)
        deployment.receive(*messages)
        together = [ids for ids in accounts_of(deployment) if len(ids - {"ipad"}) > 1]
        assert together == []


def test_case_30_many_browsers_of_one_person_are_no_household() -> None:
    deployment = Deployment()
    deployment.receive(
        *(
            web_chat(f"browser-{n}", email=MARIA, attested=True, at=moment(days=n))
            for n in range(15)
        )
    )
    assert len(deployment.customer().identities) == 15
    assert deployment.events("guard.tripped") == []


# ------------------------------------------------------------------ 37, 38: races


def test_case_37_an_anonymous_visitor_and_their_identification_meet_across_partitions() -> None:
    messages = [
        web_chat("visitor-1", message_id="anonymous"),
        web_chat("visitor-1", identifiers=(signed("customer-1"),), at=moment(minutes=1)),
        email(MARIA, identifiers=(signed("customer-1"),), at=moment(minutes=2)),
        web_chat("visitor-2", identifiers=(signed("customer-1"),), at=moment(minutes=3)),
    ]
    ids = {message.message_id for message in messages}
    for seed in range(60):
        rng = random.Random(seed)
        deployment = Deployment(rng=rng)
        rng.shuffle(messages)
        if rng.random() < 0.5:
            deployment.receive(*messages)
        else:
            for message in messages:
                deployment.receive(message)
        assert accounts_of(deployment) == {frozenset({"visitor-1", "visitor-2", MARIA})}
        customer = deployment.customer()
        assert customer.created_at == moment()
        assert deployment.history(customer) == ids
        deployment.replay()
        assert without_history(deployment.customer()) == without_history(customer)


def evidence(*pairs: tuple[str, str]) -> Callable[[], list[Message]]:
    """Return messages in which accounts, named by their numbers, show each other's numbers."""

    def messages() -> list[Message]:
        return [
            sms(one, identifiers=(Identifier(kind="phone", value=other),), at=moment(hours=number))
            for number, (one, other) in enumerate(pairs)
        ]

    return messages


A, B, C, D = (f"+44770090020{n}" for n in range(4))


@pytest.mark.parametrize(
    "links",
    [
        evidence((A, B), (B, C)),
        evidence((A, B), (B, A)),
        evidence((A, B), (B, C), (C, A)),
        evidence((A, B), (C, D), (B, C), (D, A)),
    ],
    ids=["chain", "both ways", "ring of three", "two pairs and a ring"],
)
def test_case_38_links_that_race_make_one_customer_and_no_cycle(
    links: Callable[[], list[Message]],
) -> None:
    messages = links()
    known = sorted({m.from_ for m in messages} | {m.context.identifiers[0].value for m in messages})
    introductions = [sms(number, at=moment(days=-1, minutes=n)) for n, number in enumerate(known)]
    outcomes = set()
    for seed in SEEDS:
        rng = random.Random(seed)
        deployment = Deployment(rng=rng)
        deployment.receive(*introductions)
        first = deployment.customer_of(known[0])
        deployment.receive(*rng.sample(messages, len(messages)))
        assert accounts_of(deployment) == {frozenset(known)}
        assert deployment.customer().id == first.id
        outcomes.add(encode(without_history(deployment.customer())))
    assert len(outcomes) == 1


def introduced(rng: random.Random | None = None) -> Deployment:
    deployment = Deployment(rng=rng)
    deployment.receive(*(sms(number, at=moment(minutes=n)) for n, number in enumerate((A, B, C))))
    return deployment


@pytest.mark.parametrize(
    "merges", [((A, B), (B, A)), ((A, B), (B, C)), ((A, B), (B, C), (C, A))], ids=str
)
def test_case_38_merges_by_hand_that_race_end_in_the_oldest_customer(
    merges: Iterable[tuple[str, str]],
) -> None:
    for seed in SEEDS:
        deployment = introduced(random.Random(seed))
        oldest = deployment.customer_of(A)
        commands = [
            deployment.command(
                MergeCustomers,
                deployment.customer_of(one),
                other_customer_id=deployment.customer_of(other).id,
            )
            for one, other in merges
        ]
        deployment.world.ask(*commands)
        deployment.world.run()
        named = frozenset(number for pair in merges for number in pair)
        assert accounts_of(deployment) == {named} | {
            frozenset({number}) for number in {A, B, C} - named
        }
        assert deployment.customer_of(B).id == oldest.id
        answers = {deployment.world.answer(command.id).type for command in commands}
        assert answers == {"command.applied"}


# ------------------------------------------------------------------ 39: tenants


def test_case_39_one_number_in_two_tenants_is_two_customers() -> None:
    deployment = Deployment()
    for tenant_id, name in ((TENANT, "Ana at Acme"), ("globex", "Ana at Globex")):
        deployment.receive(
            whatsapp("447700900201", profile_name=name, tenant_id=tenant_id, message_id="same-id")
        )
    (ours,), (theirs,) = deployment.customers(TENANT), deployment.customers("globex")
    assert ours.id != theirs.id
    assert (ours.display_name, theirs.display_name) == ("Ana at Acme", "Ana at Globex")
    assert {fact.customer_id for fact in deployment.facts().values()} == {ours.id, theirs.id}
    assert len({c.id for c in deployment.conversations()}) == 2


def test_case_39_evidence_in_one_tenant_ties_nobody_in_another() -> None:
    deployment = Deployment()
    deployment.receive(whatsapp("447700900201", tenant_id="globex"), whatsapp("447700900201"))
    deployment.receive(telegram(5100000201, tenant_id="globex"), telegram(5100000201))
    card = Identifier(kind="phone", value="447700900201", rule="contact_shared")
    deployment.receive(telegram(5100000201, identifiers=(card,), at=moment(hours=1)))
    assert len(deployment.customers(TENANT)) == 1
    assert len(deployment.customers("globex")) == 2


@pytest.mark.parametrize("from_ours", [True, False])
def test_case_39_a_merge_across_tenants_is_refused_and_changes_neither(from_ours: bool) -> None:
    deployment = Deployment()
    deployment.receive(whatsapp("447700900201", tenant_id="globex"), whatsapp("447700900202"))
    (ours,), (theirs,) = deployment.customers(TENANT), deployment.customers("globex")
    one, other = (ours, theirs) if from_ours else (theirs, ours)
    answer = deployment.ask(MergeCustomers, one, other_customer_id=other.id)
    assert answer.type == "command.refused"
    assert deployment.customers(TENANT) == [ours]
    assert deployment.customers("globex") == [theirs]


def test_case_39_a_command_of_one_tenant_reaches_no_customer_of_another() -> None:
    deployment = Deployment()
    deployment.receive(whatsapp("447700900201", tenant_id="globex"))
    (theirs,) = deployment.customers("globex")
    answer = deployment.ask(EraseCustomer, theirs)
    assert answer.type == "command.refused"
    assert deployment.customers("globex") == [theirs]


def test_case_39_what_one_tenant_shares_says_nothing_of_another() -> None:
    deployment = Deployment(PolicyDocument(shared_after=2))
    deployment.receive(*household(3))
    deployment.receive(
        *(
            telegram(n, email="family@example.com", attested=True, tenant_id="globex")
            for n in (5100000200, 5100000201)
        )
    )
    assert len(deployment.customers(TENANT)) == 3
    assert len(deployment.customers("globex")) == 1


def test_case_39_a_tenants_customers_do_not_depend_on_who_else_is_there() -> None:
    alone, together = Deployment(), Deployment()
    messages = [whatsapp("447700900201", profile_name="Ana"), telegram(5100000201)]
    alone.receive(*messages)
    together.receive(*messages, whatsapp("447700900201", tenant_id="globex"))
    assert [without_history(c) for c in together.customers(TENANT)] == [
        without_history(c) for c in alone.customers(TENANT)
    ]
