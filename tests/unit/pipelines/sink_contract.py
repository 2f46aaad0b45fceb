"""What every sink promises, as tests: run by the fake and by the real one."""

from abc import ABC, abstractmethod
from datetime import timedelta

import pytest

from pipelines.batch import Batch, Chunk, Partition
from pipelines.errors import OffsetsMovedError
from pipelines.sink import Position, Sink
from streams.contracts.customers import ErasedIdentity
from tests.unit.pipelines.builders import START, batch, chunk, customer, erasure, fact, record

CUSTOMERS = Partition("customers", 0)


class SinkContract(ABC):
    """Subclasses give a fixture `sink`, which is empty, and what there is to see of it."""

    @abstractmethod
    def counts(self, sink: Sink) -> dict[str, int]:
        """Return the rows of customers and customer-messages, and those rejected."""

    @abstractmethod
    def messages(self, sink: Sink) -> set[str]:
        """Return the ids of the messages it holds."""

    def test_an_empty_sink_has_no_positions(self, sink: Sink) -> None:
        assert sink.positions() == {}

    def test_offsets_move_to_the_end_of_the_batch_past_gaps(self, sink: Sink) -> None:
        found = Chunk({CUSTOMERS: [record(3, customer())]}, {CUSTOMERS: 9})
        sink.write(Batch.empty(0.0, {CUSTOMERS: 2}, {"customers": "id-1"}).add(found))
        assert sink.positions() == {CUSTOMERS: Position(9, "id-1")}

    def test_a_batch_that_begins_elsewhere_is_refused_whole(self, sink: Sink) -> None:
        sink.write(batch(chunk("customers", [record(0, customer())])))
        late = batch(
            chunk("customers", [record(0, customer("c2"))]),
            chunk("customer-messages", [record(0, fact())]),
        )
        with pytest.raises(OffsetsMovedError):
            sink.write(late)
        assert self.counts(sink) == {"customers": 1, "customer-messages": 0, "rejected": 0}
        assert sink.positions() == {CUSTOMERS: Position(1, None)}

    def test_a_batch_of_offsets_only_moves_them(self, sink: Sink) -> None:
        empty = Batch.empty(0.0, {CUSTOMERS: 0}, {}).add(Chunk({}, {CUSTOMERS: 4}))
        sink.write(empty)
        assert sink.positions() == {CUSTOMERS: Position(4, None)}

    def test_repeated_messages_and_older_versions_add_no_row(self, sink: Sink) -> None:
        records = [record(0, customer(version=2)), record(1, customer(version=1))]
        facts = [record(0, fact()), record(1, fact()), record(2, fact("m2"))]
        sink.write(batch(chunk("customers", records), chunk("customer-messages", facts)))
        sink.write(batch(chunk("customer-messages", [record(3, fact())])))
        assert self.counts(sink) == {"customers": 1, "customer-messages": 2, "rejected": 0}

    def test_what_cannot_be_read_is_set_aside_and_the_rest_loaded(self, sink: Sink) -> None:
        facts = [record(0, b"{"), record(1, fact()), record(2, b"\xff"), record(3, None, key=None)]
        sink.write(batch(chunk("customer-messages", facts)))
        assert self.counts(sink) == {"customers": 0, "customer-messages": 1, "rejected": 3}

    def test_a_fact_or_an_event_without_a_value_is_one_that_an_erasure_removed(
        self, sink: Sink
    ) -> None:
        facts = [record(0, fact("m1"), key="1"), record(1, None, key="2")]
        sink.write(batch(chunk("customer-messages", facts)))
        sink.write(batch(chunk("customer-events", [record(0, None, key="3")])))
        assert self.counts(sink) == {"customers": 0, "customer-messages": 1, "rejected": 0}

    def test_an_erased_customer_goes_with_their_facts_late_ones_too(self, sink: Sink) -> None:
        sink.write(
            batch(
                chunk("customers", [record(0, customer("c1")), record(1, customer("c2"))]),
                chunk("customer-messages", [record(0, fact("m1")), record(1, fact("m2"))]),
            )
        )
        sink.write(batch(chunk("customer-events", [record(0, erasure("c1"))])))
        late = [record(2, fact("m3")), record(3, fact("m4", customer_id="c2"))]
        sink.write(batch(chunk("customer-messages", late)))
        assert self.counts(sink) == {"customers": 1, "customer-messages": 1, "rejected": 0}

    def test_an_erasure_takes_the_facts_of_the_identity_and_of_nobody_else(
        self, sink: Sink
    ) -> None:
        """A and B were one customer, A's, and were split; then A is erased."""
        facts = [
            record(0, fact("a1", identity_id="a", customer_id="a")),
            record(1, fact("a2", identity_id="a", customer_id="b")),  # from before B was younger
            record(2, fact("b1", identity_id="b", customer_id="a")),  # while they were one
            record(3, fact("b2", identity_id="b", customer_id="b")),
        ]
        people = [record(0, customer("a"), key="a"), record(1, customer("b"), key="b")]
        sink.write(batch(chunk("customers", people), chunk("customer-messages", facts)))
        sink.write(batch(chunk("customer-events", [record(0, erasure("a"))])))
        assert self.messages(sink) == {"b1", "b2"}
        again = [record(4 + n, value.value) for n, value in enumerate(facts)]
        sink.write(batch(chunk("customer-messages", again)))
        assert self.messages(sink) == {"b1", "b2"}

    def test_what_is_erased_never_returns(self, sink: Sink) -> None:
        records = [
            record(0, customer("c1", version=9), key="c1"),
            record(1, None, key="c1"),
            record(2, customer("c1", version=2), key="c1"),
        ]
        erased = chunk("customer-events", [record(0, erasure("c1"))])
        sink.write(batch(chunk("customers", records), erased))
        sink.write(batch(chunk("customers", [record(3, customer("c1", version=10), key="c1")])))
        assert self.counts(sink)["customers"] == 0

    def test_of_a_number_that_changed_hands_an_erasure_takes_its_owner_s_time_alone(
        self, sink: Sink
    ) -> None:
        """What B wrote before anybody knew that the number was theirs names A's identity."""
        change, later = START + timedelta(days=90), START + timedelta(days=91)
        facts = [
            record(0, fact("a1", identity_id="a", sent_at=START)),
            record(1, fact("b1", identity_id="a", sent_at=change)),
            record(2, fact("b2", identity_id="b", sent_at=later)),
        ]
        sink.write(batch(chunk("customer-messages", facts)))
        first_owner = ErasedIdentity(identity_id="a", until=change)
        sink.write(batch(chunk("customer-events", [record(0, erasure(first_owner))])))
        assert self.messages(sink) == {"b1", "b2"}
        sink.write(batch(chunk("customer-messages", [record(3, facts[0].value)])))
        assert self.messages(sink) == {"b1", "b2"}
        of_then = ErasedIdentity(identity_id="a", since=change)
        again = record(1, erasure("b", of_then, event_id="b's"))
        sink.write(batch(chunk("customer-events", [again])))
        assert self.messages(sink) == set()
