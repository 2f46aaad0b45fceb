"""The live view as the process that serves it has it: asked, listened to, and looked up in.

It is kept by a process of its own (`keeper`). What is asked of it stands in the modules beside:
functions of a `Reader`, module-level ones, because they go over to that process.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from api.live_view.changes import Changes
from api.live_view.commands import CommandOutcome, outcome_of
from api.live_view.customers import CustomersRequest, Sort, customers_among_all, customers_looked_up
from api.live_view.filters import CustomerFilter
from api.live_view.lookups import Lookups, StoredCustomer
from api.live_view.pages import Page
from api.live_view.policies import region_of
from api.live_view.process import ViewProcess
from api.live_view.protocol import Begin, Closed, Event, Fed, Opened, Progress
from api.live_view.reader import Reader
from api.live_view.tables import TABLES
from api.problems import ProblemError
from pipelines.batch import Partition
from streams import logs
from streams.cluster import ClusterSettings
from streams.topics import TopicSpec
from warehouse.time_zones import TimeZones

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")
Question = Callable[[Reader], Answer]

_PAUSE_SECONDS: Final = 1.0
_LOOK_AGAIN_SECONDS: Final = 0.5
_MOST_ANSWERS: Final = 1_000
# A process that has loaded millions of records has a heap so large and torn that each batch and
# each question takes it a third longer from then on.
_MOST_LOADED: Final = 250_000
_ANSWER_SECONDS = 1.0  # the clock goes on where no batch comes: a day ends, a week begins


class Asker(Protocol):
    """Whoever has the view's files open."""

    async def ask(self, question: Question[Answer], *, is_long: bool) -> Answer:
        """Return the answer to a question that can be pickled."""
        ...


