"""What commands need of the live view: the port, and what it tells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from api.live_view.commands import CommandOutcome
from streams.contracts.customers import Customer
from streams.contracts.suggestions import LinkSuggestion, SuggestionStatus


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of suggestions ends: behind this one."""

    said_at: datetime
    suggestion_id: str


class CommandView(Protocol):
    """The view as it is at each call, of one tenant; other tenants' things are not there.

    Each raises ProblemError (503) while the view catches up.
    """

    async def customer(self, tenant_id: str, customer_id: str) -> Customer | None:
        """Return the customer, a merged one too."""
        ...

    async def customers_with(
        self, tenant_id: str, identities: Sequence[tuple[str, str]]
    ) -> Sequence[str]:
        """Return the ids of those who have these (channel id, external id) now."""
        ...

    async def holders_of(self, tenant_id: str, values: Sequence[str]) -> Mapping[str, str]:
        """Return who has these phones (+ and digits) and addresses, by phone or address."""
        ...

    async def region_of(self, tenant_id: str) -> str | None:
        """Return the region that a command set in the tenant's policy."""
        ...

    async def wait_for_command(
        self, tenant_id: str, command_id: str, timeout_seconds: float
    ) -> CommandOutcome | None:
        """Return the command's answer once there is one; None if that takes longer."""
        ...

    async def suggestion(self, tenant_id: str, suggestion_id: str) -> LinkSuggestion | None:
        """Return the suggestion."""
        ...

    async def suggestions(
        self, tenant_id: str, status: SuggestionStatus | None, after: Place | None, limit: int
    ) -> Sequence[LinkSuggestion]:
        """Return those behind a place, the newest first."""
        ...
