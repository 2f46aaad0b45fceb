"""Random histories of splits (by time too), merges, erasures, late messages and replays: the same
customers however the messages between two decisions come, and nobody who was erased comes back.

Two deployments live through the same history: a calm one, and one whose workers race, crash, read
again from anywhere and get messages twice. Real: canonical messages and commands down to what a
reader keeps. Not real: Kafka.
"""

import random
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec
from hypothesis import event, given, settings
from hypothesis import strategies as st

from streams.contracts.commands import EraseCustomer, MergeCustomers, SplitCustomer, UpdateCustomer
from streams.contracts.customers import Customer
from streams.contracts.messages import Message
from streams.contracts.policies import PolicyDocument
from tests.examples import examples
from tests.hard_cases.deployment import Deployment
from tests.hard_cases.platforms import moment, own_contact, sms, telegram, whatsapp

# No guard trips: what they do is order-free too, but says nothing here.
POLICY: Final = PolicyDocument(shared_after=100, shared_after_devices=100)
NUMBERS: Final = ("12025550177", "12025550178")
ACCOUNTS: Final = (5100000201, 5100000202)
# A chapter is longer than the silence after which a number may be somebody else's (45 days).
CHAPTER_DAYS: Final = 60


class Spoken(NamedTuple):
    """A message: who wrote, so many days after a chapter began; `late` by so many chapters."""

    kind: str
    who: int
    late: int
    day: int


class Decided(NamedTuple):
    """A decision about the customers at these places of all the living ones; about a time, of the
    chapter that many before.
    """

    kind: str
    one: int
    other: int
    before: int


class Chapter(NamedTuple):
    """Messages in any order, then a decision by somebody who saw what came of them."""

    messages: list[Spoken]
    decision: Decided | None


spoken = st.builds(
    Spoken,
    st.sampled_from(["whatsapp", "whatsapp", "sms", "shown", "telegram", "contact"]),
    st.sampled_from([0, 0, 0, 1]),
    st.sampled_from([0, 0, 0, 1, 2]),
    st.sampled_from([0, 1, 2, 30]),
)
decided = st.builds(
    Decided,
    st.sampled_from(["since", "since", "split", "merge", "erase", "name"]),
    st.integers(0, 2),
    st.integers(0, 2),
    st.sampled_from([0, 0, 1, 2]),
)
histories = st.lists(
    st.builds(Chapter, st.lists(spoken, min_size=1, max_size=4), st.none() | decided),
    min_size=2,
    max_size=6,
)


def message_of(one: Spoken, number: int, chapter: int) -> Message:
    """Return the message as its platform has it."""
    at = moment(days=max(chapter - one.late, 0) * CHAPTER_DAYS + one.day)
    fields: dict[str, Any] = {"at": at, "message_id": f"m{number}", "profile_name": f"<{number}>"}
    phone = NUMBERS[one.who]
    match one.kind:
        case "whatsapp":
            return whatsapp(phone, **fields)
        case "sms":
            return sms(phone, **fields)
        case "shown":
            return whatsapp(phone, user_id=f"US.{one.who}", **fields)
        case "contact":
            card = own_contact(f"+{phone}")
            return telegram(ACCOUNTS[one.who], identifiers=(card,), **fields)
    return telegram(ACCOUNTS[one.who], **fields)


def said_once(history: list[Chapter]) -> list[Chapter]:
    """Return the history with each tie between an account and a number said once. Of evidence only
    the first is kept: a split by time between the first and a later one knows of the later one not
    before it is read again (docs/adr/0007).
    """
    plain = {"contact": "telegram", "shown": "whatsapp"}
    said: set[tuple[str, int]] = set()
    result = []
    for messages, decision in history:
        chapter = []
        for one in messages:
            is_again = (one.kind, one.who) in said
            chapter.append(one._replace(kind=plain[one.kind]) if is_again else one)
            if one.kind in plain:
                said.add((one.kind, one.who))
        result.append(Chapter(chapter, decision))
    return result


