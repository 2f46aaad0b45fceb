"""The fake sink keeps the contract, so tests that use it mean something. Nothing is real here."""

import pytest

from pipelines.sink import Sink
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
            "customers": len(sink.newest["customers"]),
            "customer-messages": len(sink.first.get("customer-messages", {})),
            "rejected": len(sink.rejected),
        }
