"""Who listens to what the view learns: in the process's event loop, each at their own pace."""

import asyncio
import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

import msgspec

from api.live_view.derived import Change
from pipelines.batch import Partition

# A listener who is further behind than this begins anew: memory is bounded, whoever sleeps.
_WAITING: Final = 5_000
Positions = Mapping[Partition, int]


@dataclass(frozen=True, slots=True)
class Told:
    """What one batch brought a tenant, and the position behind it, to go on from."""

    changes: Sequence[Change]
    position: str


@dataclass(slots=True, eq=False)
class Listener:
    """Somebody of one tenant who listens. `is_behind` once they were too slow: then they have to
    look at the present state, and listen anew.
    """

    tenant_id: str
    is_behind: bool = False
    _told: list[Told] = field(default_factory=list)
    _waiting: int = 0
    _woken: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, told: Told) -> None:
        """Have it told, unless too much waits already."""
        if self.is_behind:
            return
        self._told.append(told)
        self._waiting += len(told.changes)
        if self._waiting > _WAITING:
            self.is_behind = True
            self._told.clear()
        self._woken.set()

    async def next(self, timeout_seconds: float) -> list[Told]:
        """Return what was told since the last time; nothing where that takes too long."""
        if not self._told and not self.is_behind:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), timeout_seconds)
        self._woken.clear()
        told, self._told, self._waiting = self._told, [], 0
        return told


class Changes:
    """Tells listeners of their tenant's changes, and whoever waits that a batch came."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()
        self._batch_came = asyncio.Event()

    @contextmanager
    def listener(self, tenant_id: str) -> Iterator[Listener]:
        """Listen for the length of the block."""
        listener = Listener(tenant_id)
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def publish(self, changes: Sequence[Change], positions: Positions) -> None:
        """Tell everybody. In the event loop's thread."""
        self._batch_came.set()
        self._batch_came = asyncio.Event()
        if not self._listeners:
            return
        position = position_text(positions)
        by_tenant: dict[str, list[Change]] = {}
        for change in changes:
            by_tenant.setdefault(change.tenant_id, []).append(change)
        for listener in self._listeners:
            if found := by_tenant.get(listener.tenant_id):
                listener.tell(Told(found, position))

    async def next_batch(self, timeout_seconds: float) -> bool:
        """Return once a batch has come; False where that takes too long."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._batch_came.wait(), timeout_seconds)
            return True
        return False


def position_text(positions: Positions) -> str:
    """Return a text that names how far each partition was read: in any replica, at any time."""
    rows = sorted((p.topic, p.number, offset) for p, offset in positions.items())
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(rows)).decode().rstrip("=")


def positions_of(text: str) -> dict[Partition, int] | None:
    """Return the positions that the text names; None where it names none."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        rows = msgspec.msgpack.decode(raw, type=list[tuple[str, int, int]])
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        return None
    return {Partition(topic, number): offset for topic, number, offset in rows}
