"""What a stream that resumes is told: DuckDB says which records, SQLite what they say."""

import pytest

from api import event_stream
from api.event_stream import _changes_behind
from api.live_view.derived import Change
from api.live_view.lookups_writer import LookupChanges
from api.live_view.numbers import number_of
from pipelines.batch import Partition
from tests.unit.api.live_view.fed import FedView
from tests.unit.pipelines.builders import customer, event

TOPICS = {
    "customers": "customers",
    "customer_events": "customer-events",
    "customer_messages": "customer-messages",
    "link_suggestions": "link-suggestions",
}


def missed(fed: FedView) -> list[Change] | None:
    with fed.store.reader() as reader:
        behind = {Partition(topic, 0): 0 for topic in TOPICS.values()}
        return _changes_behind(reader, tenant_id="acme", behind=behind, topics=TOPICS)


def test_all_that_came_is_told_to_the_letter_and_only_to_its_tenant(fed: FedView) -> None:
    told = fed.records(customer("c1"), event("e1", customer_id=None), customer("c2"))
    fed.records(customer("c3", tenant_id="umbrella"))
    assert missed(fed) == told


def test_too_much_is_too_much_though_some_of_it_has_gone_meanwhile(
    fed: FedView, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "MOST_MISSED", 2)
    fed.records(*(customer(f"c{n}") for n in range(4)))
    # SQLite is written before DuckDB's transaction ends.
    with fed.store.lookups_writer.putting(LookupChanges(removed=[number_of("c0")])):
        pass
    assert missed(fed) is None  # else nobody would ever be told of the fourth
