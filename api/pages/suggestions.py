"""Suggestions: both sides beside each other, with what speaks for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from fastapi import APIRouter, Response

from api.commands.routes import TheCommands
from api.live_view.lookups import Lookups
from api.pages.site import PageRoute, TheVisit
from api.view import View
from streams.contracts.customers import Customer
from streams.contracts.messages import MessageFact
from streams.contracts.suggestions import LinkSuggestion

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
    questions = questions_of(view.lookups(), visit.tenant_id, found[:_AT_ONCE])
    return visit.html("suggestions.html", questions=questions, is_more=len(found) > _AT_ONCE)


def questions_of(
    lookups: Lookups, tenant_id: str, suggestions: Sequence[LinkSuggestion]
) -> list[Question]:
    """Return the suggestions with what one looks at to decide."""

    def side(customer_id: str | None) -> Customer | None:
        found = lookups.living(tenant_id, customer_id) if customer_id else None
        return found.record if found else None

    questions = []
    for suggestion in suggestions:
        one, other = side(suggestion.customer_id), side(suggestion.other_customer_id)
        said = _text_of(lookups, suggestion, (one, other))
        questions.append(Question(suggestion, one, other, said))
    return questions


def _text_of(
    lookups: Lookups, suggestion: LinkSuggestion, sides: Sequence[Customer | None]
) -> str | None:
    """Return what the message said that the suggestion rests on: one of the two wrote it."""
    held = dict.fromkeys(
        (identity.channel_id, identity.external_id)
        for side in sides
        if side
        for identity in side.identities
    )
    for channel_id, external_id in held:
        document = lookups.message(
            suggestion.tenant_id, channel_id, external_id, suggestion.message_id
        )
        if document is not None:
            return msgspec.json.decode(document, type=MessageFact).text
    return None
