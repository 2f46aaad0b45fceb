"""The population's messages in the order they arrive, one at a time.

A simulation of events: each person has one next moment in a heap, so memory holds people and what
is still on its way, however long the traffic. Pure: chance comes from the plan's seed.
"""

import heapq
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

import msgspec

from streams.contracts.messages import Direction, Message
from streams.contracts.wire import encode
from streams.topics import MESSAGES_INBOUND, MESSAGES_OUTBOUND, TopicSpec
from streams.traffic.broken import broken_kind, broken_value
from streams.traffic.businesses import EPOCH, Inbox
from streams.traffic.people import Identity
from streams.traffic.population import Population
from streams.traffic.truth import Ledger, Truth
from streams.traffic.walk import Walk, first_moment

_LATEST_ARRIVAL_MS = 30 * 60 * 1000
_LATEST_REDELIVERY_MS = 3 * 60 * 60 * 1000


class Traffic(msgspec.Struct, frozen=True, gc=False):
    """One record to produce."""

    topic: TopicSpec
    key: bytes
    value: bytes
    sent_at: datetime  # when it happened, as the message itself says


class _UnderWay(msgspec.Struct, frozen=True, gc=False):
    """A record that arrives later than it was sent; a redelivery has no identity to note."""

    record: Traffic
    identity: Identity | None
    direction: Direction
    sent_ms: int


class TrafficRun:
    """One pass over a population's traffic. Iterate it once; `truth` grows as it is handed out."""

    def __init__(self, population: Population) -> None:
        self._population = population
        self._plan = population.plan
        # Its own stream, so that the same people can be drawn without their traffic.
        self._rng = Random(f"{population.plan.seed} run")  # noqa: S311
        self._ledger = Ledger(population.people)
        self._messages = 0
        self._under_way: list[tuple[int, int, _UnderWay]] = []

    def truth(self) -> Truth:
        """Return what is true of the records handed out so far."""
        return self._ledger.truth(self._population.businesses)

    def __iter__(self) -> Iterator[Traffic]:
        """Yield each record as it arrives; late ones and redeliveries come in between."""
        rng, plan, under_way = self._rng, self._plan, self._under_way
        start_ms, end_ms = _milliseconds(plan.start), _milliseconds(plan.end)
        walks = [
            Walk(person, rng, plan.agent_initiated_share, plan.tag)
            for person in self._population.people
        ]
        moments = [
            (first_moment(walk.person, start_ms, plan.days, rng), number)
            for number, walk in enumerate(walks)
        ]
        heapq.heapify(moments)
        while moments:
            now_ms, number = moments[0]
            while under_way and under_way[0][0] <= now_ms:
                yield self._arrival()
            walk = walks[number]
            yield from self._step(walk, now_ms)
            next_ms = walk.next_moment(now_ms)
            if next_ms is None or next_ms > end_ms:
                heapq.heappop(moments)
            else:
                heapq.heapreplace(moments, (next_ms, number))
        while under_way:
            yield self._arrival()

    def _step(self, walk: Walk, now_ms: int) -> Iterator[Traffic]:
        rng, plan = self._rng, self._plan
        self._messages += 1
        identity = walk.identity
        inbox = identity.inbox
        message = walk.message(now_ms, self._messages)
        sent_ms = now_ms - now_ms % 1000 if inbox.whole_seconds else now_ms
        inbound = message.direction == "inbound"
        record = Traffic(
            MESSAGES_INBOUND if inbound else MESSAGES_OUTBOUND,
            identity.record_key,
            encode(message),
            EPOCH + timedelta(milliseconds=sent_ms),
        )
        chance = rng.random()
        if chance < plan.late_share:
            delay = int(rng.random() * _LATEST_ARRIVAL_MS)
            self._send_on(now_ms + delay, _UnderWay(record, identity, message.direction, sent_ms))
        else:
            self._ledger.note_message(identity, message.direction, sent_ms)
            yield record
            if rng.random() < plan.redelivery_share:
                delay = 1 + int(rng.random() * _LATEST_REDELIVERY_MS)
                self._send_on(now_ms + delay, _UnderWay(record, None, message.direction, sent_ms))
        if inbound and rng.random() < plan.broken_share:
            yield self._broken(message, inbox, record.sent_at)

    def _send_on(self, arrival_ms: int, late: _UnderWay) -> None:
        # The running number breaks ties, so that records themselves are never compared.
        tie = self._messages * 2 + (late.identity is None)
        heapq.heappush(self._under_way, (arrival_ms, tie, late))

    def _arrival(self) -> Traffic:
        _, _, late = heapq.heappop(self._under_way)
        if late.identity is None:
            self._ledger.note_redelivery()
        else:
            self._ledger.note_message(late.identity, late.direction, late.sent_ms)
        return late.record

    def _broken(self, message: Message, inbox: Inbox, sent_at: datetime) -> Traffic:
        kind = broken_kind(inbox, self._rng)
        faulty = msgspec.structs.replace(message, message_id=f"{message.message_id}.broken")
        self._ledger.note_broken(inbox.tenant_id, kind)
        return Traffic(
            MESSAGES_INBOUND,
            f"{inbox.tenant_id}/{inbox.channel.id}".encode(),
            broken_value(kind, faulty, self._rng),
            sent_at,
        )


def _milliseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(milliseconds=1)
