"""Three lists as one timeline: nothing twice, nothing left out, whatever the page's size."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from api.live_view.pages import Page, cursor_of, place_in
from api.live_view.timeline import NEWEST_FIRST
from api.pages.timeline import (
    Entry,
    Read,
    at_of,
    is_told,
    merged,
    place_of,
    without_echoes,
)
from streams.contracts.conversations import Conversation
from streams.contracts.customers import CustomerEvent
from streams.contracts.messages import MessageFact

START = datetime(2026, 10, 1, tzinfo=UTC)


def said(minute: int, number: int) -> MessageFact:
    """Return a message of a minute."""
    at = START + timedelta(minutes=minute, microseconds=7)
    return MessageFact(
        tenant_id="acme",
        channel_id="wa-1",
        channel_type="whatsapp",
        message_id=f"m{number:03d}",
        direction="inbound",
        external_id="1",
        identity_key="phone:+1",
        identity_id="i",
        customer_id="c",
        conversation_id="k",
        sent_at=at,
        received_at=at,
        content_type="text",
    )


def began(minute: int, number: int) -> Conversation:
    """Return a conversation that began in a minute."""
    at = START + timedelta(minutes=minute, microseconds=7)
    return Conversation(
        id=f"k{number:03d}",
        tenant_id="acme",
        customer_id="c",
        identity_id="i",
        channel_id="wa-1",
        channel_type="whatsapp",
        external_id="1",
        platform_conversation_id=None,
        opened_by="inbound",
        started_at=at,
        last_message_at=at,
        merged_into=None,
        version=1,
    )


def happened(minute: int, number: int) -> CustomerEvent:
    """Return an event of a minute; every third is of no interest."""
    return CustomerEvent(
        id=f"e{number:03d}",
        type="command.applied" if number % 3 == 0 else "customer.linked",
        tenant_id="acme",
        occurred_at=START + timedelta(minutes=minute),
        detail=f"of the number {number}",
    )


def reader(entries: Sequence[Entry], limit: int) -> Read:
    """Return a list that is read page by page, as the live view's are."""
    newest_first = sorted(entries, key=place_of, reverse=True)

    def read(cursor: str | None) -> Page:
        behind = newest_first
        if cursor is not None:
            place = tuple(place_in(NEWEST_FIRST, cursor, int, str))
            behind = [entry for entry in newest_first if place_of(entry) < place]
        shown = behind[:limit]
        more = cursor_of(NEWEST_FIRST, place_of(shown[-1])) if len(behind) > limit else None
        return Page([msgspec.json.encode(entry).decode() for entry in shown], more)

    return read


minutes = st.lists(st.integers(0, 12), max_size=12)


@given(minutes, minutes, minutes, st.integers(1, 7))
def test_pages_of_a_timeline_are_the_three_lists_newest_first(
    messages: list[int], conversations: list[int], events: list[int], limit: int
) -> None:
    lists: list[tuple[type[Any], list[Entry]]] = [
        (MessageFact, [said(minute, n) for n, minute in enumerate(messages)]),
        (Conversation, [began(minute, n) for n, minute in enumerate(conversations)]),
        (CustomerEvent, [happened(minute, n) for n, minute in enumerate(events)]),
    ]
    reads = [(kind, reader(entries, limit)) for kind, entries in lists]
    shown: list[Entry] = []
    place: str | None = None
    for _ in range(50):
        page = merged(reads, place, limit)
        shown += page.entries
        place = page.place
        if place is None:
            break
    assert place is None
    wanted = [entry for _, entries in lists for entry in entries if is_told(entry)]
    assert len(shown) == len(wanted)
    assert {place_of(entry) for entry in shown} == {place_of(entry) for entry in wanted}
    times = [at_of(entry) for entry in shown]
    assert times == sorted(times, reverse=True)


def test_what_two_customers_were_told_of_one_moment_is_shown_once() -> None:
    one = happened(1, 1)
    echo = msgspec.structs.replace(one, id="e999", customer_id="other")
    assert without_echoes([one, echo, said(1, 1)]) == [one, said(1, 1)]
