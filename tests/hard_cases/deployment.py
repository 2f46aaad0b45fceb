"""A deployment as a platform and a reader see it: canonical messages go in, records come out.

Real: `normalise`, the tenant's policy, the nodes on their partitions. Not real: Kafka; what a
reader keeps of the outputs is kept by `World`.
"""

import random
from datetime import datetime, timedelta
from itertools import count
from typing import Final

import msgspec
from msgspec import UNSET

from streams.contracts.commands import AnyCustomerCommand, CustomerCommand
from streams.contracts.conversations import Conversation
from streams.contracts.customers import Customer, CustomerEvent
from streams.contracts.messages import Message, MessageFact
from streams.contracts.policies import PolicyDocument
from streams.contracts.suggestions import LinkSuggestion
from streams.contracts.wire import encode
from streams.identity.instants import parse_ms, to_ms
from streams.identity.normalise import Rejection, normalise
from streams.identity.operations import Observe
from streams.identity.policy import Policy, with_document
from streams.identity.telling import Record
from tests.hard_cases.platforms import TENANT, moment
from tests.unit.identity.world import World

_decoder = msgspec.json.Decoder(Message)
_TRANSIT: Final = timedelta(seconds=2)  # from the platform's clock to the broker's
_DECIDED_AT: Final = moment(days=300)


class _Outputs(World):
    """The world, which also remembers every fact it was told, repeated ones too."""

    def __init__(self, rng: random.Random | None, policy: Policy) -> None:
        super().__init__(rng, policy=policy)
        self.told_facts: list[MessageFact] = []

    def _read(self, record: Record | MessageFact) -> None:
        if isinstance(record, MessageFact):
            self.told_facts.append(record)
        super()._read(record)


