"""Values for the core's tests, each with sensible defaults."""

from streams.identity.operations import Observe

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z


def observe(
    message_id: str = "m1",
    *,
    at_ms: int = START_MS,
    direction: str = "inbound",
    external_id: str = "5511999998888",
    channel_id: str = "wa-1",
    name: str | None = None,
    identity_key: str = "phone:+5511999998888",
    platform_conversation_id: str = "",
) -> Observe:
    """Return an observed WhatsApp message of one person."""
    return Observe(
        tenant_id="acme",
        channel_id=channel_id,
        channel_type="whatsapp",
        external_id=external_id,
        identity_key=identity_key,
        message_id=message_id,
        direction="inbound" if direction == "inbound" else "outbound",
        at_ms=at_ms,
        received_at_ms=at_ms,
        content_type="text",
        text="hello",
        name=name,
        platform_conversation_id=platform_conversation_id,
    )
