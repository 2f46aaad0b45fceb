"""Which adapter reads which platform's bodies: the one list of platforms."""

from collections.abc import Mapping
from typing import Final

from streams.channels import meta_messaging, postmark, telegram, twilio, whatsapp_cloud
from streams.channels.reading import Adapter

ADAPTERS: Final[Mapping[str, Adapter]] = {
    "instagram": meta_messaging.read_instagram,
    "messenger": meta_messaging.read_messenger,
    "postmark": postmark.read,
    "telegram": telegram.read,
    "twilio": twilio.read,
    "whatsapp": whatsapp_cloud.read,
}
