"""Whom erasures are about, and which records on the topics are about them. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec

from streams.contracts.customers import CustomerEvent, ErasedIdentity
from streams.contracts.wire import Wire

_event_decoder: Final = msgspec.json.Decoder(CustomerEvent)


class _About(Wire, frozen=True, kw_only=True):
    """What of a fact, an event or a conversation says whose it is, and when it happened."""

    identity_id: str | None = None
    customer_id: str | None = None
    type: str | None = None
    sent_at: datetime | None = None
    started_at: datetime | None = None
    occurred_at: datetime | None = None


_about_decoder: Final = msgspec.json.Decoder(_About)


def erased_by(value: bytes) -> tuple[ErasedIdentity, ...]:
    """Return whom the event erases; nobody, where it is another event or none that can be read."""
    try:
        return _event_decoder.decode(value).erased
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ()


class Erasures:
    """The identities that were erased, of each with the time that it is about."""

    def __init__(self, erased: Iterable[ErasedIdentity] = ()) -> None:
        self._times: defaultdict[str, list[ErasedIdentity]] = defaultdict(list)
        for identity in erased:
            self._times[identity.identity_id].append(identity)

    def __len__(self) -> int:
        """Return how many identities there are."""
        return len(self._times)

    def cover(self, value: bytes) -> bool | None:
        """Say whether the record is about one of them; None where it cannot be read.

        A refusal is about no identity, but may repeat what its command said of the customer.
        """
        try:
            about = _about_decoder.decode(value)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        person = about.identity_id
        if person is None and about.type == "command.refused":
            person = about.customer_id
        at = about.sent_at or about.started_at or about.occurred_at
        return any(_is_then(one, at) for one in self._times.get(person or "", ()))


def _is_then(erased: ErasedIdentity, at: datetime | None) -> bool:
    if at is None:
        return erased.since is None
    return (erased.since is None or at >= erased.since) and (
        erased.until is None or at < erased.until
    )
