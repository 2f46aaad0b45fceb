"""Which adapter reads which platform's bodies: the one list of platforms."""

from collections.abc import Mapping
from typing import Final

from streams.channels import telegram, twilio
from streams.channels.reading import Adapter

ADAPTERS: Final[Mapping[str, Adapter]] = {
    "telegram": telegram.read,
    "twilio": twilio.read,
}
