"""What guards forbid is decided by the evidence and not by its order: who is one customer, what is
asked and which guard tripped are alike in whatever order messages come, race, crash and repeat.
"""

import random
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.contracts.messages import Identifier, Message
from streams.contracts.policies import PolicyDocument
from tests.examples import examples
from tests.hard_cases.deployment import Deployment
from tests.hard_cases.platforms import email, moment, own_contact, signed, sms, telegram, whatsapp

NUMBERS = ("447700900201", "447700900202", "447700900203")
USER_IDS = ("GB.1", "GB.2", "GB.3")
# The cap is not among them: whom it keeps out is whoever comes last.
POLICY = PolicyDocument(shared_after=2)


@dataclass(frozen=True)
class Said:
    """One message to be: what it is on, and what it says of its sender."""

    channel: int
    person: int
    user_id: int | None
    reference: int | None
    shared: int | None
    is_shown: bool

    def message(self, number: int) -> Message:
        """Return it, at a time that no other has."""
        at, name = moment(minutes=number), f"m{number}"
        identifiers: list[Identifier] = []
        if self.reference is not None:
            identifiers.append(signed(f"crm-{self.reference}"))
        if self.shared is not None:
            identifiers.append(own_contact(f"+{NUMBERS[self.shared]}"))
        own = tuple(identifiers)
        if self.channel == 0:
            user_id = None if self.user_id is None else USER_IDS[self.user_id]
            wa_id = NUMBERS[self.person] if self.is_shown or user_id is None else None
            return whatsapp(wa_id, user_id=user_id, at=at, message_id=name, identifiers=own)
        if self.channel == 1:
            return telegram(5_100_000_000 + self.person, at=at, message_id=name, identifiers=own)
        if self.channel == 2:
            return sms(f"+{NUMBERS[self.person]}", at=at, message_id=name, identifiers=own)
        address = f"p{self.person}@example.org"
        return email(address, at=at, message_id=name, identifiers=own)


said = st.builds(
    Said,
    channel=st.integers(0, 3),
    person=st.integers(0, 2),
    user_id=st.none() | st.integers(0, 2),
    reference=st.none() | st.integers(0, 1),
    shared=st.none() | st.integers(0, 2),
    is_shown=st.booleans(),
)


def known(messages: list[Message], rng: random.Random | None) -> tuple[object, ...]:
    """Return what readers know in the end, without what a race may decide: which id survives."""
    deployment = Deployment(POLICY, rng=rng)
    for message in messages:
        deployment.receive(message, received_at=moment(days=1))
    customers = deployment.customers()
    return (
        {frozenset(i.identity_key for i in c.identities) for c in customers},
        {
            (frozenset((s.identity_key, s.other_identity_key)), s.reason)
            for s in deployment.open_suggestions()
        },
    )


@given(st.lists(said, min_size=1, max_size=9), st.integers(0, 2**32))
@settings(max_examples=examples(20), deadline=None)
def test_whatever_the_order_the_same_are_one_and_the_same_is_asked(
    population: list[Said], seed: int
) -> None:
    messages = [one.message(number) for number, one in enumerate(population)]
    rng = random.Random(seed)
    shuffled = [*messages, *rng.choices(messages, k=len(messages) // 3)]
    rng.shuffle(shuffled)
    assert known(shuffled, rng) == known(messages, None)
