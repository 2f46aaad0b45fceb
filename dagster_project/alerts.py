"""What failed, told to a webhook: runs, and checks in runs that went on all the same.

Owns when somebody is told and in which words: names of ours and counts; no row, no value, and no
message of an error, since those may quote people's data. A trouble that the run before had too was
told then.
"""

from dataclasses import dataclass
from typing import Any, Final

import dagster as dg

from dagster_project.settings import AlertSettings
from dagster_project.webhook import post

# After longer a trouble is told again, though the run before had it too: jobs of once a day.
_TOLD_FOR_SECONDS: Final = 3600.0
_FINISHED: Final = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]
_EVENTS: Final = {
    dg.DagsterEventType.STEP_FAILURE,
    dg.DagsterEventType.ASSET_CHECK_EVALUATION,
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that failed in a run: the same name again is the same trouble."""

    kind: str  # check, step or run
    name: str
    detail: str

    @property
    def sentence(self) -> str:
        """Return it for people."""
        return f"{self.kind} {self.name}: {self.detail}"


def troubles_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> list[Trouble]:
    """Return what failed in the run, in order; nothing of one that is well."""
    found = []
    for entry in instance.all_logs(run.run_id, of_type=_EVENTS):
        if (event := entry.dagster_event) is None:
            continue
        if event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            evaluation = event.asset_check_evaluation_data
            if not evaluation.passed:
                found.append(_failed_check(evaluation))
        elif event.step_key is not None:
            found.append(Trouble("step", event.step_key, _class_of(event)))
    if not found and run.status is dg.DagsterRunStatus.FAILURE:
        found.append(Trouble("run", run.job_name, "ended without an error of a step"))
    return found


def _failed_check(evaluation: dg.AssetCheckEvaluation) -> Trouble:
    name = f"{evaluation.check_name} of {evaluation.asset_key.to_user_string()}"
    rows = evaluation.metadata.get("offending_rows")
    return Trouble("check", name, f"{rows.value} rows" if rows else "failed")


def _class_of(event: dg.DagsterEvent) -> str:
    """Return what kind of error ended the step; its words may quote data."""
    error = event.step_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    return (error.cls_name if error else None) or "failed"


def unheard(instance: dg.DagsterInstance, run: dg.DagsterRun) -> list[Trouble]:
    """Return the run's troubles that nobody was told of with the run before."""
    found = troubles_of(instance, run)
    earlier = dg.RunsFilter(job_name=run.job_name, statuses=_FINISHED)
    ended = {one.dagster_run.run_id: one for one in instance.get_run_records(earlier, limit=50)}
    known: set[str] = set()
    if found and (before := _before(list(ended), run.run_id)) is not None:
        (this,) = instance.get_run_records(dg.RunsFilter(run_ids=[run.run_id]))
        record = ended[before]
        if (this.end_time or 0) - (record.end_time or 0) < _TOLD_FOR_SECONDS:
            known = {one.name for one in troubles_of(instance, record.dagster_run)}
    return [one for one in found if one.name not in known]


def _before(newest_first: list[str], run_id: str) -> str | None:
    """Return the run before this one; of a run too long ago to be among them, none."""
    later = newest_first.index(run_id) if run_id in newest_first else len(newest_first)
    return newest_first[later + 1] if later + 1 < len(newest_first) else None


def alert(run: dg.DagsterRun, troubles: list[Trouble]) -> dict[str, Any]:
    """Return what the webhook gets: `text` is what chats show, the rest is for machines."""
    is_failure = run.status is dg.DagsterRunStatus.FAILURE
    what = "failed" if is_failure else "went on with failed checks"
    lines = [f"{run.job_name} {what} (run {run.run_id})", *(one.sentence for one in troubles)]
    return {
        "text": "\n".join(lines),
        "job": run.job_name,
        "runId": run.run_id,
        "isFailure": is_failure,
        "troubles": [
            {"kind": one.kind, "name": one.name, "detail": one.detail} for one in troubles
        ],
    }


def tell(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.SkipReason | None:
    """Tell the webhook what is new about the run; say why where nothing is told."""
    url = AlertSettings().alert_webhook_url
    if url is None:
        return dg.SkipReason("nobody is to be told: ALERT_WEBHOOK_URL is not set")
    troubles = unheard(instance, run)
    if not troubles:
        return dg.SkipReason("nothing failed that the run before had not told")
    post(url.get_secret_value(), alert(run, troubles))
    return None


@dg.run_failure_sensor(default_status=dg.DefaultSensorStatus.RUNNING)
def failed_runs(context: dg.RunFailureSensorContext) -> dg.SkipReason | None:
    """Tell of every run that failed, of any job."""
    return tell(context.instance, context.dagster_run)


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS, default_status=dg.DefaultSensorStatus.RUNNING
)
def failed_checks(context: dg.RunStatusSensorContext) -> dg.SkipReason | None:
    """Tell of checks that failed in a run that went on, of any job."""
    return tell(context.instance, context.dagster_run)
