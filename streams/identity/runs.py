"""A run of plain messages of one channel identity, joined at once: the usual traffic.

What it gives is what `join_observation` gives message by message, without making a root and an
identity for each: those it only counts. Whatever is not plain (claims, a platform's conversation,
a message older than the newest conversation, somebody new) ends the run and takes the long way.
"""

from collections.abc import Sequence

import msgspec

from streams.identity.observations import (
    identity_name,
    is_of_one_span,
    name_register,
    profile_register,
    window_of_message,
)
from streams.identity.operations import Observe, Operation
from streams.identity.registers import newest
from streams.identity.state import Gaps, IdentityState, Root
from streams.identity.windows import KEPT, Window


def join_run(
    root: Root, operations: Sequence[Operation], start: int, gaps: Gaps
) -> tuple[Root, int]:
    """Return the root knowing the run that begins at `start`, and the place after its last
    message: `start` itself where no run begins there. Nothing may be erased in the root, and no
    number have changed hands.
    """
    first = operations[start]
    if not isinstance(first, Observe):
        return root, start
    known = _known(root, first)
    if known is None:
        return root, start
    gathering = _Gathering(known, first, gaps)
    place = start
    while place < len(operations):
        operation = operations[place]
        if not (type(operation) is Observe and gathering.take(operation)):
            break
        place += 1
    if not gathering.news:
        return root, place
    identities = {**root.identities, identity_name(first): gathering.identity()}
    version = root.version + gathering.news
    return msgspec.structs.replace(root, identities=identities, version=version), place


def _known(root: Root, observe: Observe) -> IdentityState | None:
    """Return the identity that the message may move on, where it has an open conversation."""
    known = root.identities.get(identity_name(observe))
    seed = root.seeds.get(observe.identity_key)
    if known is None or seed is None or known.epoch != seed.epoch:
        return None
    if known.identity_key != observe.identity_key or known.channel_type != observe.channel_type:
        return None
    is_open = known.windows and not known.windows[-1].platform_id
    return known if is_open and not known.spans else None


class _Gathering:
    """An identity while a run is joined into it; `news` counts the messages that changed it."""

    __slots__ = (
        "_first_inbound_at_ms",
        "_gaps",
        "_known",
        "_last_at_ms",
        "_last_inbound_at_ms",
        "_last_seen_at_ms",
        "_name",
        "_picture_url",
        "_sender",
        "_username",
        "_window",
        "_windows",
        "news",
    )

    def __init__(self, known: IdentityState, first: Observe, gaps: Gaps) -> None:
        self._known = known
        self._sender = (first.channel_id, first.external_id, first.identity_key, first.channel_type)
        self._gaps = gaps
        self._last_seen_at_ms = known.last_seen_at_ms
        self._first_inbound_at_ms = known.first_inbound_at_ms
        self._last_inbound_at_ms = known.last_inbound_at_ms
        self._name = known.name
        self._picture_url = known.picture_url
        self._username = known.username
        self._windows: list[Window] = list(known.windows[:-1])
        self._window = known.windows[-1]
        self._last_at_ms = self._window.last_at_ms
        self.news = 0

    def take(self, observe: Observe) -> bool:
        """Join the message; False, and nothing done, where it is not of the run."""
        at_ms = observe.at_ms
        if (
            observe.claims
            or observe.platform_conversation_id
            # As old as the newest conversation's first message, or older: it needs sorting in.
            or at_ms <= self._window.started_at_ms
            or (observe.channel_id, observe.external_id, observe.identity_key, observe.channel_type)
            != self._sender
        ):
            return False
        is_inbound = observe.direction == "inbound"
        # After a long silence somebody else may have the number.
        if is_inbound and not is_of_one_span(self._known, at_ms, self._gaps):
            return False
        is_news = False
        if at_ms > self._last_at_ms:
            if at_ms > self._last_at_ms + self._gaps.conversation_ms:
                if len(self._windows) + 1 >= KEPT:
                    return False
                self._windows.append(self._ended_window())
                self._window = window_of_message(observe)
            self._last_at_ms = at_ms
            is_news = True
        # It is later than the newest conversation's start, so never the first that was seen.
        if at_ms > self._last_seen_at_ms:
            self._last_seen_at_ms = at_ms
            is_news = True
        if is_inbound:
            is_news = self._take_inbound(at_ms) or is_news
        if observe.name or observe.picture_url or observe.username:
            is_news = self._take_profile(observe) or is_news
        self.news += is_news
        return True

    def _take_inbound(self, at_ms: int) -> bool:
        first_at_ms, last_at_ms = self._first_inbound_at_ms, self._last_inbound_at_ms
        if first_at_ms is None or last_at_ms is None:
            self._first_inbound_at_ms = self._last_inbound_at_ms = at_ms
        elif at_ms > last_at_ms:
            self._last_inbound_at_ms = at_ms
        elif at_ms < first_at_ms:
            self._first_inbound_at_ms = at_ms
        else:
            return False
        return True

    def _take_profile(self, observe: Observe) -> bool:
        before = (self._name, self._picture_url, self._username)
        self._name = newest(self._name, name_register(observe))
        self._picture_url = newest(
            self._picture_url, profile_register(observe.picture_url, observe)
        )
        self._username = newest(self._username, profile_register(observe.username, observe))
        return before != (self._name, self._picture_url, self._username)

    def _ended_window(self) -> Window:
        window, last_at_ms = self._window, self._last_at_ms
        if window.last_at_ms == last_at_ms:
            return window
        return msgspec.structs.replace(window, last_at_ms=last_at_ms)

    def identity(self) -> IdentityState:
        """Return the identity that knows the whole run."""
        return msgspec.structs.replace(
            self._known,
            last_seen_at_ms=self._last_seen_at_ms,
            first_inbound_at_ms=self._first_inbound_at_ms,
            last_inbound_at_ms=self._last_inbound_at_ms,
            name=self._name,
            picture_url=self._picture_url,
            username=self._username,
            windows=(*self._windows, self._ended_window()),
        )