class Deployment:
    """One deployment under a policy; with an `rng` its workers race, crash and replay."""

    def __init__(
        self,
        policy: PolicyDocument = PolicyDocument(),  # noqa: B008 - a frozen value
        *,
        rng: random.Random | None = None,
    ) -> None:
        self.policy = with_document(Policy(), policy)
        self.world = _Outputs(rng, self.policy)
        self.rejections: list[Rejection] = []
        self._command_numbers = count(1)

    # What goes in

    def receive(self, *messages: Message, received_at: datetime | None = None) -> None:
        """Take the messages in, all on the topic before any is processed."""
        for message in messages:
            happened_at_ms = parse_ms(message.timestamp)
            if received_at is not None:
                received_at_ms = to_ms(received_at)
            else:
                assert happened_at_ms is not None, "say when such a message was received"
                received_at_ms = happened_at_ms + to_ms_of(_TRANSIT)
            self._append(_decoder.decode(encode(message)), received_at_ms)
        self.world.run()

    def receive_at(self, received_at_ms: int, *messages: Message) -> None:
        """Take the messages in, which the broker had at this time."""
        for message in messages:
            self._append(_decoder.decode(encode(message)), received_at_ms)
        self.world.run()

    def _append(self, message: Message, received_at_ms: int) -> None:
        found = normalise(message, received_at_ms, self.policy)
        if isinstance(found, Rejection):
            self.rejections.append(found)
            return
        key, operation = found
        if isinstance(operation, Observe):
            self.world.say(operation)
        else:
            self.world.notice(key, operation)

    def ask(
        self,
        kind: type[AnyCustomerCommand],
        customer: Customer | str,
        *,
        tenant_id: str = TENANT,
        issued_at: datetime = _DECIDED_AT,
        **fields: object,
    ) -> CustomerEvent:
        """Have a command carried out; return its answer."""
        command = self.command(kind, customer, tenant_id=tenant_id, issued_at=issued_at, **fields)
        self.world.ask(command)
        self.world.run()
        return self.world.answer(command.id)

    def command(
        self,
        kind: type[AnyCustomerCommand],
        customer: Customer | str,
        *,
        tenant_id: str = TENANT,
        issued_at: datetime = _DECIDED_AT,
        **fields: object,
    ) -> AnyCustomerCommand:
        """Return a command about the customer, not yet asked."""
        assert issubclass(kind, CustomerCommand)
        return msgspec.convert(
            {
                "type": kind.__struct_config__.tag,
                "id": f"command-{next(self._command_numbers)}",
                "tenantId": tenant_id,
                "issuedAt": issued_at,
                "issuedBy": "alice",
                "customerId": customer if isinstance(customer, str) else customer.id,
                **{msgspec_name(kind, name): value for name, value in fields.items()},
            },
            kind,
        )

    def replay(self) -> None:
        """Read every topic again from its beginning."""
        self.world.replay()

    # What comes out

    def customers(self, tenant_id: str = TENANT) -> list[Customer]:
        """Return the living customers of a tenant, the first one first."""
        living = [c for c in self.world.living() if c.tenant_id == tenant_id]
        return sorted(living, key=lambda c: (c.created_at, c.id))

    def customer(self) -> Customer:
        """Return the only customer there is."""
        (only,) = self.world.living()
        return only

    def customer_of(self, external_id: str, tenant_id: str = TENANT) -> Customer:
        """Return the one living customer who has this id on some channel."""
        (found,) = (
            c
            for c in self.customers(tenant_id)
            if any(i.external_id == external_id for i in c.identities)
        )
        return found

    def facts(self) -> dict[tuple[str, str, str], MessageFact]:
        """Return the first fact of each (tenant, channel, message id), as the loader keeps it."""
        result: dict[tuple[str, str, str], MessageFact] = {}
        for fact in self.world.told_facts:
            if not self.world.is_erased(fact):
                name = (fact.tenant_id, fact.channel_id, fact.message_id)
                result.setdefault(name, fact)
        return result

    def fact(self, message_id: str) -> MessageFact:
        """Return the one fact of a message."""
        (found,) = (fact for name, fact in self.facts().items() if name[2] == message_id)
        return found

    def history(self, customer: Customer) -> set[str]:
        """Return the ids of the customer's messages: of their channel identities, of their time."""
        return {
            fact.message_id
            for fact in self.facts().values()
            for identity in customer.identities
            if fact.tenant_id == customer.tenant_id
            and (fact.channel_id, fact.external_id) == (identity.channel_id, identity.external_id)
            and identity.first_seen_at <= fact.sent_at <= identity.last_seen_at
        }

    def conversations(self) -> list[Conversation]:
        """Return the living conversations, the first one first."""
        living = [c for c in self.world.conversations.values() if c.merged_into is None]
        return sorted(living, key=lambda c: (c.started_at, c.id))

    def open_suggestions(self) -> list[LinkSuggestion]:
        """Return what waits for somebody's decision."""
        return [s for s in self.world.suggestions.values() if s.status == "open"]

    def events(self, kind: str) -> list[CustomerEvent]:
        """Return the events of one type."""
        return [e for e in self.world.events.values() if e.type == kind]

    def known(self) -> list[object]:
        """Return all that a reader knows, to compare before and after."""
        world = self.world
        return [
            dict(world.customers),
            dict(world.conversations),
            dict(world.suggestions),
            dict(world.events),
            self.facts(),
        ]


def to_ms_of(span: timedelta) -> int:
    """Return the time span in milliseconds."""
    return span // timedelta(milliseconds=1)


def msgspec_name(kind: type[AnyCustomerCommand], name: str) -> str:
    """Return the name of a field as it stands on the wire."""
    return {field.name: field.encode_name for field in msgspec.structs.fields(kind)}[name]


def without_history(customer: Customer) -> Customer:
    """Return the customer as it compares between deployments: versions only count operations, and
    evidence beside the links tells what was decided and in which order the identities came.
    """
    return msgspec.structs.replace(customer, version=0, evidence=UNSET)
