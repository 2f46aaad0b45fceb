"""The fake sink keeps the contract, so tests that use it mean something. Nothing is real here."""

import pytest

from pipelines.sink import Sink
from streams.contracts.messages import MessageFact
from tests.unit.pipelines.fakes import FakeSink
from tests.unit.pipelines.sink_contract import SinkContract


class TestFakeSink(SinkContract):
    """The contract, by the fake."""

    @pytest.fixture
    def sink(self) -> FakeSink:
        return FakeSink()

    def counts(self, sink: Sink) -> dict[str, int]:
        assert isinstance(sink, FakeSink)
        return {
            "customers": len(sink.rows["customers"]),
            "customer-messages": len(sink.rows["customer-messages"]),
            "rejected": len(sink.rejected),
        }

    def messages(self, sink: Sink) -> set[str]:
        assert isinstance(sink, FakeSink)
        found = sink.rows["customer-messages"].values()
        return {row.message_id for row in found if isinstance(row, MessageFact)}
