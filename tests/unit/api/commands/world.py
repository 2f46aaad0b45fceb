"""Kafka, a worker and the live view in one object, for routes: the worker's own pure folds on what
is handed over, and a view that keeps what they say.

Not here: Kafka, the batches it cuts, and the view's SQL. Those are in tests/e2e.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count
from typing import Any

import msgspec

from api.commands.view import Place
from api.live_view.commands import CommandOutcome
from api.live_view.tables import live_tables_by_topic
from api.outbox import Header, NotTakenError
from api.problems import ProblemError
from streams import topics
from streams.contracts.customers import Customer, CustomerEvent
from streams.contracts.messages import Message
from streams.contracts.policies import TenantPolicy
from streams.contracts.suggestions import LinkSuggestion, SuggestionStatus
from streams.contracts.wire import encode
from streams.engine.batches import OutRecord
from streams.folds import IdentityFold
from streams.identity.addresses import Addresses
from streams.identity.policy import Policy
from streams.outbox import TopicNames
from streams.translation import Translate
from tests.unit.api.live_view.fed import FedView

NOW_MS = 1_893_456_000_000  # 2030: nothing in a test is later


@dataclass
class _Record:
    offset: int
    key: bytes | None
    value: bytes | None
    topic: str
    partition: int = 0
    timestamp: int = NOW_MS
    headers: Sequence[tuple[str, bytes]] = ()


class World:
    """An `Outbox` and a `CommandView`. While `is_away` Kafka takes nothing; while `is_asleep` the
    worker does nothing. A live view that is `fed` reads what the worker says, too.
    """

    def __init__(self, policy: Policy | None = None, fed: FedView | None = None) -> None:
        names, addresses = TopicNames(""), Addresses("")
        found = policy or Policy()
        self.policy = found
        self._translate = Translate(names, lambda _: found, addresses)
        self._fold = IdentityFold(names, lambda _: found, addresses)
        self._offsets = count()
        self._nodes: dict[bytes, bytes | None] = {}
        self.taken: list[tuple[str, bytes | None, bytes]] = []
        self.fed = fed
        self._tables = live_tables_by_topic("")
        self._unread: list[OutRecord] = []
        self._waiting: list[_Record] = []
        self.is_ready = True
        self.is_away = False
        self.is_asleep = False
        self.is_catching_up = False
        self._seen = _Seen()

    def hear(self, *messages: Message) -> None:
        """Have people write."""
        for message in messages:
            topic = "messages.inbound" if message.direction == "inbound" else "messages.outbound"
            self._take(topic, None, encode(message))

    @property
    def commands(self) -> list[dict[str, Any]]:
        """Return the commands that Kafka has."""
        name = topics.CUSTOMER_COMMANDS.name
        return [msgspec.json.decode(value) for topic, _, value in self.taken if topic == name]

    def wake(self) -> None:
        """Have the worker do what waits, and the view read it."""
        self.is_asleep = False
        self._work()

    # -- the outbox -----------------------------------------------------------------------------

    async def put(
        self, topic: str, value: bytes, headers: Sequence[Header] = (), *, key: bytes | None = None
    ) -> None:
        """Take the record, or refuse it."""
        if self.is_away:
            raise NotTakenError("Kafka did not take it")
        assert not headers
        self.taken.append((topic, key, value))
        self._take(topic, key, value)

    # -- the view -------------------------------------------------------------------------------

    async def customer(self, tenant_id: str, customer_id: str) -> Customer | None:
        """Return the customer."""
        found = self._now().customers.get(customer_id)
        return found if found and found.tenant_id == tenant_id else None

    async def customers_with(
        self, tenant_id: str, identities: Sequence[tuple[str, str]]
    ) -> Sequence[str]:
        """Return who has these."""
        asked = set(identities)
        return [
            customer.id
            for customer in self._now().customers.values()
            if customer.tenant_id == tenant_id
            and customer.merged_into is None
            and any((i.channel_id, i.external_id) in asked for i in customer.identities)
        ]

    async def holders_of(self, tenant_id: str, values: Sequence[str]) -> Mapping[str, str]:
        """Return who has these phones and addresses."""
        return {
            value: customer.id
            for customer in self._now().customers.values()
            if customer.tenant_id == tenant_id and customer.merged_into is None
            for value in (*customer.phones, *customer.emails)
            if value in values
        }

    async def region_of(self, tenant_id: str) -> str | None:
        """Return the region that a command set, else that of all."""
        return self._now().regions.get(tenant_id) or self.policy.region

    async def wait_for_command(
        self, tenant_id: str, command_id: str, timeout_seconds: float
    ) -> CommandOutcome | None:
        """Return the answer if there is one."""
        del timeout_seconds  # nothing comes by waiting here
        await asyncio.sleep(0)
        event = self._now().answers.get(command_id)
        if event is None or event.tenant_id != tenant_id:
            return None
        return CommandOutcome(event.type == "command.applied", event.detail, event.customer_id)

    async def suggestion(self, tenant_id: str, suggestion_id: str) -> LinkSuggestion | None:
        """Return the suggestion."""
        found = self._now().suggestions.get(suggestion_id)
        return found if found and found.tenant_id == tenant_id else None

    async def suggestions(
        self, tenant_id: str, status: SuggestionStatus | None, after: Place | None, limit: int
    ) -> Sequence[LinkSuggestion]:
        """Return those behind the place."""
        found = sorted(
            (
                one
                for one in self._now().suggestions.values()
                if one.tenant_id == tenant_id and status in {None, one.status}
            ),
            key=lambda one: (one.said_at, one.id),
            reverse=True,
        )
        if after is not None:
            behind = (after.said_at, after.suggestion_id)
            found = [one for one in found if (one.said_at, one.id) < behind]
        return found[:limit]

    def all_customers(self, tenant_id: str = "acme") -> list[Customer]:
        """Return the tenant's customers that live."""
        return [
            customer
            for customer in self._now().customers.values()
            if customer.tenant_id == tenant_id and customer.merged_into is None
        ]

    # -------------------------------------------------------------------------------------------

    def _now(self) -> "_Seen":
        if self.is_catching_up:
            raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, "the view is catching up")
        self._read()
        return self._seen

    def _take(self, topic: str, key: bytes | None, value: bytes) -> None:
        self._waiting.append(_Record(next(self._offsets), key, value, topic))
        if not self.is_asleep:
            self._work()

    def _work(self) -> None:
        said = self._translate(self._waiting).records
        self._waiting = []
        told: list[OutRecord] = []
        while operations := [r for r in said if r.topic == topics.INTERACTIONS.name]:
            told += [r for r in said if r.topic != topics.INTERACTIONS.name]
            batch = [_Record(next(self._offsets), r.key, r.value, r.topic) for r in operations]
            gathered, keys = self._fold.gather(batch)
            effects = self._fold.decide(gathered, [self._nodes.get(key) for key in keys])
            self._nodes |= effects.changes
            said = list(effects.every_record())
        told += said
        self._unread += told
        if self.fed is not None:
            known = [(r.topic, r.key, r.value) for r in told if r.topic in self._tables]
            if known:
                self.fed.take(*known)

    def _read(self) -> None:
        for record in self._unread:
            self._seen.take(record)
        self._unread = []