class Reader:
    """A deployment in a history, and who was erased in it so far."""

    def __init__(self, rng: random.Random | None) -> None:
        self.deployment = Deployment(POLICY, rng=rng)
        self.erased: set[str] = set()  # ids of messages

    def people(self) -> list[tuple[Any, ...]]:
        """Return what is known of each living customer, in an order that does not hang on ids:
        which of two merged ones survives may depend on a late message.
        """
        return sorted(map(self._said_of, self.deployment.customers()))

    def _said_of(self, customer: Customer) -> tuple[Any, ...]:
        return (
            customer.created_at,
            sorted((i.channel_id, i.external_id, i.first_seen_at) for i in customer.identities),
            customer.display_name,
            customer.metadata.last_seen_at,
            customer.status,
            sorted(customer.phones),
            sorted(self.deployment.history(customer)),
            sorted((link.identity_key, link.other_identity_key) for link in customer.links),
        )

    def decide(self, decision: Decided, chapter: int) -> str:
        """Have the decision carried out, as whoever looks at the list would ask for it; return how
        it was answered.
        """
        deployment = self.deployment
        living = sorted(deployment.customers(), key=self._said_of)
        if not living:
            return "nobody"
        people = [living[place % len(living)] for place in (decision.one, decision.other)]
        # Which of a customer's ids survived may differ: what is decided is said of the first one.
        one, other = [
            msgspec.structs.replace(person, id=person.identities[0].identity_id)
            for person in people
        ]
        issued_at = moment(days=chapter * CHAPTER_DAYS + 31)
        ask: Callable[..., Any] = deployment.ask
        match decision.kind:
            case "since":
                since = moment(days=max(chapter - decision.before, 0) * CHAPTER_DAYS)
                keys = tuple(sorted({i.identity_key for i in one.identities}))
                numbers = tuple(key for key in keys if key.startswith("phone:"))[:1] or keys[:1]
                fields = {"identity_keys": numbers, "since": since}
                answer = ask(SplitCustomer, one, issued_at=issued_at, **fields)
            case "split":
                keys = tuple(sorted({i.identity_key for i in one.identities}))[:1]
                answer = ask(SplitCustomer, one, issued_at=issued_at, identity_keys=keys)
            case "merge":
                answer = ask(MergeCustomers, one, issued_at=issued_at, other_customer_id=other.id)
            case "name":
                name = f"named in {chapter}"
                answer = ask(UpdateCustomer, one, issued_at=issued_at, display_name=name)
            case _:
                self.erased |= deployment.history(one)
                answer = ask(EraseCustomer, one, issued_at=issued_at)
        return str(answer.type)

    def require_forgotten(self) -> None:
        """Fail where anything is left of who was erased: a fact, or a name anywhere."""
        world = self.deployment.world
        assert not self.erased & {fact.message_id for fact in self.deployment.facts().values()}
        stored = [*world.nodes.values()]
        shown = [customer.display_name for customer in self.deployment.customers()]
        for message_id in self.erased:
            name = f"<{message_id[1:]}>"
            assert not [value for value in stored if name.encode() in value]
            assert name not in shown


@settings(max_examples=examples(65), deadline=None)
@given(histories.map(said_once), st.integers(0, 2**32).map(random.Random))
def test_a_history_of_decisions_ends_alike_in_any_order_and_nobody_erased_comes_back(
    history: list[Chapter], rng: random.Random
) -> None:
    calm, racing = Reader(None), Reader(rng)
    said: list[Message] = []
    for chapter, (spoken_now, decision) in enumerate(history):
        messages = [
            message_of(one, len(said) + place, chapter) for place, one in enumerate(spoken_now)
        ]
        said += messages
        received_at = moment(days=chapter * CHAPTER_DAYS + 30.5)
        for message in messages:
            calm.deployment.receive(message, received_at=received_at)
        shuffled = [*messages, *rng.choices(said, k=rng.randint(0, 3) if said else 0)]
        rng.shuffle(shuffled)
        racing.deployment.receive(*shuffled, received_at=received_at)
        assert racing.people() == calm.people()
        if decision is not None:
            answer = calm.decide(decision, chapter)
            assert racing.decide(decision, chapter) == answer
            event(
                f"{decision.kind}: {answer}"
            )  # what the examples are: --hypothesis-show-statistics
        for reader in (calm, racing):
            reader.require_forgotten()
        assert racing.people() == calm.people()
    racing.deployment.replay()
    racing.require_forgotten()
    assert racing.people() == calm.people()