@dataclass(slots=True)
class LiveView:
    """The view of one process, over a folder that is its own."""

    cluster: ClusterSettings
    folder: Path
    time_zones: TimeZones
    progress: Progress = field(default_factory=Progress)
    changes: Changes = field(default_factory=Changes)
    positions: dict[Partition, int] = field(default_factory=dict)
    batches: int = 0  # grows with each batch: the same number, the same answers
    _answers: dict[object, "asyncio.Future[Any]"] = field(default_factory=dict)
    _policies: int = 0  # grows with each batch that has any
    _regions: dict[tuple[str, int], str | None] = field(default_factory=dict)
    _answered_at: int = -1
    _answered_since: float = 0.0
    _lookups: Lookups | None = None
    _asker: Asker | None = None
    _keeping: "asyncio.Task[None] | None" = None
    _process: ViewProcess | None = None
    _is_ending: bool = False

    async def start(self) -> None:
        """Begin to keep it; it may be read once `is_ready`."""
        self._keeping = asyncio.create_task(self._keep_for_ever())

    async def stop(self) -> None:
        """Let the batch in hand be written, and the files be closed."""
        self._is_ending = True
        if self._keeping is None:
            return
        if self._process is not None:
            self._process.end()
        else:
            self._keeping.cancel()
        with suppress(asyncio.CancelledError):
            await self._keeping

    @property
    def is_ready(self) -> bool:
        """Say whether it has caught up once with what there was when it began."""
        return self.progress.is_ready

    async def ask(self, question: Question[Answer], *, is_long: bool = False) -> Answer:
        """Return the question's answer from one consistent state; one that takes seconds says so.
        Raises ProblemError (503) while the view catches up.
        """
        if (asker := self._asker) is None or not self.is_ready:
            raise self._unready()
        return await asker.ask(question, is_long=is_long)

    def customer(self, tenant_id: str, customer_id: str) -> StoredCustomer | None:
        """Return a customer's record; None where the tenant has none of this id. Raises
        ProblemError (503).
        """
        return self.lookups().customer(tenant_id, customer_id)

    def living(self, tenant_id: str, customer_id: str) -> StoredCustomer | None:
        """Return the customer that the id leads to: itself, or who it was merged into. Raises
        ProblemError (503).
        """
        return self.lookups().living(tenant_id, customer_id)

    async def customers(
        self, wanted: CustomerFilter, *, sort: Sort, cursor: str | None, limit: int
    ) -> Page:
        """Return a page of customers. Raises ProblemError: a wrong cursor; 503."""
        lookups = self.lookups()
        request = CustomersRequest(
            wanted=wanted,
            sort=sort,
            cursor=cursor,
            limit=limit,
            now=datetime.now(UTC),
            time_zone=self.time_zone(wanted.tenant_id),
            region=await self.region(wanted.tenant_id) if wanted.search else None,
        )
        if (found := customers_looked_up(request, lookups)) is not None:
            return found
        return await self.ask_once(
            (wanted, sort, cursor, limit),
            partial(customers_among_all, request=request),
        )

    async def region(self, tenant_id: str) -> str | None:
        """Return where the tenant's people dial from; None where its policy does not say."""
        asked = (tenant_id, self._policies)
        if asked not in self._regions:
            region = await self.ask(partial(region_of, tenant_id=tenant_id))
            if len(self._regions) >= _MOST_ANSWERS:
                self._regions.clear()
            self._regions[asked] = region
            return region
        return self._regions[asked]

    async def outcome_of(self, tenant_id: str, command_id: str) -> CommandOutcome | None:
        """Return what became of a command; None where the view does not know yet."""
        return await self.ask(partial(outcome_of, tenant_id=tenant_id, command_id=command_id))

    async def wait_for_command(
        self, tenant_id: str, command_id: str, timeout_seconds: float
    ) -> CommandOutcome | None:
        """Return what became of a command once the view shows it; None where that takes longer."""
        deadline = time.monotonic() + timeout_seconds
        while (found := await self.outcome_of(tenant_id, command_id)) is None:
            left = deadline - time.monotonic()
            # Looked at again now and then: a batch may have come between the look and the wait.
            if left <= 0:
                return None
            await self.changes.next_batch(min(left, _LOOK_AGAIN_SECONDS))
        return found

    def topic(self, table: str) -> TopicSpec:
        """Return the topic that fills a raw table."""
        return next(one.topic for one in TABLES if one.name == table)

    def time_zone(self, tenant_id: str) -> str:
        """Return whose days a tenant's are."""
        return self.time_zones.by_tenant.get(tenant_id, self.time_zones.default)

    async def ask_once(self, key: object, question: Question[Answer]) -> Answer:
        """Return the question's answer, worked out once for all who ask the same until the next
        batch, for a second at most. The key says what is asked, the tenant included. Raises as
        `ask` does.
        """
        self.lookups()  # while it catches up nothing is an answer that could be kept
        is_old = time.monotonic() - self._answered_since > _ANSWER_SECONDS
        if is_old or self._answered_at != self.batches or len(self._answers) > _MOST_ANSWERS:
            self._answers.clear()
            self._answered_at, self._answered_since = self.batches, time.monotonic()
        if (known := self._answers.get(key)) is None:
            known = self._answers[key] = asyncio.ensure_future(self.ask(question))
        # Whoever leaves must not take the answer from the others.
        found: Answer = await asyncio.shield(known)
        return found

    def lookups(self) -> Lookups:
        """Return where single customers are looked up: in the event loop, because to hand a lookup
        to a thread would take longer than it. Raises ProblemError (503) while the view catches up.
        """
        if self._lookups is None or not self.is_ready:
            raise self._unready()
        return self._lookups

    def hear(self, event: Event) -> None:
        """Have known what the one that keeps the view says."""
        match event:
            case Progress():
                self.progress = event
            case Opened(path):
                self._lookups = Lookups(path)
            case Closed():
                self._close()
            case Fed(positions, told, has_policies):
                self.positions = dict(positions)
                self._policies += has_policies
                self.batches += 1
                self.changes.publish(told, self.positions)

    def _unready(self) -> ProblemError:
        return ProblemError(
            HTTPStatus.SERVICE_UNAVAILABLE, self.progress.sentence, headers={"Retry-After": "2"}
        )

    def _close(self) -> None:
        if self._lookups is not None:
            self._lookups.close()
            self._lookups = None

    async def _keep_for_ever(self) -> None:
        begin = Begin(self.cluster, self.folder, logs.configured(), _MOST_LOADED)
        while not self._is_ending:
            self._asker = self._process = ViewProcess(begin, self.hear)
            is_in_order = False
            try:
                is_in_order = await self._process.run()
            except Exception:
                logger.exception("The view's process cannot be started, or not be heard")
            self._asker = self._process = None
            self._close()
            if is_in_order and not self._is_ending:
                self.progress = Progress(reason="all is loaded; the view is live in a moment")
            elif not self._is_ending:
                logger.warning("The view's process ended; it is started anew")
                self.progress = Progress(reason="the view starts anew: its process had ended")
                await asyncio.sleep(_PAUSE_SECONDS)