@dataclass
class _Seen:
    customers: dict[str, Customer] = field(default_factory=dict)
    suggestions: dict[str, LinkSuggestion] = field(default_factory=dict)
    answers: dict[str, CustomerEvent] = field(default_factory=dict)
    regions: dict[str, str | None] = field(default_factory=dict)

    def take(self, record: OutRecord) -> None:
        """Keep what the record says, as the view does: the newest version."""
        key = (record.key or b"").decode()
        if record.topic == topics.CUSTOMERS.name:
            if record.value is None:
                self.customers.pop(key, None)
                return
            customer = msgspec.json.decode(record.value, type=Customer)
            known = self.customers.get(customer.id)
            if known is None or customer.version >= known.version:
                self.customers[customer.id] = customer
        elif record.topic == topics.LINK_SUGGESTIONS.name:
            if record.value is None:
                self.suggestions.pop(key, None)
                return
            suggestion = msgspec.json.decode(record.value, type=LinkSuggestion)
            self.suggestions[suggestion.id] = suggestion
        elif record.topic == topics.POLICIES.name and record.value is not None:
            policy = msgspec.json.decode(record.value, type=TenantPolicy)
            self.regions[policy.tenant_id] = policy.policy.region
        elif record.topic == topics.CUSTOMER_EVENTS.name and record.value is not None:
            event = msgspec.json.decode(record.value, type=CustomerEvent)
            if event.command_id and event.type in {"command.applied", "command.refused"}:
                self.answers[event.command_id] = event
