"""Which adapter reads which platform's bodies: the one list of platforms."""

from collections.abc import Mapping
from typing import Final

from streams.channels import (
    chatwoot,
    crisp,
    evolution,
    intercom,
    meta_messaging,
    postmark,
    rocketchat,
    tawk,
    telegram,
    twilio,
    vonage,
    waha,
    webchat,
    whatsapp_cloud,
    zapi,
)
from streams.channels.reading import Adapter

ADAPTERS: Final[Mapping[str, Adapter]] = {
    "chatwoot": chatwoot.read,
    "crisp": crisp.read,
    "evolution": evolution.read,
    "instagram": meta_messaging.read_instagram,
    "intercom": intercom.read,
    "messenger": meta_messaging.read_messenger,
    "postmark": postmark.read,
    "rocketchat": rocketchat.read,
    "tawk": tawk.read,
    "telegram": telegram.read,
    "twilio": twilio.read,
    "vonage": vonage.read,
    "waha": waha.read,
    "webchat": webchat.read,
    "whatsapp": whatsapp_cloud.read,
    "zapi": zapi.read,
}
