"""A run that dies between any two statements of load, refresh and publish, and runs again."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
# Every point takes a second: CRASH_POINTS_STRIDE=1 tries them all.
STRIDE = int(os.environ.get("CRASH_POINTS_STRIDE", "67"))


def test_run_that_died_anywhere_runs_again_to_the_same_state(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.pipelines.crash_main", str(tmp_path), "3", str(STRIDE)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=3600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    calls, *lines = done.stdout.splitlines()
    outcomes = [json.loads(line) for line in lines]

    assert len(outcomes) == len(range(3, int(calls), STRIDE))
    assert all(one["died"] for one in outcomes)
    assert [one for one in outcomes if one["again"] != 0 or not one["is_equal"]] == []
    # Whoever reads meanwhile has the last good copy or the next one, never a part of one.
    assert {one["published"] for one in outcomes} <= {"old", "new"}
    assert all(one["left"] == ["analytics.duckdb", "w.duckdb"] for one in outcomes)
