"""A command on its way: on Kafka before anything is answered, then until the view shows it."""

import asyncio
import logging
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from api.commands.asked import shows
from api.commands.view import CommandView
from api.live_view.commands import CommandOutcome
from api.outbox import NotTakenError, Outbox
from api.problems import ProblemError
from streams import topics
from streams.contracts.commands import AnyCustomerCommand, ImportContact
from streams.contracts.suggestions import LinkSuggestion
from streams.contracts.wire import encode

logger = logging.getLogger(__name__)

# What somebody waits for without wondering. A worker and the view take a fraction of a second.
WAIT_SECONDS: Final = 5.0
_RECORD_SECONDS: Final = 1.0  # the answer is there, and the customer's record on its way
_LOOK_AGAIN_SECONDS: Final = 0.03


@dataclass(frozen=True, slots=True)
class Applied:
    """The command was carried out, and the view shows it."""

    command_id: str
    customer_id: str | None


@dataclass(frozen=True, slots=True)
class Refused:
    """The command was not carried out."""

    command_id: str
    why: str
    customer_id: str | None


@dataclass(frozen=True, slots=True)
class Pending:
    """Kafka has the command; no worker has answered in time. It is carried out when one does."""

    command_id: str


Fate = Applied | Refused | Pending


class Commands:
    """Sends commands, and waits for what becomes of them."""

    def __init__(
        self,
        outbox: Outbox,
        view: CommandView,
        *,
        topic_prefix: str,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self._outbox = outbox
        self.view = view  # shows what commands change
        self._topic = topics.full_name(topics.CUSTOMER_COMMANDS, topic_prefix)
        self._wait_seconds = wait_seconds

    async def fate(self, tenant_id: str, command_id: str) -> Fate:
        """Return what has become of a command until now."""
        return _fate(command_id, await self.view.wait_for_command(tenant_id, command_id, 0))

    async def carry_out(self, command: AnyCustomerCommand) -> Fate:
        """Send the command and return what became of it. Raises ProblemError: 503 where Kafka may
        not have it.
        """
        await self.send(command, key=command.customer_id)
        outcome = await self.view.wait_for_command(
            command.tenant_id, command.id, self._wait_seconds
        )
        if outcome is not None and outcome.is_applied:
            await self._shown(command)
        return _fate(command.id, outcome)

    async def send(self, command: AnyCustomerCommand | ImportContact, *, key: str) -> None:
        """Have Kafka hold the command. Raises ProblemError (503)."""
        try:
            await self._outbox.put(self._topic, encode(command), key=key.encode())
        except NotTakenError as error:
            logger.warning("A command of %s was not taken: %s", command.tenant_id, error)
            raise ProblemError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"{error}: call again with the same Idempotency-Key, and it is done once",
                headers={"Retry-After": "5"},
            ) from error

    async def judged(self, tenant_id: str, suggestion_id: str) -> LinkSuggestion | None:
        """Return the suggestion once it is no longer open, or as it is after a moment."""
        deadline = time.monotonic() + _RECORD_SECONDS
        while True:
            found = await self.view.suggestion(tenant_id, suggestion_id)
            if found is None or found.status != "open" or time.monotonic() > deadline:
                return found
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    async def _shown(self, command: AnyCustomerCommand) -> None:
        """Return once the customer's record shows the change, or something else has changed it."""
        deadline = time.monotonic() + _RECORD_SECONDS
        while True:
            customer = await self.view.customer(command.tenant_id, command.customer_id)
            if shows(customer, command):
                return
            if time.monotonic() > deadline:
                logger.info("The view does not show command %s yet", command.id)
                return
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)


def _fate(command_id: str, outcome: CommandOutcome | None) -> Fate:
    if outcome is None:
        return Pending(command_id)
    if outcome.is_applied:
        return Applied(command_id, outcome.customer_id)
    return Refused(command_id, outcome.detail or "no reason was given", outcome.customer_id)
