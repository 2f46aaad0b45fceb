"""Importing people from a CSV file: looked at first (`dryRun`), then a command for each row."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from api.access.callers import Agent, Caller
from api.commands.asked import command_id
from api.commands.csv_rows import Fault, NoTableError, Row, ValidRow, rows_in
from api.commands.routes import TheCommands, TheRegions
from api.problems import ProblemError
from streams.contracts.commands import ImportContact

router = APIRouter(prefix="/api/imports", tags=["imports"])

_AT_ONCE: Final = 128  # of the outbox's 256 waiting records: others get through meanwhile
_FAULTS_SHOWN: Final = 100
_CSV: Final = "text/csv"


class _Answer(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class CellFault(_Answer):
    """What is wrong in a row."""

    column: str
    detail: str


class ImportedRow(_Answer):
    """What becomes of a row, by its line in the file."""

    line: int
    outcome: Literal["new", "known", "invalid"]
    customer_id: str | None = None
    command_id: str | None = None
    faults: list[CellFault] = []


class ImportReport(_Answer):
    """What an import does, or would do."""

    dry_run: bool
    new: int
    known: int
    invalid: int
    rows: list[ImportedRow]


@router.post(
    "",
    summary="Import people from a CSV file",
    response_model=ImportReport,
    status_code=HTTPStatus.ACCEPTED,
    responses={200: {"model": ImportReport, "description": "What an import would do (`dryRun`)"}},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                _CSV: {
                    "schema": {"type": "string"},
                    "example": "name,phone,email,tags,plan\n"
                    "Maria Silva,(11) 99999-8888,maria@example.com,vip|2026,gold\n",
                }
            },
        }
    },
)
async def bring(
    request: Request,
    caller: Agent,
    commands: TheCommands,
    regions: TheRegions,
    *,
    dry_run: Annotated[bool, Query(alias="dryRun", description="only say what would be")] = False,
    skip_invalid: Annotated[
        bool, Query(alias="skipInvalid", description="import the valid rows, name the others")
    ] = False,
) -> Response:
    """Keep up the customers of the phones and addresses, and make those whom nobody knows yet.

    Nothing is imported unless every row can be. What an import says weighs less than what an agent
    set, and more than a channel's profile. A row is one command, by what it says: the same file
    imported again changes nothing.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _CSV:
        raise ProblemError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"send the file itself, with Content-Type: {_CSV}"
        )
    region = await regions.of(caller.tenant_id)
    try:
        rows = await asyncio.to_thread(rows_in, await request.body(), region)
    except NoTableError as error:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from error
    values = [row.contact.named_by for row in rows if isinstance(row, ValidRow)]
    holders = await commands.view.holders_of(caller.tenant_id, values)
    if dry_run:
        return _report(rows, holders, {}, dry_run=True)
    if not skip_invalid:
        _require_valid(rows)
    sent = {
        row.number: _command(row, caller, datetime.now(UTC))
        for row in rows
        if isinstance(row, ValidRow)
    }
    await _send(list(sent.values()), commands)
    ids = {number: command.id for number, command in sent.items()}
    return _report(rows, holders, ids, dry_run=False)


async def _send(contacts: Sequence[ImportContact], commands: TheCommands) -> None:
    """Have Kafka hold all of them. Raises ProblemError (503): then some may be there already."""
    for start in range(0, len(contacts), _AT_ONCE):
        await asyncio.gather(
            *(commands.send(one, key=one.id) for one in contacts[start : start + _AT_ONCE])
        )


def _command(row: ValidRow, caller: Caller, now: datetime) -> ImportContact:
    contact = row.contact
    what = msgspec.to_builtins(contact)
    return ImportContact(
        id=command_id(caller.tenant_id, "", "import", what),
        tenant_id=caller.tenant_id,
        issued_at=now,
        issued_by=caller.issued_by,
        phone=contact.phone,
        email=contact.email,
        display_name=contact.name,
        tags=contact.tags,
        custom_attributes=contact.attributes,
    )


def _require_valid(rows: Sequence[Row]) -> None:
    faults = [
        (row.number, fault) for row in rows if not isinstance(row, ValidRow) for fault in row.faults
    ]
    if faults:
        places: list[Mapping[str, str]] = [
            {"in": "body", "at": f"line {number}, {fault.column}", "detail": fault.detail}
            for number, fault in faults[:_FAULTS_SHOWN]
        ]
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"nothing was imported, {len(faults)} cells are wrong: correct them, or pass "
            "skipInvalid=true; dryRun=true shows them all",
            errors=places,
        )


def _report(
    rows: Sequence[Row],
    holders: Mapping[str, str],
    command_ids: Mapping[int, str],
    *,
    dry_run: bool,
) -> JSONResponse:
    told = [_told(row, holders, command_ids) for row in rows]
    counts = Counter(row.outcome for row in told)
    report = ImportReport(
        dry_run=dry_run,
        new=counts["new"],
        known=counts["known"],
        invalid=counts["invalid"],
        rows=told,
    )
    status = HTTPStatus.OK if dry_run else HTTPStatus.ACCEPTED
    content: Any = report.model_dump(mode="json", by_alias=True)
    return JSONResponse(content, status_code=status)


def _told(row: Row, holders: Mapping[str, str], command_ids: Mapping[int, str]) -> ImportedRow:
    if not isinstance(row, ValidRow):
        return ImportedRow(
            line=row.number, outcome="invalid", faults=[_cell(fault) for fault in row.faults]
        )
    # The phone names the person where there is one: an address beside it is only said of them.
    customer_id = holders.get(row.contact.named_by)
    return ImportedRow(
        line=row.number,
        outcome="known" if customer_id else "new",
        customer_id=customer_id,
        command_id=command_ids.get(row.number),
    )


def _cell(fault: Fault) -> CellFault:
    return CellFault(column=fault.column, detail=fault.detail)
