"""What is told of messages: each with whom it belongs to, as a record and as that record's bytes.

A batch has several messages of a sender, and the first half of a fact is the sender's: it is
encoded once, and the messages' own halves all in one go, several times faster than a record each.
Both ways say the same (tests/unit/identity/test_facts.py).
"""

from collections.abc import Iterator, Sequence
from operator import add

import msgspec

from streams.contracts.messages import Direction, MessageFact
from streams.contracts.wire import SCHEMA_VERSION, Wire, encode, encode_lines
from streams.identity.instants import epoch_seconds, rfc3339, to_datetime
from streams.identity.operations import Observe
from streams.identity.owners import bare_key
from streams.identity.windows import Window, window_at

Written = list[tuple[bytes, bytes]]  # keys and values


class Messages(msgspec.Struct, frozen=True, gc=False):
    """Messages of one sender, in order, and whom they belong to: nobody where no customer was
    made of them. `own_id` is of the identity, whoever owns it.
    """

    observed: Sequence[Observe]  # at least one; alike in all that names the sender
    windows: tuple[Window, ...]
    owner_id: str | None
    own_id: str


def facts_of(messages: Messages) -> Iterator[MessageFact]:
    """Yield the fact of each message."""
    for observe in messages.observed:
        window = window_at(messages.windows, observe.at_ms, observe.platform_conversation_id)
        yield MessageFact(
            tenant_id=observe.tenant_id,
            channel_id=observe.channel_id,
            channel_type=observe.channel_type,
            message_id=observe.message_id,
            direction=observe.direction,
            external_id=observe.external_id,
            identity_key=bare_key(observe.identity_key),
            identity_id=messages.own_id,
            customer_id=messages.owner_id,
            conversation_id=window.id if window else None,
            sent_at=to_datetime(observe.at_ms),
            received_at=to_datetime(observe.received_at_ms),
            content_type=observe.content_type,
            text=observe.text,
            agent_id=observe.agent_id,
            is_clock_wrong=observe.is_clock_wrong,
        )


def key_of(fact: MessageFact) -> bytes:
    """Return the key of a fact: its own alone, so that compaction removes none but those that an
    erasure asks for.
    """
    at = fact.received_at.timestamp()
    return f"{fact.identity_id}/{fact.channel_id}/{fact.message_id}/{at}".encode()


class _Sender(Wire, frozen=True):
    """The first half of a fact: who sent the message, in which conversation, and whose it is."""

    tenant_id: str
    channel_id: str
    channel_type: str
    external_id: str
    identity_key: str
    identity_id: str
    customer_id: str | None
    conversation_id: str | None


class _Said(Wire, frozen=True):
    """The second half: the message itself, its times as they are written."""

    message_id: str
    direction: Direction
    sent_at: str
    received_at: str
    content_type: str
    text: str | None
    agent_id: str | None
    is_clock_wrong: bool
    schema_version: int = SCHEMA_VERSION


def written(runs: Sequence[Messages]) -> Written:
    """Return key and value of each message's fact, run by run: `key_of` it, and its encoding."""
    begun: list[bytes] = []
    keys: list[bytes] = []
    for messages in runs:
        begun += _begun(messages)
        place = f"{messages.own_id}/{messages.observed[0].channel_id}"
        for observe in messages.observed:
            at = epoch_seconds(observe.received_at_ms)
            keys.append(f"{place}/{observe.message_id}/{at}".encode())
    said = [
        _Said(
            observe.message_id,
            observe.direction,
            rfc3339(observe.at_ms),
            rfc3339(observe.received_at_ms),
            observe.content_type,
            observe.text,
            observe.agent_id,
            observe.is_clock_wrong,
        )
        for messages in runs
        for observe in messages.observed
    ]
    # No line break stands within JSON, so these are the messages', each without its first brace.
    values = map(add, begun, encode_lines(said)[1:-1].split(b"\n{"))
    return list(zip(keys, values, strict=False))  # of no message there is one line, an empty one


def _begun(messages: Messages) -> list[bytes]:
    """Return the first half of each message's fact."""
    windows, observed = messages.windows, messages.observed
    if windows and _is_all_in(windows[-1], observed):
        return [_half(messages, windows[-1].id)] * len(observed)
    halves: dict[str | None, bytes] = {}
    begun: list[bytes] = []
    for observe in observed:
        window = window_at(windows, observe.at_ms, observe.platform_conversation_id)
        conversation_id = None if window is None else window.id
        if (half := halves.get(conversation_id)) is None:
            half = halves[conversation_id] = _half(messages, conversation_id)
        begun.append(half)
    return begun


def _is_all_in(newest: Window, observed: Sequence[Observe]) -> bool:
    """Say whether all messages stand in the newest conversation, as most do: `window_at` looks at
    it first.
    """
    from_ms, to_ms, platform_id = newest.started_at_ms, newest.last_at_ms, newest.platform_id
    for observe in observed:
        if observe.platform_conversation_id != platform_id:
            return False
        if not platform_id and not from_ms <= observe.at_ms <= to_ms:
            return False
    return True


def _half(messages: Messages, conversation_id: str | None) -> bytes:
    """Return the first half of the facts in this conversation, up to where the second begins."""
    observe = messages.observed[0]
    sender = _Sender(
        observe.tenant_id,
        observe.channel_id,
        observe.channel_type,
        observe.external_id,
        bare_key(observe.identity_key),
        messages.own_id,
        messages.owner_id,
        conversation_id,
    )
    return encode(sender)[:-1] + b","
