"""When a run is asked for: the real schedule, an instance in a temporary folder."""

from collections.abc import Iterator

import dagster as dg
import pytest

from dagster_project.definitions import defs
from dagster_project.schedules import every_two_minutes


@pytest.fixture(scope="module")
def _made() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as made:
        yield made


@pytest.fixture
def instance(_made: dg.DagsterInstance) -> dg.DagsterInstance:
    """Give one without runs: making its tables takes longer than the test."""
    _made.wipe()
    return _made


def _tick(instance: dg.DagsterInstance) -> object:
    return every_two_minutes(dg.build_schedule_context(instance=instance))


def _reason(outcome: object) -> str | None:
    assert isinstance(outcome, dg.SkipReason)
    return outcome.skip_message


@pytest.fixture(autouse=True)
def _analytics_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUSTOMER_ANALYTICS_ENABLED", raising=False)


def test_schedule_runs_by_default() -> None:
    assert every_two_minutes.default_status is dg.DefaultScheduleStatus.RUNNING
    assert every_two_minutes.cron_schedule == "*/2 * * * *"


def test_tick_asks_for_a_run(instance: dg.DagsterInstance) -> None:
    assert isinstance(_tick(instance), dg.RunRequest)


def test_tick_skips_when_analytics_are_off(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUSTOMER_ANALYTICS_ENABLED", "false")
    assert "CUSTOMER_ANALYTICS_ENABLED=false" in str(_reason(_tick(instance)))


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED])
def test_tick_skips_while_the_last_run_goes_on(
    instance: dg.DagsterInstance, status: dg.DagsterRunStatus
) -> None:
    job = defs.resolve_job_def("load_and_refresh")
    instance.create_run_for_job(job, status=status)
    assert "still goes on" in str(_reason(_tick(instance)))


def test_tick_asks_again_after_a_failure(instance: dg.DagsterInstance) -> None:
    job = defs.resolve_job_def("load_and_refresh")
    instance.create_run_for_job(job, status=dg.DagsterRunStatus.FAILURE)
    assert isinstance(_tick(instance), dg.RunRequest)
