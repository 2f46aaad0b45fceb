"""Charts as Dagster makes them: real files, no Kafka, nobody who looks."""

import base64
from pathlib import Path
from typing import get_args

import dagster as dg

from dagster_project.definitions import defs
from warehouse.queries import FigureName


def test_every_night_all_figures_are_files_and_two_are_shown(warehouse: Path) -> None:
    result = defs.resolve_job_def("rebuild_marts").execute_in_process()
    assert result.success
    charts = {path.stem: path.read_bytes() for path in (warehouse.parent / "charts").iterdir()}
    assert set(charts) == set(get_args(FigureName))
    told = result.asset_materializations_for_node("charts")[0].metadata
    for name in ("growth", "activity_heat_map"):
        shown = told[name]
        assert isinstance(shown, dg.MarkdownMetadataValue)
        assert shown.md_str is not None
        data = shown.md_str.removeprefix(f"![{name}](data:image/png;base64,").removesuffix(")")
        assert base64.b64decode(data) == charts[name]


def test_loads_of_every_two_minutes_draw_nothing() -> None:
    nodes = {node.name for node in defs.resolve_job_def("load_and_refresh").graph.nodes}
    assert "analytics" in nodes
    assert not nodes & {"charts", "restated_days"}
