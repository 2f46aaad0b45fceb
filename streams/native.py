"""Native bodies on `channels.*` as their adapters read them: what the headers say is added here."""

from collections.abc import Mapping
from typing import Final

from streams.channel_file import Channels
from streams.channels.adapters import ADAPTERS
from streams.channels.cloud_events import CloudEvent
from streams.channels.delivery import Delivery
from streams.channels.reading import Reading, Unreadable
from streams.engine.batches import InRecord
from streams.identity.normalise import Rejection, tenant_of

_TENANT: Final = "tenantId"
_CHANNEL: Final = "channelId"


def reading_of_record(
    record: InRecord, event: CloudEvent | None, platform: str, channels: Channels
) -> Reading:
    """Return what a record of a platform's native topic says; `event` is the CloudEvent that it is.

    Raises nothing, whatever it holds.
    """
    delivery = _delivery(record, event, channels)
    if isinstance(delivery, Unreadable):
        return Reading(unreadable=(delivery,))
    try:
        return ADAPTERS[platform](delivery)
    except Exception as error:  # noqa: BLE001 - one body must not stop everybody's
        detail = f"the adapter for {platform} failed ({type(error).__name__}): report it, replay it"
        return Reading(unreadable=(Unreadable(detail),))


def _delivery(
    record: InRecord, event: CloudEvent | None, channels: Channels
) -> Delivery | Unreadable:
    headers = {name: value.decode("utf-8", "replace") for name, value in record.headers}
    if event is not None:  # its extensions, whose names have no capitals
        named = {name: event.attributes.get(name.lower()) for name in (_TENANT, _CHANNEL)}
        headers = {name: value for name, value in named.items() if value} | headers
    tenant, channel_id = _named(headers)
    if channel_id is None or isinstance(tenant, Rejection):
        return Unreadable(f"the record needs the headers {_TENANT} and {_CHANNEL}")
    known = channels.get((tenant, channel_id))
    return Delivery(
        tenant_id=tenant,
        channel_id=channel_id,
        body=(record.value or b"") if event is None else event.data,
        received_at_ms=record.timestamp,
        content_type=headers.get("contentType", "") if event is None else event.content_type,
        query=headers.get("query", ""),
        account=known.account if known else None,
        own_ids=known.own_ids if known else frozenset(),
    )


def _named(headers: Mapping[str, str]) -> tuple[str | Rejection, str | None]:
    return tenant_of(headers.get(_TENANT, "")), headers.get(_CHANNEL) or None
