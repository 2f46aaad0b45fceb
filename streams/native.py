"""Native bodies on `channels.*` as their adapters read them: what the headers say is added here."""

from collections.abc import Mapping
from typing import Final

from streams.channel_file import Channels
from streams.channels.adapters import ADAPTERS
from streams.channels.delivery import Delivery
from streams.channels.reading import Reading, Unreadable
from streams.engine.batches import InRecord
from streams.identity.normalise import Rejection, tenant_of

_TENANT: Final = "tenantId"
_CHANNEL: Final = "channelId"


def reading_of_record(record: InRecord, platform: str, channels: Channels) -> Reading:
    """Return what a record of a platform's native topic says. Raises nothing, whatever it holds."""
    adapter = ADAPTERS.get(platform)
    if adapter is None:
        detail = f"this version has no adapter for {platform}; replay it once there is one"
        return Reading(unreadable=(Unreadable(detail),))
    delivery = _delivery(record, channels)
    if isinstance(delivery, Unreadable):
        return Reading(unreadable=(delivery,))
    try:
        return adapter(delivery)
    except Exception as error:  # noqa: BLE001 - one body must not stop everybody's
        detail = f"the adapter for {platform} failed ({type(error).__name__}): report it, replay it"
        return Reading(unreadable=(Unreadable(detail),))


def _delivery(record: InRecord, channels: Channels) -> Delivery | Unreadable:
    headers = {name: value.decode("utf-8", "replace") for name, value in record.headers}
    tenant, channel_id = _named(headers)
    if channel_id is None or isinstance(tenant, Rejection):
        return Unreadable(f"the record needs the headers {_TENANT} and {_CHANNEL}")
    known = channels.get((tenant, channel_id))
    return Delivery(
        tenant_id=tenant,
        channel_id=channel_id,
        body=record.value or b"",
        received_at_ms=record.timestamp,
        content_type=headers.get("contentType", ""),
        query=headers.get("query", ""),
        account=known.account if known else None,
        own_ids=known.own_ids if known else frozenset(),
    )


def _named(headers: Mapping[str, str]) -> tuple[str | Rejection, str | None]:
    return tenant_of(headers.get(_TENANT, "")), headers.get(_CHANNEL) or None
