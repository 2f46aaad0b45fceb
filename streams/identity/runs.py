"""A run of plain messages of one channel identity, joined at once: the usual traffic.

What it gives is what `join_observation` gives message by message, without making a root and an
identity for each: those it only counts. Whatever is not plain (a new claim, a platform's
conversation, a message older than the newest conversation, somebody new) ends the run and takes
the long way.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from streams.identity.evidence import Link
from streams.identity.observations import (
    identity_name,
    is_known,
    name_register,
    picture_register,
    profile_register,
    window_of_message,
)
from streams.identity.operations import Observe, Operation
from streams.identity.registers import newest
from streams.identity.state import Gaps, IdentityState, Root
from streams.identity.windows import KEPT, Window

_NEVER: Final = 1 << 80  # later than any message, and as a negative number earlier


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
    name = identity_name(first)
    known = root.identities.get(name)
    if known is None or not _is_open(known, root, first):
        return root, start
    gathering = _Gathering(known, root.links, gaps)
    place = gathering.take(operations, start)
    if not gathering.news:
        return root, place
    identities = {**root.identities, name: gathering.identity()}
    version = root.version + gathering.news
    return msgspec.structs.replace(root, identities=identities, version=version), place


def _is_open(known: IdentityState, root: Root, observe: Observe) -> bool:
    """Say whether a plain message moves the identity on: it has an open conversation."""
    seed = root.seeds.get(observe.identity_key)
    return bool(
        seed is not None
        and known.epoch == seed.epoch
        and known.identity_key == observe.identity_key
        and known.channel_type == observe.channel_type
        and known.windows
        and not known.windows[-1].platform_id
        and not known.spans
    )


class _Gathering:
    """An identity while a run is joined into it; `news` counts the messages that changed it."""

    __slots__ = (
        "_first_inbound_at_ms",
        "_gaps",
        "_known",
        "_last_inbound_at_ms",
        "_last_seen_at_ms",
        "_links",
        "_name",
        "_picture_url",
        "_username",
        "_window",
        "_windows",
        "news",
    )

    def __init__(self, known: IdentityState, links: Mapping[str, Link], gaps: Gaps) -> None:
        self._known = known
        self._links = links
        self._gaps = gaps
        self._last_seen_at_ms = known.last_seen_at_ms
        self._first_inbound_at_ms = known.first_inbound_at_ms
        self._last_inbound_at_ms = known.last_inbound_at_ms
        self._name = known.name
        self._picture_url = known.picture_url
        self._username = known.username
        self._windows: list[Window] = list(known.windows[:-1])
        self._window = known.windows[-1]
        self.news = 0

    def take(self, operations: Sequence[Operation], start: int) -> int:
        """Join the run's messages; return the place after the last. The first one must be of this
        identity.
        """
        known, gap_ms = self._known, self._gaps.conversation_ms
        channel_id, external_id = known.channel_id, known.external_id
        identity_key, channel_type = known.identity_key, known.channel_type
        span_from_ms, span_to_ms = self._span()
        started_at_ms, last_at_ms = self._window.started_at_ms, self._window.last_at_ms
        last_seen_at_ms = known.last_seen_at_ms
        place, end = start, len(operations)
        while place < end:
            observe = operations[place]
            if (
                type(observe) is not Observe
                or observe.platform_conversation_id
                or observe.is_answer
                # As old as the newest conversation's first message, or older: to be sorted in.
                or (at_ms := observe.at_ms) <= started_at_ms
                or observe.external_id != external_id
                or observe.channel_id != channel_id
                or observe.identity_key != identity_key
                or observe.channel_type != channel_type
                or (observe.claims and not is_known(observe, self._links))
            ):
                break
            is_inbound = observe.direction == "inbound"
            if is_inbound and not span_from_ms < at_ms < span_to_ms:
                break
            is_news = at_ms > last_at_ms
            if is_news:
                if at_ms > last_at_ms + gap_ms:
                    if len(self._windows) + 1 >= KEPT:
                        break
                    self._begin_window(observe, last_at_ms)
                    started_at_ms = at_ms
                last_at_ms = at_ms
            # It is later than the newest conversation's start, so never the first that was seen.
            if at_ms > last_seen_at_ms:
                last_seen_at_ms = at_ms
                is_news = True
            if is_inbound and self._take_inbound(at_ms):
                is_news = True
            if (observe.name or observe.picture_url or observe.username) and (
                self._take_profile(observe)
            ):
                is_news = True
            self.news += is_news
            place += 1
        self._window = _reaching(self._window, last_at_ms)
        self._last_seen_at_ms = last_seen_at_ms
        return place

    def _span(self) -> tuple[int, int]:
        """Return between which times what the person writes leaves an identity of one span: after
        a long silence somebody else may have the number (`is_of_one_span`).
        """
        first_at_ms, last_at_ms = self._first_inbound_at_ms, self._last_inbound_at_ms
        if first_at_ms is None or last_at_ms is None:
            return -_NEVER, _NEVER
        return first_at_ms - self._gaps.owner_ms, last_at_ms + self._gaps.owner_ms

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
        if observe.name:
            self._name = newest(self._name, name_register(observe))
        if observe.picture_url:
            self._picture_url = newest(self._picture_url, picture_register(observe))
        if observe.username:
            username = profile_register(observe.username, observe)
            self._username = newest(self._username, username)
        return before != (self._name, self._picture_url, self._username)

    def _begin_window(self, observe: Observe, ended_at_ms: int) -> None:
        self._windows.append(_reaching(self._window, ended_at_ms))
        self._window = window_of_message(observe)

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
            windows=(*self._windows, self._window),
        )


def _reaching(window: Window, last_at_ms: int) -> Window:
    if window.last_at_ms == last_at_ms:
        return window
    return msgspec.structs.replace(window, last_at_ms=last_at_ms)
