"""What waits in the dead letters, channel by channel. Real: the view's files, the sink."""

from datetime import UTC, datetime

from api.live_view.channels import dead_letters
from streams.contracts.dead_letters import DeadLetter
from streams.contracts.wire import encode
from tests.unit.api.live_view.fed import FedView

AT = datetime(2026, 10, 1, tzinfo=UTC)


def letter(number: int, channel_id: str | None, **fields: str) -> tuple[str, bytes, bytes]:
    """Return a letter as it comes on the topic."""
    one = DeadLetter(
        id=f"channels.whatsapp/0/{number}",
        topic="channels.whatsapp",
        partition=0,
        offset=number,
        reason="unreadable",
        detail="no JSON",
        received_at=AT,
        key=None,
        tenant_id=fields.get("tenant_id", "acme"),
        headers={"channelId": channel_id} if channel_id else {},
        replayed_at=AT if "replayed" in fields else None,
    )
    return "dead-letters", b"k", encode(one)


def test_letters_are_counted_by_their_channel_and_tenant_until_they_are_put_back(
    fed: FedView,
) -> None:
    fed.take(
        letter(1, "wa-1"),
        letter(2, "wa-1"),
        letter(3, "wa-2"),
        letter(4, None),
        letter(5, "wa-1", replayed="yes"),
        letter(6, "wa-1", tenant_id="umbrella"),
    )
    with fed.store.reader() as reader:
        assert dead_letters(reader, tenant_id="acme") == {"wa-1": 2, "wa-2": 1, None: 1}
        assert dead_letters(reader, tenant_id="nobody") == {}
