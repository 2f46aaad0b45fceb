"""What is true once all traffic has been understood: customers, messages, the three statistics.

Kept beside the traffic as it is handed out, from who wrote it, not from what the bytes say.
"""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from streams.contracts.messages import Direction
from streams.traffic.businesses import EPOCH, Business
from streams.traffic.people import Identity, Person

_NEVER = -1


@dataclass(frozen=True, slots=True)
class Statistics:
    """The reference's three figures."""

    total_customers: int
    new_customers_this_month: int
    active_customers_this_week: int


@dataclass(frozen=True, slots=True)
class CustomerTruth:
    """One customer: `identities` are (channel id, external id) pairs that carried a message."""

    key: str
    identities: frozenset[tuple[str, str]]
    first_contact_at: datetime
    last_inbound_at: datetime | None  # None: we wrote, they never did


@dataclass(frozen=True, slots=True)
class TenantTruth:
    """One tenant's answer."""

    tenant_id: str
    zone: ZoneInfo  # where the business is; statistics may be asked in another one
    customers: Mapping[str, CustomerTruth]  # by identity key
    messages: Mapping[tuple[str, Direction], int]  # by channel id; a redelivery counts once
    broken: int
    last_sent_at: datetime | None

    def statistics(self, *, now: datetime, zone: ZoneInfo | None = None) -> Statistics:
        """Return the three figures of the calendar month and ISO week that hold `now`.

        New is who was first in contact this month, active who wrote this week. `now` must not
        lie before the last message: what was true in between is not kept.
        """
        if self.last_sent_at is not None and now < self.last_sent_at:
            raise ValueError(f"give a now at or after the last message, {self.last_sent_at}")
        today = now.astimezone(zone or self.zone)
        midnight = today.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        month = midnight.replace(day=1)
        week = midnight - timedelta(days=today.weekday())
        # Comparing across zones, not within one: wall clocks would forget summer time.
        month, week = month.astimezone(UTC), week.astimezone(UTC)
        people = self.customers.values()
        return Statistics(
            total_customers=len(people),
            new_customers_this_month=sum(one.first_contact_at >= month for one in people),
            active_customers_this_week=sum(
                one.last_inbound_at is not None and one.last_inbound_at >= week for one in people
            ),
        )


@dataclass(frozen=True, slots=True)
class Truth:
    """The answer for everything handed out so far."""

    tenants: Mapping[str, TenantTruth]
    broken_by_kind: Mapping[str, int]
    records: int  # all of them: unique, repeated and broken
    redelivered: int

    @property
    def customers(self) -> int:
        """Return the customers of all tenants together."""
        return sum(len(tenant.customers) for tenant in self.tenants.values())

    @property
    def messages(self) -> int:
        """Return the unique messages of all tenants together."""
        return sum(sum(tenant.messages.values()) for tenant in self.tenants.values())


class Ledger:
    """Notes each record as it is handed out: a few bytes a customer, whatever the traffic."""

    def __init__(self, people: Sequence[Person]) -> None:
        self._people = people
        identities = [identity for person in people for identity in person.identities]
        inboxes = 1 + max(identity.inbox.number for identity in identities)
        self._seen = bytearray(len(identities))
        customers = 1 + max(identity.customer for identity in identities)
        self._first_contact = array("q", [_NEVER]) * customers
        self._last_inbound = array("q", [_NEVER]) * customers
        self._inbound = [0] * inboxes
        self._outbound = [0] * inboxes
        self._last_sent: dict[str, int] = {}
        self._broken: dict[tuple[str, str], int] = {}
        self._redelivered = 0

    def note_message(self, identity: Identity, direction: Direction, sent_ms: int) -> None:
        """Count a message that has not been handed out before."""
        customer = identity.customer
        self._seen[identity.number] = 1
        first = self._first_contact[customer]
        if first == _NEVER or sent_ms < first:
            self._first_contact[customer] = sent_ms
        if direction == "inbound":
            self._inbound[identity.inbox.number] += 1
            self._last_inbound[customer] = max(self._last_inbound[customer], sent_ms)
        else:
            self._outbound[identity.inbox.number] += 1
        tenant_id = identity.inbox.tenant_id
        if sent_ms > self._last_sent.get(tenant_id, _NEVER):
            self._last_sent[tenant_id] = sent_ms

    def note_redelivery(self) -> None:
        """Count a repetition; it changes nothing else."""
        self._redelivered += 1

    def note_broken(self, tenant_id: str, kind: str) -> None:
        """Count a record that must become a dead letter."""
        self._broken[tenant_id, kind] = self._broken.get((tenant_id, kind), 0) + 1

    def truth(self, businesses: Sequence[Business]) -> Truth:
        """Return what is true of everything noted so far."""
        customers = self._customers()
        tenants = {
            business.id: TenantTruth(
                tenant_id=business.id,
                zone=business.zone,
                customers=customers.get(business.id, {}),
                messages=self._messages(business),
                broken=sum(n for (tenant, _), n in self._broken.items() if tenant == business.id),
                last_sent_at=_moment(self._last_sent.get(business.id, _NEVER)),
            )
            for business in businesses
        }
        by_kind: dict[str, int] = {}
        for (_, kind), count in self._broken.items():
            by_kind[kind] = by_kind.get(kind, 0) + count
        records = sum(self._inbound) + sum(self._outbound) + self._redelivered
        return Truth(tenants, by_kind, records + sum(by_kind.values()), self._redelivered)

    def _messages(self, business: Business) -> dict[tuple[str, Direction], int]:
        counts: dict[tuple[str, Direction], int] = {}
        for inbox in business.inboxes:
            if inbox.number < len(self._inbound):
                counts[inbox.channel.id, "inbound"] = self._inbound[inbox.number]
                counts[inbox.channel.id, "outbound"] = self._outbound[inbox.number]
        return {where: count for where, count in counts.items() if count}

    def _customers(self) -> dict[str, dict[str, CustomerTruth]]:
        found: dict[str, dict[str, CustomerTruth]] = {}
        for person in self._people:
            written: dict[str, list[Identity]] = {}
            for identity in person.identities:
                if self._seen[identity.number]:
                    written.setdefault(identity.key, []).append(identity)
            for key, identities in written.items():
                customer = identities[0].customer
                first_contact_at = _moment(self._first_contact[customer])
                if first_contact_at is None:
                    raise AssertionError(f"{key} was written to at no time")
                found.setdefault(person.business.id, {})[key] = CustomerTruth(
                    key=key,
                    identities=frozenset(
                        (one.inbox.channel.id, one.external_id) for one in identities
                    ),
                    first_contact_at=first_contact_at,
                    last_inbound_at=_moment(self._last_inbound[customer]),
                )
        return found


def _moment(ms: int) -> datetime | None:
    return None if ms == _NEVER else EPOCH + timedelta(milliseconds=ms)
