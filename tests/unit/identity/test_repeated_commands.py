"""A command is carried out once, however often it arrives, at once or after others: it is known by
its id. Whatever it was, the answer is told again and nothing else changes.
"""

import random
from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.contracts.commands import (
    AnyCustomerCommand,
    ConfirmSuggestion,
    EraseCustomer,
    MergeCustomers,
    RefuseSuggestion,
    SplitCustomer,
    UpdateCustomer,
)
from tests.examples import examples
from tests.hard_cases.deployment import Deployment, without_history
from tests.hard_cases.platforms import email, moment, sms, telegram, whatsapp

PEOPLE = 4


def began() -> Deployment:
    """Return people on several channels, some of whom claim to be each other."""
    deployment = Deployment()
    for person in range(PEOPLE):
        number = f"44770090020{person}"
        deployment.receive(
            whatsapp(
                number,
                profile_name=f"P{person}",
                at=moment(minutes=person),
                message_id=f"w{person}",
            ),
            telegram(
                5_100_000_000 + person,
                at=moment(hours=1, minutes=person),
                message_id=f"t{person}",
                email=f"p{person // 2}@example.org",
            ),
            sms(f"+{number}", at=moment(hours=2, minutes=person), message_id=f"s{person}"),
            email(
                f"p{person}@example.org",
                at=moment(hours=3, minutes=person),
                message_id=f"e{person}",
            ),
        )
    return deployment


@dataclass(frozen=True)
class Asked:
    """A command to be, about whoever is the one of that place in the list then."""

    kind: str
    one: int
    other: int
    word: int

    def command(self, deployment: Deployment, number: int) -> AnyCustomerCommand | None:
        """Return the command; None where there is nobody or nothing to ask about."""
        customers = deployment.customers()
        if not customers:
            return None
        one = customers[self.one % len(customers)]
        other = customers[self.other % len(customers)]
        suggestions = sorted(deployment.open_suggestions(), key=lambda s: s.id)
        suggestion = suggestions[self.word % len(suggestions)] if suggestions else None
        kinds: dict[str, tuple[Any, dict[str, Any]]] = {
            "name": (UpdateCustomer, {"display_name": f"N{self.word}"}),
            "tag": (UpdateCustomer, {"add_tags": (f"t{self.word}",), "remove_tags": ("t0",)}),
            "phone": (UpdateCustomer, {"add_phone": f"+44770090020{self.word % PEOPLE}"}),
            "block": (UpdateCustomer, {"blocked": self.word % 2 == 0}),
            "merge": (MergeCustomers, {"other_customer_id": other.id}),
            "split": (SplitCustomer, {"identity_keys": (one.identities[-1].identity_key,)}),
            "erase": (EraseCustomer, {}),
        }
        about = one.id
        if suggestion is not None:
            fields = {"suggestion_id": suggestion.id}
            kinds |= {"confirm": (ConfirmSuggestion, fields), "refuse": (RefuseSuggestion, fields)}
            about = suggestion.customer_id if self.kind in {"confirm", "refuse"} else one.id
        if self.kind not in kinds:
            return None
        kind, fields = kinds[self.kind]
        return deployment.command(kind, about, issued_at=moment(days=300 + number), **fields)


asked = st.builds(
    Asked,
    kind=st.sampled_from(
        ["name", "tag", "phone", "block", "merge", "split", "erase", "confirm", "refuse"]
    ),
    one=st.integers(0, 9),
    other=st.integers(0, 9),
    word=st.integers(0, 5),
)


def carried_out(deployment: Deployment, command: AnyCustomerCommand) -> None:
    deployment.world.ask(command)
    deployment.world.run()


def known(deployment: Deployment) -> tuple[Any, ...]:
    """Return what readers know, but for how many operations it took."""
    return (
        [without_history(customer) for customer in deployment.customers()],
        {(s.id, s.status) for s in deployment.world.suggestions.values()},
        set(deployment.facts()),
    )


@given(st.lists(asked, min_size=1, max_size=6), st.integers(0, 2**32))
@settings(max_examples=examples(15), deadline=None)
def test_a_command_that_comes_again_changes_nothing(plan: list[Asked], seed: int) -> None:
    rng = random.Random(seed)
    deployment = began()
    commands: list[AnyCustomerCommand] = []
    for number, one in enumerate(plan):
        command = one.command(deployment, number)
        if command is None:
            continue
        commands.append(command)
        carried_out(deployment, command)
        before = known(deployment)
        answers = {e.id for e in deployment.world.events.values() if e.command_id == command.id}
        for again in (command, rng.choice(commands)):
            carried_out(deployment, again)
            assert known(deployment) == before, f"{again} again"
        assert answers == {
            e.id for e in deployment.world.events.values() if e.command_id == command.id
        }


def test_a_refused_command_stays_refused_when_it_becomes_possible() -> None:
    """A split of somebody's only identity, which comes again after a merge gave them another."""
    deployment = began()
    alone = deployment.customer_of("5100000003")
    split = deployment.command(SplitCustomer, alone, identity_keys=("telegram:5100000003",))
    carried_out(deployment, split)
    other = deployment.customer_of("p3@example.org")
    deployment.ask(MergeCustomers, alone, other_customer_id=other.id)
    before = known(deployment)
    carried_out(deployment, split)
    assert known(deployment) == before
    answers = [e.type for e in deployment.world.events.values() if e.command_id == split.id]
    assert answers == ["command.refused"]
