"""One customer's timeline: what was said, what began and what happened, the newest first.

Three lists, each with a cursor of its own, are read as one; the place in all three is one text.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from api.live_view import timeline
from api.live_view.instants import microseconds_of
from api.live_view.lookups import Lookups
from api.live_view.pages import Page, cursor_of
from streams.contracts.conversations import Conversation
from streams.contracts.customers import Customer, CustomerEvent
from streams.contracts.messages import MessageFact

Entry = MessageFact | Conversation | CustomerEvent
Read = Callable[[str | None], Page]

_SEPARATOR: Final = "~"
_BEGIN: Final = ""
_END: Final = "-"
# That a command was carried out shows in what it did; only what did not come of one is news.
_UNTOLD: Final = frozenset({"command.applied", "policy.changed"})


@dataclass(frozen=True, slots=True)
class Timeline:
    """Some of the entries, and the place behind them; None where nothing is behind."""

    entries: Sequence[Entry]
    place: str | None


def entries(lookups: Lookups, *, owner: Customer, place: str | None, limit: int) -> Timeline:
    """Return what is behind the place. Raises ProblemError: it is no place of ours."""

    def read_by(page: Callable[..., Page]) -> Read:
        return lambda cursor: page(lookups, owner=owner, cursor=cursor, limit=limit)

    reads: list[tuple[type[Any], Read]] = [
        (MessageFact, read_by(timeline.messages)),
        (Conversation, read_by(timeline.conversations)),
        (CustomerEvent, read_by(timeline.events)),
    ]
    return merged(reads, place, limit)


def merged(reads: Sequence[tuple[type[Any], Read]], place: str | None, limit: int) -> Timeline:
    """Return the newest of all lists behind a place in each."""
    cursors = (place or _SEPARATOR * (len(reads) - 1)).split(_SEPARATOR)
    cursors = (cursors + [_BEGIN] * len(reads))[: len(reads)]
    waiting: list[tuple[tuple[int, int, str], int, Entry]] = []
    has_more = [False] * len(reads)
    for number, ((kind, read), cursor) in enumerate(zip(reads, cursors, strict=True)):
        if cursor == _END:
            continue
        page = read(cursor or None)
        has_more[number] = page.next is not None
        for document in page.documents:
            entry: Entry = msgspec.json.decode(document, type=kind)
            at, tie = place_of(entry)
            # Of one moment: the conversation began before its message, seen from the newest.
            waiting.append(((at, -number, tie), number, entry))
    waiting.sort(key=lambda found: found[0], reverse=True)
    shown, left = waiting[:limit], waiting[limit:]
    behind = [
        _cursor(number, cursor, shown, left, has_more=has_more[number])
        for number, cursor in enumerate(cursors)
    ]
    is_over = all(cursor == _END for cursor in behind)
    told = [entry for _, _, entry in shown if is_told(entry)]
    return Timeline(without_echoes(told), None if is_over else _SEPARATOR.join(behind))


def _cursor(
    number: int,
    cursor: str,
    shown: Iterable[tuple[Any, int, Entry]],
    left: Iterable[tuple[Any, int, Entry]],
    *,
    has_more: bool,
) -> str:
    mine = [entry for _, of, entry in shown if of == number]
    is_left = has_more or any(of == number for _, of, _ in left)
    if cursor == _END or not is_left:
        return _END
    return cursor_of(timeline.NEWEST_FIRST, place_of(mine[-1])) if mine else cursor


def place_of(entry: Entry) -> tuple[int, str]:
    """Return where an entry stands in its own list."""
    match entry:
        case MessageFact():
            return microseconds_of(entry.sent_at), f"{entry.channel_id} {entry.message_id}"
        case Conversation():
            return microseconds_of(entry.started_at), entry.id
    return microseconds_of(entry.occurred_at), entry.id


def is_told(entry: Entry) -> bool:
    """Say whether a reader of a timeline wants to know."""
    return not (isinstance(entry, CustomerEvent) and entry.type in _UNTOLD)


def without_echoes(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries, what two customers were told of the same moment once: a link that made
    them one is an event of both.
    """
    found: dict[object, Entry] = {}
    for entry in entries:
        key: object = (type(entry), place_of(entry))
        if isinstance(entry, CustomerEvent) and entry.type == "customer.linked":
            key = (entry.type, entry.rule, entry.detail, entry.occurred_at)
        found.setdefault(key, entry)
    return list(found.values())


def at_of(entry: Entry) -> datetime:
    """Return when it was."""
    match entry:
        case MessageFact():
            return entry.sent_at
        case Conversation():
            return entry.started_at
    return entry.occurred_at


def kind_of(entry: Entry) -> str:
    """Return which kind of entry it is, for templates."""
    match entry:
        case MessageFact():
            return "message"
        case Conversation():
            return "conversation"
    return "event"
