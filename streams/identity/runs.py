"""A run of plain messages of one channel identity, joined at once: the usual traffic.

What it gives is what `join_observation` gives message by message, without making a root and an
identity for each: those it only counts. Whatever is not plain (a new claim, a platform's
conversation, a message before the newest conversation that was known, somebody new) ends the run
and takes the long way.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from streams.identity.observations import (
    identity_name,
    is_known,
    name_register,
    picture_register,
    profile_register,
    window_of_message,
)
from streams.identity.operations import Observe, Operation
from streams.identity.registers import Register, newest
from streams.identity.state import Gaps, IdentityState, Root
from streams.identity.windows import KEPT, Window

_NEVER: Final = 1 << 80  # later than any message, and as a negative number earlier

# The display name, the picture's address and the username of a channel identity.
_Profile = tuple[Register | None, Register | None, Register | None]


class Run(msgspec.Struct, frozen=True, gc=False):
    """A run, joined: the identity of this name as it was and as it is now, how many messages
    changed it, and the place after the last message.
    """

    name: str
    known: IdentityState
    identity: IdentityState
    news: int
    end: int


def run_at(root: Root, operations: Sequence[Operation], start: int, gaps: Gaps) -> Run | None:
    """Return the run that begins at `start`, if one does. Nothing may be erased in the root, and
    no number have changed hands.
    """
    first = operations[start]
    if type(first) is not Observe:
        return None
    name = identity_name(first)
    known = root.identities.get(name)
    if known is None or not _is_open(known, root, first):
        return None
    run = _joined(name, known, root, operations, start, gaps)
    return run if run.end > start else None


def with_run(root: Root, run: Run) -> Root:
    """Return the root knowing the run; the same object if that told nothing new."""
    if not run.news:
        return root
    identities = {**root.identities, run.name: run.identity}
    return msgspec.structs.replace(root, identities=identities, version=root.version + run.news)


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


def _joined(  # noqa: C901, PLR0912, PLR0915, PLR0917 - a loop that runs for every message
    name: str,
    known: IdentityState,
    root: Root,
    operations: Sequence[Operation],
    start: int,
    gaps: Gaps,
) -> Run:
    """Return the run of the identity; it may be empty, if the first message is not plain."""
    gap_ms, channel_id, external_id = gaps.conversation_ms, known.channel_id, known.external_id
    identity_key, channel_type = known.identity_key, known.channel_type
    tenant_id, links = root.tenant_id, root.links
    first_inbound_at_ms, last_inbound_at_ms = known.first_inbound_at_ms, known.last_inbound_at_ms
    span_from_ms, span_to_ms = _span(known, gaps)
    *windows, window = known.windows
    known_count = len(known.windows)
    started_at_ms, last_at_ms = window.started_at_ms, window.last_at_ms
    last_seen_at_ms = known.last_seen_at_ms
    profile: _Profile = (known.name, known.picture_url, known.username)
    profiled: Observe | None = None  # what it says of its sender is not joined yet
    news, place, end = 0, start, len(operations)
    while place < end:
        observe = operations[place]
        if (
            type(observe) is not Observe
            or observe.platform_conversation_id
            or observe.is_answer
            or observe.tenant_id != tenant_id
            or observe.external_id != external_id
            or observe.channel_id != channel_id
            or observe.identity_key != identity_key
            or observe.channel_type != channel_type
            or (observe.claims and not is_known(observe, links))
        ):
            break
        at_ms = observe.at_ms
        is_inbound = observe.direction == "inbound"
        if is_inbound and not span_from_ms < at_ms < span_to_ms:
            break
        is_news = at_ms > last_at_ms
        if is_news:
            if at_ms > last_at_ms + gap_ms:
                if len(windows) + 1 >= KEPT:
                    break
                windows.append(_reaching(window, last_at_ms))
                window = window_of_message(observe)
                started_at_ms = at_ms
            last_at_ms = at_ms
        elif at_ms <= started_at_ms and _comes_before(observe, window):
            # A conversation that was there already would be known by another message from now on,
            # and so would one that this one touches: not plain.
            if len(windows) < known_count or at_ms <= windows[-1].last_at_ms + gap_ms:
                break
            if at_ms < started_at_ms - gap_ms:
                if len(windows) + 1 >= KEPT:
                    break
                windows.append(window_of_message(observe))
            else:
                window = window_of_message(observe)
                started_at_ms = at_ms
            is_news = True
        # It is later than a conversation that was known, so never the first that was seen.
        if at_ms > last_seen_at_ms:
            last_seen_at_ms = at_ms
            is_news = True
        if is_inbound:
            if first_inbound_at_ms is None or last_inbound_at_ms is None:
                first_inbound_at_ms = last_inbound_at_ms = at_ms
                is_news = True
            elif at_ms > last_inbound_at_ms:
                last_inbound_at_ms = at_ms
                is_news = True
            elif at_ms < first_inbound_at_ms:
                first_inbound_at_ms = at_ms
                is_news = True
        if observe.name or observe.picture_url or observe.username:
            if profiled is not None and not _says_again(observe, profiled):
                profile = _with_profile(profile, profiled)
            profiled = observe
            if not is_news:
                before = profile
                profile = _with_profile(profile, observe)
                is_news = profile != before
                profiled = None
        news += is_news
        place += 1
    if not news:
        return Run(name, known, known, 0, place)
    if profiled is not None:
        profile = _with_profile(profile, profiled)
    identity = msgspec.structs.replace(
        known,
        last_seen_at_ms=last_seen_at_ms,
        first_inbound_at_ms=first_inbound_at_ms,
        last_inbound_at_ms=last_inbound_at_ms,
        name=profile[0],
        picture_url=profile[1],
        username=profile[2],
        windows=(*windows, _reaching(window, last_at_ms)),
    )
    return Run(name, known, identity, news, place)


def _comes_before(observe: Observe, window: Window) -> bool:
    """Say whether the conversation would begin with the message, which is no later than its start;
    what repeats the first message does not.
    """
    first = (window.started_at_ms, window.first_message_id, window.opened_by)
    return (observe.at_ms, observe.message_id, observe.direction) < first


def _span(known: IdentityState, gaps: Gaps) -> tuple[int, int]:
    """Return between which times what the person writes leaves an identity of one span: after a
    long silence somebody else may have the number (`is_of_one_span`).
    """
    first_at_ms, last_at_ms = known.first_inbound_at_ms, known.last_inbound_at_ms
    if first_at_ms is None or last_at_ms is None:
        return -_NEVER, _NEVER
    return first_at_ms - gaps.owner_ms, last_at_ms + gaps.owner_ms


def _says_again(observe: Observe, before: Observe) -> bool:
    """Say whether the message says of its sender what one did before it: then that one's word
    need not be joined.
    """
    return (
        observe.at_ms > before.at_ms
        and observe.name == before.name
        and observe.picture_url == before.picture_url
        and observe.username == before.username
    )


def _with_profile(profile: _Profile, observe: Observe) -> _Profile:
    name, picture_url, username = profile
    if observe.name:
        name = newest(name, name_register(observe))
    if observe.picture_url:
        picture_url = newest(picture_url, picture_register(observe))
    if observe.username:
        username = newest(username, profile_register(observe.username, observe))
    return name, picture_url, username


def _reaching(window: Window, last_at_ms: int) -> Window:
    if window.last_at_ms == last_at_ms:
        return window
    return msgspec.structs.replace(window, last_at_ms=last_at_ms)
