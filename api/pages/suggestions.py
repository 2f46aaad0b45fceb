"""Suggestions: both sides beside each other, with what speaks for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import msgspec
from fastapi import APIRouter, Response

from api.commands.routes import TheCommands
from api.live_view.reader import Reader
from api.pages.site import PageRoute, TheVisit
from api.view import View
from streams.contracts.customers import Customer
from streams.contracts.messages import MessageFact
from streams.contracts.suggestions import LinkSuggestion
from warehouse.connection import quoted

router = APIRouter(include_in_schema=False, route_class=PageRoute)

_AT_ONCE: Final = 30


@dataclass(frozen=True, slots=True)
class Question:
    """A suggestion with its two sides, where there are customers, and what was said."""

    suggestion: LinkSuggestion
    one: Customer | None
    other: Customer | None
    said: str | None


@router.get("/suggestions")
async def listed(visit: TheVisit, view: View, commands: TheCommands) -> Response:
    """Show what is open, the newest first; once some are decided, the older ones follow."""
    found = await commands.view.suggestions(visit.tenant_id, "open", None, _AT_ONCE + 1)
    questions = await view.ask(
        partial(questions_of, tenant_id=visit.tenant_id, suggestions=found[:_AT_ONCE])
    )
    return visit.html("suggestions.html", questions=questions, is_more=len(found) > _AT_ONCE)


def questions_of(
    reader: Reader, *, tenant_id: str, suggestions: Sequence[LinkSuggestion]
) -> list[Question]:
    """Return the suggestions with what one looks at to decide."""

    def side(customer_id: str | None) -> Customer | None:
        found = reader.lookups.living(tenant_id, customer_id) if customer_id else None
        return found.record if found else None

    questions = []
    for suggestion in suggestions:
        one, other = side(suggestion.customer_id), side(suggestion.other_customer_id)
        said = _text_of(tenant_id, suggestion.message_id, (one, other), reader)
        questions.append(Question(suggestion, one, other, said))
    return questions


def _text_of(
    tenant_id: str,
    message_id: str,
    sides: Sequence[Customer | None],
    reader: Reader,
) -> str | None:
    """Return what the message said that the suggestion rests on: one of the two wrote it."""
    ids = {identity.external_id for side in sides if side for identity in side.identities}
    if not ids:
        return None
    found = reader.execute(
        # Literals, because DuckDB looks up no bound list in an index; quoted, so never SQL.
        "select document from raw.customer_messages "  # noqa: S608
        f"where external_id in ({', '.join(map(quoted, ids))}) "
        "and tenant_id = $tenant_id and message_id = $message_id limit 1",
        {"tenant_id": tenant_id, "message_id": message_id},
    ).fetchall()
    return msgspec.json.decode(found[0][0], type=MessageFact).text if found else None
