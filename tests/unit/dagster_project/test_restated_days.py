"""Days made anew as Dagster runs them: a real warehouse in a temporary file, no Kafka."""

from pathlib import Path
from typing import Final

import dagster as dg

from dagster_project.definitions import defs
from tests.unit.dagster_project import world
from warehouse import open_warehouse

JOB: Final = defs.resolve_job_def("restate_days")
DAY: Final = "2026-10-01"  # of all that is in the world


def _restated(first: str, last: str) -> dg.ExecuteInProcessResult:
    return JOB.execute_in_process(
        tags={
            "dagster/asset_partition_range_start": first,
            "dagster/asset_partition_range_end": last,
        },
        raise_on_error=False,
    )


def _partitions(result: dg.ExecuteInProcessResult) -> list[str | None]:
    return [
        event.partition
        for event in result.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey("restated_days")
    ]


def test_rows_changed_by_hand_are_published_once_their_day_is_made_anew(warehouse: Path) -> None:
    by_hand = "update raw.customer_messages set text = 'Hello' where message_id = 'm1'"
    world.plant(warehouse, by_hand)
    assert _restated("2026-10-02", "2026-10-03").success
    with open_warehouse() as published:
        assert "Hello" not in set(published.sql("select text from messages")["text"])
    assert _restated(DAY, DAY).success
    with open_warehouse() as published:
        assert "Hello" in set(published.sql("select text from messages")["text"])


def test_a_range_of_days_is_one_run_that_marks_each(warehouse: Path) -> None:  # noqa: ARG001
    result = _restated("2026-09-30", "2026-10-02")
    assert _partitions(result) == ["2026-09-30", "2026-10-01", "2026-10-02"]
    told = result.asset_materializations_for_node("restated_days")[0].metadata
    assert told["days"].value == 3
    assert not told["is_rebuild"].value
    replaced = told["replaced_keys"].value
    assert isinstance(replaced, dict)
    assert replaced["restated_days"] == 3
    assert replaced["touched_messages"] == 2


def test_a_single_day_is_a_partition_of_its_own(warehouse: Path) -> None:  # noqa: ARG001
    result = JOB.execute_in_process(partition_key=DAY)
    assert _partitions(result) == [DAY]


def test_what_the_checks_forbid_is_not_published_by_this_way_either(warehouse: Path) -> None:
    assert _restated(DAY, DAY).success
    world.plant(warehouse, "insert into raw.customer_messages from raw.customer_messages")
    result = _restated(DAY, DAY)
    assert not result.success
    with open_warehouse() as published:
        assert published.sql("select count(*) as n from messages")["n"].item() == 2


def test_a_range_needs_one_run_however_long_it_is() -> None:
    node = defs.resolve_asset_graph().get(dg.AssetKey("restated_days"))
    assert node.backfill_policy == dg.BackfillPolicy.single_run()
    assert node.partitions_def is not None
    assert node.partitions_def.has_partition_key("2020-01-01")
