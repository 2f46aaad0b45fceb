"""Which customers a call's query asks for.

Read by one model at once: FastAPI by itself looks at each of a dozen parameters of each call, and
took longer for it than a search takes.
"""

from datetime import date, datetime, time
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from api.access.callers import Viewer
from api.live_view.filters import Activity, CustomerFilter
from api.live_view.search import LONGEST_SEARCH
from api.view import View

_LONGEST_NAME: Final = 256

_Name = Annotated[str | None, Field(min_length=1, max_length=_LONGEST_NAME)]
_Time = Annotated[
    date | datetime | None,
    Field(description="RFC 3339, or a day of the tenant's calendar", examples=["2026-11-01"]),
]


class CustomerQuery(BaseModel):
    """A list's filters as addresses have them; named as in `CustomerFilter`."""

    model_config = ConfigDict(alias_generator=to_camel)

    search: Annotated[
        str | None,
        Field(
            max_length=LONGEST_SEARCH,
            description="beginnings of words of the name, an e-mail address, a username or an id; "
            "a phone number in any notation, or its end",
            examples=["maria", "(11) 99999-8888"],
        ),
    ] = None
    channel: _Name = None
    channel_type: _Name = None
    status: Literal["active", "contacted"] | None = None
    activity: Annotated[
        Activity | None, Field(description="active: wrote within thirty of the tenant's days")
    ] = None
    created_from: _Time = None
    created_before: _Time = None
    last_seen_from: _Time = None
    last_seen_before: _Time = None
    source: _Name = None
    tag: _Name = None
    blocked: bool | None = None


# As OpenAPI describes them, for routes that ask for `Wanted`.
FILTER_PARAMETERS: Final[list[dict[str, Any]]] = [
    {
        "name": name,
        "in": "query",
        "required": False,
        "schema": {key: value for key, value in schema.items() if key != "description"},
        **({"description": schema["description"]} if "description" in schema else {}),
    }
    for name, schema in CustomerQuery.model_json_schema()["properties"].items()
]


async def wanted_customers(request: Request, caller: Viewer, view: View) -> CustomerFilter:
    """Return which customers the query asks for; always of the caller's own tenant. Raises
    RequestValidationError.
    """
    try:
        asked = CustomerQuery.model_validate(dict(request.query_params))
    except ValidationError as error:
        found = error.errors(include_url=False)
        raise RequestValidationError(
            [{**one, "loc": ("query", *one["loc"])} for one in found]
        ) from error
    zone = view.time_zone(caller.tenant_id)
    values: dict[str, Any] = {
        name: _instant(said, zone) if isinstance(said, date) else said for name, said in asked
    }
    return CustomerFilter(tenant_id=caller.tenant_id, **values)


Wanted = Annotated[CustomerFilter, Depends(wanted_customers)]


def _instant(said: date | datetime, zone: str) -> datetime:
    """Return the moment: a day begins at the tenant's midnight, a time without zone is theirs."""
    if not isinstance(said, datetime):
        said = datetime.combine(said, time.min)
    return said if said.tzinfo else said.replace(tzinfo=ZoneInfo(zone))
