"""A tenant's channels as their traffic shows them."""

from datetime import UTC, datetime
from typing import Final

import msgspec

from api.live_view.reader import Reader


class ChannelTraffic(msgspec.Struct, frozen=True, kw_only=True):
    """What one channel brought: none of it has to be configured."""

    channel_id: str
    channel_type: str
    customers: int
    messages_in: int
    messages_out: int
    messages_last_day: int
    first_message_at: datetime | None
    last_message_at: datetime | None


class Channel(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One channel: known from its traffic, from the channels file, or from both.

    `verificationFailures` counts calls to its webhook that were not the platform's, in this
    process since `countedSince`; `deadLetters` what could not be understood and waits for a fix.
    """

    channel_id: str
    channel_type: str | None
    platform: str | None
    name: str | None
    is_configured: bool
    webhook: str | None
    customers: int
    messages_in: int
    messages_out: int
    messages_last_day: int
    first_message_at: datetime | None
    last_message_at: datetime | None
    verification_failures: int
    last_verification_failure_at: datetime | None
    counted_since: datetime
    dead_letters: int


_TRAFFIC: Final = """
    with used as (
        select
            channel_id,
            arg_max(channel_type, sent_at) as channel_type,
            count(*) filter (where direction = 'inbound') as messages_in,
            count(*) filter (where direction = 'outbound') as messages_out,
            count(*) filter (where sent_at > $now::timestamptz - interval 1 day) as last_day,
            min(sent_at) as first_message_at,
            max(sent_at) as last_message_at
        from raw.customer_messages where tenant_id = $tenant_id group by channel_id
    ),
    held as (
        select
            channel_id,
            arg_max(channel_type, last_seen_at) as channel_type,
            count(distinct number) as customers
        from customer_channels where tenant_id = $tenant_id group by channel_id
    )
    select
        channel_id, coalesce(u.channel_type, h.channel_type), coalesce(customers, 0),
        coalesce(messages_in, 0), coalesce(messages_out, 0), coalesce(last_day, 0),
        epoch_us(first_message_at), epoch_us(last_message_at)
    from used as u full join held as h using (channel_id)
    order by channel_id
"""
_DEAD_LETTERS: Final = """
    select headers['channelId'], count(*)
    from raw.dead_letters
    where tenant_id = $tenant_id and replayed_at is null
    group by all
"""


def traffic(reader: Reader, *, tenant_id: str, now: datetime) -> list[ChannelTraffic]:
    """Return every channel of whom anything is known."""
    rows = reader.execute(_TRAFFIC, {"tenant_id": tenant_id, "now": now}).fetchall()
    return [
        ChannelTraffic(
            channel_id=channel_id,
            channel_type=channel_type,
            customers=customers,
            messages_in=messages_in,
            messages_out=messages_out,
            messages_last_day=last_day,
            first_message_at=_instant(first_us),
            last_message_at=_instant(last_us),
        )
        for (
            channel_id,
            channel_type,
            customers,
            messages_in,
            messages_out,
            last_day,
            first_us,
            last_us,
        ) in rows
    ]


def dead_letters(reader: Reader, *, tenant_id: str) -> dict[str | None, int]:
    """Return how many records wait in the dead letters, by channel; None: of no channel known."""
    return dict(reader.execute(_DEAD_LETTERS, {"tenant_id": tenant_id}).fetchall())


def _instant(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else datetime.fromtimestamp(microseconds / 1e6, UTC)
