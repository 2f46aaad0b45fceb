"""The checks as Dagster runs them: a real warehouse in a temporary file, no Kafka."""

from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from dagster_project.assets.marts import marts
from dagster_project.assets.published import analytics
from dagster_project.assets.raw import raw_tables
from dagster_project.checks import CHECKS, guarded, mart_checks, raw_checks
from dagster_project.definitions import defs
from dagster_project.resources import KafkaCluster, WarehouseFile
from tests.sql.test_checks import BREAKS
from tests.unit.dagster_project import world
from warehouse import open_warehouse

RESOURCES = {
    "kafka": KafkaCluster(),
    "warehouse": WarehouseFile(),
    "warehouse_reader": WarehouseFile(read_only=True),
}


Run = Callable[[dg.AssetSelection], dg.ExecuteInProcessResult]
REFRESHED = dg.AssetSelection.assets(marts, analytics)


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    """One for all: no run asks what others did, and each would wait for its tables to be made."""
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture
def run(instance: dg.DagsterInstance) -> Run:
    """Run a selection of what there is."""
    return lambda selection: dg.materialize(
        [raw_tables, raw_checks, marts, mart_checks, analytics],
        selection=selection,
        resources=RESOURCES,
        instance=instance,
        raise_on_error=False,
    )


def test_every_check_passes_on_a_sound_warehouse(warehouse: Path, run: Run) -> None:  # noqa: ARG001
    checked = run(dg.AssetSelection.checks(raw_checks, mart_checks))
    evaluations = checked.get_asset_check_evaluations()
    assert {one.check_name for one in evaluations if one.passed} == set(CHECKS)


@pytest.mark.parametrize("name", sorted(BREAKS))
def test_check_fails_on_a_planted_violation_and_shows_it(
    name: str, warehouse: Path, run: Run
) -> None:
    world.plant(warehouse, *BREAKS[name])
    key = dg.AssetCheckKey(guarded(CHECKS[name]), name)
    (found,) = run(dg.AssetSelection.checks(key)).get_asset_check_evaluations()
    assert found.check_name == name
    assert not found.passed
    assert found.severity is dg.AssetCheckSeverity.ERROR
    assert int(str(found.metadata["offending_rows"].value)) > 0
    examples = found.metadata["examples"]
    assert isinstance(examples, dg.TableMetadataValue)
    assert 0 < len(examples.records) <= 5


def test_refresh_tells_rows_and_columns_of_every_mart(warehouse: Path, run: Run) -> None:  # noqa: ARG001
    result = run(REFRESHED)
    assert result.success
    told = {
        event.asset_key.path[-1]: event.materialization.metadata
        for event in result.get_asset_materialization_events()
        if event.asset_key
    }
    assert told["customers"]["dagster/row_count"].value == 2
    assert told["messages"]["dagster/row_count"].value == 2
    columns = told["customers"]["dagster/column_schema"].value
    assert isinstance(columns, dg.TableSchema)
    assert all(column.description for column in columns.columns)
    assert columns.columns[0].type == "varchar"


def test_defect_of_the_load_keeps_the_last_good_copy(warehouse: Path, run: Run) -> None:
    assert run(REFRESHED).success
    world.plant(warehouse, "insert into raw.customer_messages from raw.customer_messages")
    result = run(REFRESHED)
    assert not result.success
    with open_warehouse() as published:
        assert published.sql("select count(*) as n from messages")["n"].item() == 2


def test_defect_in_the_stream_is_shown_and_published(warehouse: Path, run: Run) -> None:
    twin = (
        "insert into raw.customers select * replace ('c3' as customer_id, 9 as \"offset\") "
        "from raw.customers"
    )
    world.plant(warehouse, f"{twin} where customer_id = 'c1'")
    result = run(REFRESHED)
    assert result.success
    failed = [one.check_name for one in result.get_asset_check_evaluations() if not one.passed]
    assert failed == ["identities_have_one_owner"]
    with open_warehouse() as published:
        assert len(published.customers()) == 3


def test_nightly_rebuild_makes_marts_anew_that_a_refresh_leaves(warehouse: Path) -> None:
    world.plant(warehouse, "update raw.customers set display_name = 'Zoe'")  # not by a load
    refreshed, rebuilt = (
        defs.resolve_job_def("load_and_refresh"),
        defs.resolve_job_def("rebuild_marts"),
    )
    assert refreshed.execute_in_process(op_selection=["marts", "analytics"]).success
    with open_warehouse() as published:
        assert set(published.customers()["display_name"]) == {"Ana"}
    assert rebuilt.execute_in_process(op_selection=["*analytics"]).success
    with open_warehouse() as published:
        assert set(published.customers()["display_name"]) == {"Zoe"}
