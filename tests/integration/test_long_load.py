"""A live view that has much to load, from a real broker: by one process, and kept by another."""

import asyncio
import os
from pathlib import Path

import pytest

from api.live_view.view import LiveView
from streams import topics
from streams.cluster import ClusterSettings
from streams.contracts.wire import encode
from streams.topic_admin import ensure_topics
from tests.e2e.harness import send, wait_until
from tests.processes import pids_below
from tests.unit.pipelines.builders import customer
from warehouse.time_zones import TimeZones

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize(("most_loaded", "processes"), [(20, 1), (19, 2)])
def test_after_a_long_load_another_process_keeps_the_view(
    cluster: ClusterSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    most_loaded: int,
    processes: int,
) -> None:
    monkeypatch.setattr("api.live_view.view._MOST_LOADED", most_loaded)
    ensure_topics(cluster)
    ids = [f"c{number}" for number in range(20)]
    send(cluster, topics.CUSTOMERS, [(one.encode(), encode(customer(one))) for one in ids])
    before = pids_below(os.getpid())
    seen: set[int] = set()

    async def run() -> None:
        view = LiveView(cluster, tmp_path, TimeZones())
        await view.start()

        def is_ready() -> bool:
            seen.update(pids_below(os.getpid()) - before)
            return view.is_ready

        await asyncio.to_thread(wait_until, is_ready, "the view is ready")
        assert all(view.customer("acme", one) for one in ids)
        await view.stop()

    asyncio.run(run())
    assert len(seen) == processes
