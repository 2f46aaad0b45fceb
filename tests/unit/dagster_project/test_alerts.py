"""Alerts: real runs on a real warehouse, an instance in memory, and a webhook on this machine."""

import json
import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import stamina

from dagster_project.alerts import failed_checks, failed_runs
from dagster_project.definitions import defs
from dagster_project.settings import AlertSettings
from dagster_project.webhook import AlertNotSentError
from tests.platform_server import Answer, Platform, platform
from tests.unit.dagster_project import world

REFRESH = defs.resolve_job_def("rebuild_marts")
TWIN = (
    "insert into raw.customers select * replace ('c3' as customer_id, 9 as \"offset\", "
    "'+1 secret' as display_name) from raw.customers where customer_id = 'c1'"
)
TWICE = "insert into raw.customer_messages from raw.customer_messages"


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    with platform(lambda _: Answer(b"ok")) as running, stamina.set_testing(True, attempts=3):
        monkeypatch.setenv("ALERT_WEBHOOK_URL", f"{running.url}/hooks/SECRET")
        yield running


def run(instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    """Run the job but for its charts."""
    return REFRESH.execute_in_process(
        instance=instance, op_selection=["*analytics"], raise_on_error=False
    )


def look(instance: dg.DagsterInstance, result: dg.ExecuteInProcessResult) -> object:
    """Have the sensor look at the run that Dagster would ask."""
    context = dg.build_run_status_sensor_context(
        sensor_name="alerts",
        dagster_event=result.all_events[-1],
        dagster_instance=instance,
        dagster_run=result.dagster_run,
    )
    if result.success:
        return failed_checks(context)
    return failed_runs(context.for_run_failure())


@pytest.fixture
def ran(instance: dg.DagsterInstance) -> Callable[[], object]:
    """Run, then look."""
    return lambda: look(instance, run(instance))


@pytest.fixture(scope="module")
def seen(_built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], object]]:
    """Look at the one run, with a trouble, that tests have who ask how it is told."""
    folder = tmp_path_factory.mktemp("troubled")
    with pytest.MonkeyPatch.context() as patch, dg.DagsterInstance.ephemeral() as instance:
        patch.setenv("WAREHOUSE_FOLDER", str(folder))
        world.plant(Path(shutil.copy(_built, folder)), TWIN)
        result = run(instance)
        yield lambda: look(instance, result)


def _told(webhook: Platform) -> list[dict[str, Any]]:
    return [json.loads(body) for body in webhook.bodies]


def test_run_that_fails_is_told_with_the_step_and_the_kind_of_error(
    warehouse: Path, webhook: Platform, ran: Callable[[], object]
) -> None:
    world.plant(warehouse, "drop table raw.customers")
    ran()
    (told,) = _told(webhook)
    assert told["isFailure"]
    assert told["job"] == "rebuild_marts"
    assert told["troubles"] == [{"kind": "step", "name": "marts", "detail": "CatalogException"}]
    assert told["text"].splitlines()[1] == "step marts: CatalogException"


def test_check_that_keeps_from_publishing_is_told_with_the_run_that_it_ends(
    warehouse: Path, webhook: Platform, ran: Callable[[], object]
) -> None:
    world.plant(warehouse, TWICE)
    ran()
    (told,) = _told(webhook)
    assert told["isFailure"]
    names = {one["name"] for one in told["troubles"]}
    assert "messages_are_unique of marts/messages" in names


def test_check_that_fails_in_a_run_that_goes_on_is_told_with_no_row_of_it(
    warehouse: Path, webhook: Platform, ran: Callable[[], object]
) -> None:
    world.plant(warehouse, TWIN)
    ran()
    (told,) = _told(webhook)
    assert not told["isFailure"]
    assert told["troubles"] == [
        {
            "kind": "check",
            "name": "identities_have_one_owner of marts/customer_identities",
            "detail": "1 rows",
        }
    ]
    assert b"secret" not in webhook.bodies[0]


def test_a_trouble_is_told_once_and_again_once_it_was_mended(
    warehouse: Path, webhook: Platform, ran: Callable[[], object]
) -> None:
    world.plant(warehouse, TWIN)
    assert ran() is None
    assert isinstance(again := ran(), dg.SkipReason)
    assert "the run before" in str(again.skip_message)
    world.plant(warehouse, "delete from raw.customers where customer_id = 'c3'")
    assert isinstance(ran(), dg.SkipReason)
    world.plant(warehouse, TWIN)
    assert ran() is None
    assert len(webhook.bodies) == 2


def test_of_two_troubles_only_the_new_one_is_told(
    warehouse: Path, webhook: Platform, ran: Callable[[], object]
) -> None:
    world.plant(warehouse, TWIN)
    ran()
    world.plant(warehouse, TWICE)
    ran()
    names = [{one["name"].partition(" ")[0] for one in told["troubles"]} for told in _told(webhook)]
    assert names[0] == {"identities_have_one_owner"}
    assert "messages_are_unique" in names[1]
    assert "identities_have_one_owner" not in names[1]


def test_runs_that_are_well_tell_nobody(
    warehouse: Path, webhook: Platform, ran: Callable[[], object]
) -> None:
    assert warehouse
    assert isinstance(ran(), dg.SkipReason)
    assert not webhook.calls


def test_without_an_address_nobody_is_told(
    seen: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ALERT_WEBHOOK_URL", raising=False)
    assert isinstance(skipped := seen(), dg.SkipReason)
    assert "ALERT_WEBHOOK_URL" in str(skipped.skip_message)


def test_a_webhook_that_is_busy_is_asked_again(
    webhook: Platform, seen: Callable[[], object]
) -> None:
    webhook.route = lambda _: Answer(status=200 if len(webhook.calls) > 2 else 503)
    assert seen() is None
    assert len(webhook.calls) == 3
    assert len(set(webhook.bodies)) == 1


@pytest.mark.parametrize(
    ("status", "said"), [(404, "refused"), (302, "refused"), (500, "could not be reached")]
)
def test_a_webhook_that_will_not_is_said_without_its_address(
    status: int,
    said: str,
    webhook: Platform,
    seen: Callable[[], object],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    webhook.route = lambda _: Answer(status=status)
    with pytest.raises(AlertNotSentError, match=said) as e:
        seen()
    assert len(webhook.calls) == (3 if status == 500 else 1)
    assert "SECRET" not in str(e.value)
    assert "SECRET" not in caplog.text


def test_the_address_is_masked_and_a_wrong_one_is_not_quoted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALERT_WEBHOOK_URL", "https://example.com/SECRET")
    assert "SECRET" not in repr(AlertSettings())
    monkeypatch.setenv("ALERT_WEBHOOK_URL", "ftp://example.com/SECRET")
    with pytest.raises(ValueError, match="begins with https://") as error:
        AlertSettings()
    assert "SECRET" not in str(error.value)
