"""Customers as a file: CSV for a spreadsheet, Parquet for everything else; never all in memory."""

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
from fastapi import APIRouter, Query
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from api.access.callers import Viewer
from api.customer_query import FILTER_PARAMETERS, Wanted
from api.live_view.filters import CustomerFilter, conditions
from api.live_view.lookups import Lookups
from api.live_view.reader import Reader
from api.live_view.search import search_for
from api.view import View

router = APIRouter(prefix="/api/exports", tags=["exports"])

Format = Literal["csv", "parquet"]


class _Metadata(msgspec.Struct, frozen=True, rename="camel"):
    channel: str | None = None
    original_external_id: str | None = None


class _Said(msgspec.Struct, rename="camel"):
    """What stands in the record alone."""

    metadata: _Metadata = _Metadata()
    display_name: str | None = None
    custom_attributes: msgspec.Raw = msgspec.Raw(b"{}")


_decoder: Final = msgspec.json.Decoder(_Said)
_ROWS_AT_ONCE: Final = 20_000
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
# In the file's order; None is what the record alone says.
_COLUMNS: Final = {
    "customerId": "customer_id",
    "displayName": None,
    "status": "status",
    "source": "source",
    "firstChannel": None,
    "createdAt": "created_at",
    "lastSeenAt": "last_seen_at",
    "lastInboundAt": "last_inbound_at",
    "phones": "array_to_string(phones, '|')",
    "emails": "array_to_string(emails, '|')",
    "channels": "array_to_string(channel_ids, '|')",
    "tags": "array_to_string(tags, '|')",
    "customAttributes": None,
    "blocked": "blocked",
    "originalExternalId": None,
}
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
    where, given = asked.where, asked.given
    if (search := search_for(wanted.search, region)) is not None:
        where.append(search.condition(given))
    shown = ", ".join(f'{sql} as "{name}"' for name, sql in _COLUMNS.items() if sql is not None)
    query = f"select number, {shown} from raw.customers where {' and '.join(where)}"  # noqa: S608
    batches: Any = reader.connection.sql(query, params=given).to_arrow_reader(_ROWS_AT_ONCE)
    as_shown = partial(_shown, lookups=reader.lookups, is_harmless=form == "csv")
    with tempfile.NamedTemporaryFile(suffix=f".{form}", delete=False) as file:
        path = Path(file.name)
        try:
            nobody = as_shown(pa.RecordBatch.from_pylist([], schema=batches.schema))
            with _WRITERS[form](file, nobody.schema) as writer:
                for batch in batches:
                    writer.write_batch(as_shown(batch))
        except BaseException:
            path.unlink()
            raise
    return path


_WRITERS: Final[dict[Format, Callable[..., Any]]] = {
    "csv": pyarrow.csv.CSVWriter,
    "parquet": pyarrow.parquet.ParquetWriter,
}


def _shown(batch: Any, *, lookups: Lookups, is_harmless: bool) -> Any:
    """Return the rows as the file has them, without those whose record has gone meanwhile."""
    numbers = batch.column("number").to_pylist()
    documents = lookups.documents(numbers)
    said = [_decoder.decode(documents[number]) for number in numbers if number in documents]
    batch = batch.filter(pa.array([number in documents for number in numbers], pa.bool_()))
    in_record: dict[str, list[str | None]] = {
        "displayName": [one.display_name for one in said],
        "firstChannel": [one.metadata.channel for one in said],
        "customAttributes": [bytes(one.custom_attributes).decode() for one in said],
        "originalExternalId": [one.metadata.original_external_id for one in said],
    }
    shown = pa.RecordBatch.from_pydict(
        {
            name: pa.array(in_record[name], pa.string()) if sql is None else batch.column(name)
            for name, sql in _COLUMNS.items()
        }
    )
    return _harmless(shown) if is_harmless else shown


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
