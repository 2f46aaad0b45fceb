"""Conversations of one channel identity, as windows in time that join in any order.

A platform's own conversation id makes a window of its own; otherwise messages closer than the
gap share one, whose id derives from its earliest message. Bounded: the newest windows are kept.
"""

from typing import Final, Literal

import msgspec

from streams.identity.ids import Namespace

_CONVERSATIONS: Final = Namespace("conversation")
# More windows than this would make the state of a customer of many years grow without end; a
# message that is later than all of them still gets one.
KEPT: Final = 32


class Window(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One conversation: from its first message to its last, and who opened it."""

    started_at_ms: int
    first_message_id: str
    last_at_ms: int
    opened_by: Literal["inbound", "outbound"]
    id: str
    platform_id: str = ""


def window_of(
    identity: str,
    *,
    message_id: str,
    at_ms: int,
    direction: Literal["inbound", "outbound"],
    platform_id: str,
) -> Window:
    """Return the conversation that a message would be alone; `identity` names tenant and sender."""
    name = f"{identity} platform {platform_id}" if platform_id else f"{identity} {message_id}"
    return Window(at_ms, message_id, at_ms, direction, _CONVERSATIONS.id_of(name), platform_id)


def extended(windows: tuple[Window, ...], at_ms: int, gap_ms: int) -> tuple[Window, ...] | None:
    """Return the windows with the newest one reaching to `at_ms`, or None where that is not all
    there is to do: the usual message follows the newest conversation and needs no sorting.
    """
    if not windows:
        return None
    newest = windows[-1]
    if newest.platform_id or not newest.started_at_ms < at_ms <= newest.last_at_ms + gap_ms:
        return None
    if at_ms <= newest.last_at_ms:
        return windows
    return (*windows[:-1], msgspec.structs.replace(newest, last_at_ms=at_ms))


def joined(one: tuple[Window, ...], other: tuple[Window, ...], gap_ms: int) -> tuple[Window, ...]:
    """Return both histories as one: what touches is one conversation, ordered by start."""
    if not other or one == other:
        return one
    result: list[Window] = []
    by_platform: dict[str, int] = {}
    open_gap: int | None = None
    for window in sorted({*one, *other}, key=_order):
        place = by_platform.get(window.platform_id) if window.platform_id else open_gap
        if place is not None and (
            window.platform_id or window.started_at_ms <= result[place].last_at_ms + gap_ms
        ):
            earlier = result[place]
            if window.last_at_ms > earlier.last_at_ms:
                result[place] = msgspec.structs.replace(earlier, last_at_ms=window.last_at_ms)
            continue
        if window.platform_id:
            by_platform[window.platform_id] = len(result)
        else:
            open_gap = len(result)
        result.append(window)
    return tuple(result[-KEPT:])


def _order(window: Window) -> tuple[int, str, str, str, int]:
    return (
        window.started_at_ms,
        window.first_message_id,
        window.opened_by,
        # Before the end: two that begin alike keep their order when one of them grows.
        window.id,
        window.last_at_ms,
    )


def window_at(windows: tuple[Window, ...], at_ms: int, platform_id: str) -> Window | None:
    """Return the conversation in which a message of that time stands."""
    for window in reversed(windows):
        if window.platform_id != platform_id:
            continue
        if platform_id or window.started_at_ms <= at_ms <= window.last_at_ms:
            return window
    return None
