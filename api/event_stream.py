"""Everything as it happens: server-sent events of one tenant, resumed where a connection broke."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from functools import partial
from typing import Annotated, Final, Literal

import msgspec
from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event

from api.access.callers import Access, Viewer
from api.live_view.changes import position_text, positions_of
from api.live_view.derived import KINDS, Change
from api.live_view.reader import Reader
from api.live_view.view import LiveView
from api.view import View
from pipelines.batch import Partition
from pipelines.raw_tables import CUSTOMERS, LINK_SUGGESTIONS
from streams.topics import full_name

router = APIRouter(prefix="/api/events", tags=["events"])

Kind = Literal["customer", "event", "message", "suggestion"]
# Who missed more than this looks at the lists instead: that is faster than to be told it all.
MOST_MISSED: Final = 1_000
# How often a stream that has nothing to say looks whether its key still opens anything, and says so
# to whoever ends connections that are silent.
_LOOK_SECONDS: Final = 10.0
_STILL_THERE: Final = format_sse_event(comment="still there")
_MEDIA_TYPE: Final = "text/event-stream"
_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class _About(msgspec.Struct, rename="camel"):
    """Whom a record is about: a customer's own id, or the one that others name."""

    id: str | None = None
    customer_id: str | None = None
    other_customer_id: str | None = None


_about = msgspec.json.Decoder(_About)


@router.get(
    "",
    summary="Follow what happens",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "server-sent events, until the caller goes",
            "content": {_MEDIA_TYPE: {"schema": {"type": "string"}}},
        }
    },
)
async def follow(
    caller: Viewer,
    view: View,
    request: Request,
    *,
    kinds: Annotated[
        list[Kind] | None, Query(description="what to be told of; without it, of everything")
    ] = None,
    customer: Annotated[
        str | None,
        Query(min_length=1, max_length=200, description="only what is about this customer"),
    ] = None,
    last_event_id: Annotated[str | None, Header(alias="Last-Event-ID", max_length=8000)] = None,
) -> StreamingResponse:
    """Send each record of `customers`, `customer-events`, `customer-messages` and
    `link-suggestions` once the view has it, as an event of its kind. `ready` comes first; `reset`
    where too much was missed: look at the lists, then go on. A record may come twice.
    """
    view.lookups()  # 503 while it catches up, before anything is streamed
    access: Access = request.app.state.access
    wanted = frozenset(kinds or KINDS.values())

    def events(changes: Sequence[Change]) -> Iterable[bytes]:
        for change in _of_interest(changes, wanted, customer):
            yield format_sse_event(event=change.kind, data_str=change.document)

    async def stream() -> AsyncIterator[bytes]:
        # A batch of changes at a time: to pass each through all layers takes longer than the rest.
        with view.changes.listener(caller.tenant_id) as listener:
            position = position_text(view.positions)
            if last_event_id:
                missed = await _missed(view, caller.tenant_id, last_event_id)
                if missed is None:
                    yield format_sse_event(event="reset", data_str="{}", id=position)
                yield b"".join(events(missed or ()))
            yield format_sse_event(event="ready", data_str="{}", id=position, retry=2_000)
            while access.is_still_valid(caller):
                batches = await listener.next(_LOOK_SECONDS)
                if listener.is_behind:
                    position = position_text(view.positions)
                    yield format_sse_event(event="reset", data_str="{}", id=position)
                    return
                for batch in batches:
                    # Behind the last one: who is cut off within a batch is told all of it again.
                    behind = format_sse_event(event="position", data_str="{}", id=batch.position)
                    yield b"".join([*events(batch.changes), behind])
                if not batches:
                    yield _STILL_THERE

    return StreamingResponse(stream(), media_type=_MEDIA_TYPE, headers=_HEADERS)


def _of_interest(
    changes: Sequence[Change], wanted: frozenset[str], customer_id: str | None
) -> list[Change]:
    found = [change for change in changes if change.kind in wanted]
    if customer_id is None:
        return found
    return [change for change in found if _is_about(change, customer_id)]


def _is_about(change: Change, customer_id: str) -> bool:
    about = _about.decode(change.document)
    if change.kind == "customer":
        return about.id == customer_id
    return customer_id in {about.customer_id, about.other_customer_id}


async def _missed(view: LiveView, tenant_id: str, last_event_id: str) -> list[Change] | None:
    """Return what came behind the position; None where it is too much, or no position of ours."""
    known = positions_of(last_event_id)
    present = dict(view.positions)
    if known is None or any(known.get(p, 0) > offset for p, offset in present.items()):
        return None
    behind = {place: known.get(Partition(*place), 0) for place in present}
    topics = {table: full_name(view.topic(table), view.cluster.topic_prefix) for table in KINDS}
    return await view.ask(
        partial(_changes_behind, tenant_id=tenant_id, behind=behind, topics=topics)
    )


def _changes_behind(
    reader: Reader, *, tenant_id: str, behind: Mapping[Partition, int], topics: Mapping[str, str]
) -> list[Change] | None:
    """Return what came behind these positions; None where it is too much."""
    found: list[Change] = []
    missed = 0
    for table, kind in KINDS.items():
        places = [
            (place.number, offset)
            for place, offset in behind.items()
            if place.topic == topics[table]
        ]
        if not places:
            continue
        given: dict[str, object] = {"tenant_id": tenant_id}
        either = []
        for number, offset in places:
            given |= {f"partition_{number}": number, f"offset_{number}": offset}
            either.append(f'("partition" = $partition_{number} and "offset" >= $offset_{number})')
        column = "document" if table == LINK_SUGGESTIONS.name else "number"
        rows = reader.execute(
            f"select {column} from raw.{table} "  # noqa: S608 - our own names
            f"where tenant_id = $tenant_id and ({' or '.join(either)}) "
            f'order by loaded_at, "partition", "offset" limit {MOST_MISSED + 1}',
            given,
        ).fetchall()
        missed += len(rows)
        if missed > MOST_MISSED:
            return None
        told = [value for (value,) in rows]
        if table != LINK_SUGGESTIONS.name:
            is_customer = table == CUSTOMERS.name
            look_up = reader.lookups.documents if is_customer else reader.lookups.entry_documents
            documents = look_up(told)
            # What has gone since then is not told.
            told = [documents[number] for number in told if number in documents]
        found += [Change(tenant_id, kind, document) for document in told]
    return found
