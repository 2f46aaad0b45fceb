"""The live view as commands need it: its records as values, and a few questions of their own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import msgspec

from api.commands.view import Place
from api.live_view.commands import CommandOutcome
from api.live_view.policies import region_of
from api.live_view.reader import Reader
from api.live_view.view import LiveView
from streams.contracts.customers import Customer
from streams.contracts.suggestions import LinkSuggestion, SuggestionStatus

_suggestion_decoder: Final = msgspec.json.Decoder(LinkSuggestion)

_SUGGESTION: Final = """
    select document from raw.link_suggestions
    where suggestion_id = $suggestion_id and tenant_id = $tenant_id
"""
_SUGGESTIONS: Final = """
    select document from raw.link_suggestions
    where tenant_id = $tenant_id
        and ($status is null or status = $status)
        and ($said_at::timestamptz is null
            or (said_at, suggestion_id) < ($said_at::timestamptz, $suggestion_id))
    order by said_at desc, suggestion_id desc
    limit $limit
"""
# One scan of the tenant's customers, for a file of people.
_HOLDERS: Final = """
    with held as (
        select customer_id, unnest(list_concat(phones, emails)) as value
        from raw.customers
        where tenant_id = $tenant_id and merged_into is null
    )
    select value, min(customer_id)
    from held semi join (select unnest($values) as value) using (value)
    group by value
"""


@dataclass(frozen=True, slots=True)
class LiveCommandView:
    """A `CommandView` of the process's live view."""

    live: LiveView

    async def customer(self, tenant_id: str, customer_id: str) -> Customer | None:
        """Return the customer, a merged one too."""
        row = self.live.customer(tenant_id, customer_id)
        return None if row is None else row.record

    async def customers_with(
        self, tenant_id: str, identities: Sequence[tuple[str, str]]
    ) -> Sequence[str]:
        """Return the ids of those who have these (channel id, external id) now."""
        lookups = self.live.lookups()
        return list(
            dict.fromkeys(
                claim.customer_id
                for channel_id, external_id in identities
                for claim in lookups.claims(tenant_id, channel_id, external_id)
            )
        )

    async def holders_of(self, tenant_id: str, values: Sequence[str]) -> Mapping[str, str]:
        """Return who has these phones (+ and digits) and addresses, by phone or address."""
        given = {"tenant_id": tenant_id, "values": list(values)}
        return dict(await self.live.ask(partial(_rows, statement=_HOLDERS, given=given)))

    async def region_of(self, tenant_id: str) -> str | None:
        """Return the region that a command set in the tenant's policy."""
        return await self.live.ask(partial(region_of, tenant_id=tenant_id))

    async def wait_for_command(
        self, tenant_id: str, command_id: str, timeout_seconds: float
    ) -> CommandOutcome | None:
        """Return the command's answer once there is one; None if that takes longer."""
        return await self.live.wait_for_command(tenant_id, command_id, timeout_seconds)

    async def suggestion(self, tenant_id: str, suggestion_id: str) -> LinkSuggestion | None:
        """Return the suggestion."""
        given = {"tenant_id": tenant_id, "suggestion_id": suggestion_id}
        rows = await self.live.ask(partial(_rows, statement=_SUGGESTION, given=given))
        return _suggestion_decoder.decode(rows[0][0]) if rows else None

    async def suggestions(
        self, tenant_id: str, status: SuggestionStatus | None, after: Place | None, limit: int
    ) -> Sequence[LinkSuggestion]:
        """Return those behind a place, the newest first."""
        given = {
            "tenant_id": tenant_id,
            "status": status,
            "said_at": after.said_at if after else None,
            "suggestion_id": after.suggestion_id if after else None,
            "limit": limit,
        }
        rows = await self.live.ask(partial(_rows, statement=_SUGGESTIONS, given=given))
        return [_suggestion_decoder.decode(document) for (document,) in rows]


def _rows(reader: Reader, *, statement: str, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    return reader.execute(statement, given).fetchall()
