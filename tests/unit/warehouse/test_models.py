"""The models' headers are true: purpose, grain, what they read, and a word on every column."""

import re
from pathlib import Path

import pytest

from pipelines.raw_tables import (
    CONVERSATIONS,
    CUSTOMER_EVENTS,
    CUSTOMER_MESSAGES,
    CUSTOMERS,
    RawTable,
    tables_by_topic,
)
from tests.unit.pipelines.builders import START
from warehouse.connection import open_memory
from warehouse.errors import CyclicModelsError
from warehouse.model_files import Model, models, read_model
from warehouse.runner import refresh
from warehouse.time_zones import TimeZones

MARTS = [model for model in models() if model.schema == "marts"]


@pytest.mark.parametrize("model", models(), ids=lambda model: model.qualified)
def test_a_model_reads_what_its_header_says(model: Model) -> None:
    body = "\n".join(line.split("--")[0] for line in model.query.splitlines())
    names = r"\b(?:raw|staging|refresh|marts)\.\w+"
    if model.schema == "touched":
        names += r"|\b(?:touched|changed|recounted|restated)_\w+"
    assert set(re.findall(names, body)) == set(model.reads)


@pytest.mark.parametrize("model", models(), ids=lambda model: model.qualified)
def test_marts_never_read_raw(model: Model) -> None:
    sets = ("touched_", "changed_", "recounted_", "restated_")
    allowed = {
        "staging": ("raw.",),
        "touched": ("raw.", "refresh.", "staging.", "marts.", *sets),
        "marts": ("staging.", "marts."),
    }[model.schema]
    assert all(name.startswith(allowed) for name in model.reads)


@pytest.mark.parametrize("model", MARTS, ids=lambda model: model.name)
def test_every_column_of_a_mart_is_described_and_its_grain_exists(model: Model) -> None:
    with open_memory() as connection:
        refresh(connection, now=START, time_zones=TimeZones())
        columns = [row[0] for row in connection.execute(f"describe {model.qualified}").fetchall()]
    assert [name for name, _ in model.described] == columns
    assert set(model.grain) <= set(columns)


@pytest.mark.parametrize(
    "table",
    [CONVERSATIONS, CUSTOMERS, CUSTOMER_EVENTS, CUSTOMER_MESSAGES],
    ids=lambda table: table.name,
)
def test_what_came_is_looked_for_on_the_topic_that_fills_the_table(table: RawTable) -> None:
    topic = next(name for name, one in tables_by_topic("prefix.").items() if one is table)
    (looked_for,) = {
        found
        for model in models()
        for found in re.findall(rf"from {table.qualified} as r\nsemi join .+'(.+)'", model.query)
    }
    assert topic.endswith(looked_for)


def test_models_come_behind_what_they_read() -> None:
    names = [model.qualified for model in models()]
    assert names.index("marts.messages") > names.index("marts.conversations")
    assert names.index("marts.conversations") > names.index("marts.customer_identities")
    assert names.index("marts.customer_stats") > names.index("marts.messages")
    assert names.index("marts.conversations") > names.index("touched_conversations")
    assert names.index("touched_dialogues") > names.index("marts.messages")


def model_file(folder: Path, name: str, reads: str) -> None:
    (folder / "staging").mkdir(exist_ok=True)
    (folder / "marts").mkdir(exist_ok=True)
    text = f"-- Something.\n-- grain: a   reads: {reads}\nselect 1 as a\n"
    (folder / "marts" / f"{name}.sql").write_text(text, encoding="utf-8")


def test_models_in_a_circle_are_refused_by_name(tmp_path: Path) -> None:
    model_file(tmp_path, "one", "marts.two")
    model_file(tmp_path, "two", "marts.one")
    with pytest.raises(CyclicModelsError, match=r"marts\.one"):
        models(tmp_path)


def test_a_model_that_reads_what_nobody_makes_is_refused(tmp_path: Path) -> None:
    model_file(tmp_path, "one", "marts.nowhere")
    with pytest.raises(CyclicModelsError, match="no such model"):
        models(tmp_path)


def test_a_model_without_a_header_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bare.sql"
    path.write_text("select 1", encoding="utf-8")
    with pytest.raises(ValueError, match="begin with"):
        read_model(path, "marts")
