"""Customers as a file: CSV for a spreadsheet, Parquet for everything else; never all in memory."""

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
from fastapi import APIRouter, Query
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from api.access.callers import Viewer
from api.customer_query import FILTER_PARAMETERS, Wanted
from api.live_view.filters import CustomerFilter, conditions
from api.live_view.reader import Reader
from api.live_view.search import search_for
from api.view import View

router = APIRouter(prefix="/api/exports", tags=["exports"])

Format = Literal["csv", "parquet"]

_ROWS_AT_ONCE: Final = 20_000
_NOBODY: Final = -1  # a number that no customer has
_MEDIA_TYPES: Final[dict[Format, str]] = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}
_CONTENT: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "the file",
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}}
            for kind in ("text/csv", "application/vnd.apache.parquet")
        },
    }
}
_COLUMNS: Final = """
    customer_id as "customerId", said."displayName" as "displayName", status, source,
    said.metadata.channel as "firstChannel", created_at as "createdAt",
    last_seen_at as "lastSeenAt", last_inbound_at as "lastInboundAt",
    array_to_string(phones, '|') as phones, array_to_string(emails, '|') as emails,
    array_to_string(channel_ids, '|') as channels, array_to_string(tags, '|') as tags,
    coalesce(said."customAttributes", '{}')::varchar as "customAttributes", blocked,
    said.metadata."originalExternalId" as "originalExternalId"
"""
# What is in the document alone.
_SAID: Final = """
    from_json(document, '{
        "displayName": "VARCHAR", "customAttributes": "JSON",
        "metadata": {"channel": "VARCHAR", "originalExternalId": "VARCHAR"}
    }')
"""
# What people or platforms wrote, and a spreadsheet might take for a formula.
_WRITTEN: Final = ("displayName", "tags", "originalExternalId")
_TIMES: Final = ("createdAt", "lastSeenAt", "lastInboundAt")
_FORMULA: Final = r"^[=@\t\r]|^[+-][^0-9]"


@router.get(
    "/customers",
    summary="Customers as a file",
    responses=_CONTENT,
    openapi_extra={"parameters": FILTER_PARAMETERS},
)
async def export_customers(
    caller: Viewer,
    wanted: Wanted,
    view: View,
    *,
    form: Annotated[
        Format, Query(alias="format", description="lists stand in one cell, apart by |")
    ] = "csv",
) -> FileResponse:
    """Return all customers of the list's filters, the first one first. Times are UTC."""
    region = await view.region(caller.tenant_id) if wanted.search else None
    path = await view.ask(
        partial(
            written,
            wanted=wanted,
            form=form,
            now=datetime.now(UTC),
            time_zone=view.time_zone(caller.tenant_id),
            region=region,
        ),
        is_long=True,
    )
    return FileResponse(
        path,
        media_type=_MEDIA_TYPES[form],
        filename=f"customers-{datetime.now(UTC):%Y-%m-%d}.{form}",
        background=BackgroundTask(path.unlink),
    )


def written(
    reader: Reader,
    *,
    wanted: CustomerFilter,
    form: Format,
    now: datetime,
    time_zone: str,
    region: str | None = None,
) -> Path:
    """Return a new file with the customers, which the caller removes."""
    asked = conditions(wanted, now=now, time_zone=time_zone)
    source, where, given = "raw.customers", asked.where, asked.given
    if (search := search_for(wanted.search, region)) is not None:
        where.append(search.condition(given))
        if (candidates := search.candidates(reader.lookups)) is not None:
            # Literals, because DuckDB looks up no bound list in an index.
            numbers = ", ".join(map(str, [*candidates, _NOBODY]))
            source = f"(from raw.customers where number in ({numbers}))"
    rows = f"select *, {_SAID} as said from {source} where {' and '.join(where)}"  # noqa: S608
    query = f"select {_COLUMNS} from ({rows})"  # noqa: S608 - our names
    batches: Any = reader.connection.sql(query, params=given).to_arrow_reader(_ROWS_AT_ONCE)
    with tempfile.NamedTemporaryFile(suffix=f".{form}", delete=False) as file:
        path = Path(file.name)
        try:
            shape = _harmless(batches.schema.empty_table()) if form == "csv" else batches
            with _WRITERS[form](file, shape.schema) as writer:
                for batch in batches:
                    writer.write_batch(_harmless(batch) if form == "csv" else batch)
        except BaseException:
            path.unlink()
            raise
    return path


_WRITERS: Final[dict[Format, Callable[..., Any]]] = {
    "csv": pyarrow.csv.CSVWriter,
    "parquet": pyarrow.parquet.ParquetWriter,
}


def _harmless(batch: Any) -> Any:
    """Return the rows with an apostrophe before what a spreadsheet would carry out, and times as
    everywhere else in the API.
    """
    for name in _WRITTEN:
        column = batch.column(name)
        is_formula = pc.match_substring_regex(column, _FORMULA)
        safe = pc.if_else(is_formula, pc.binary_join_element_wise("'", column, ""), column)
        batch = batch.set_column(batch.schema.get_field_index(name), name, safe)
    for name in _TIMES:
        text = pc.strftime(batch.column(name), "%Y-%m-%dT%H:%M:%SZ")
        batch = batch.set_column(batch.schema.get_field_index(name), name, text)
    return batch
