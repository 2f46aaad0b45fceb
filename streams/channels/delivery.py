"""What goes into an adapter: one body as a platform sent it, and the channel it came in on."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Delivery:
    """A webhook's body, or a record of a `channels.*` topic, with what is known beside it.

    `channel_id` is the business's name for the inbox; `account` the platform's scope of its user
    ids (a WhatsApp business portfolio) where it was configured; `own_ids` the numbers and ids that
    are the business itself, as configured. `received_at_ms` is the broker's time.
    """

    tenant_id: str
    channel_id: str
    body: bytes
    received_at_ms: int
    content_type: str = ""
    query: str = ""  # of a GET, as it stood after the question mark
    account: str | None = None
    own_ids: frozenset[str] = field(default_factory=frozenset)

    def is_own(self, *ids: str | None) -> bool:
        """Say whether one of the ids is the business's, with its plus or without."""
        return any(
            one is not None and not self.own_ids.isdisjoint((one, f"+{one}", one.lstrip("+")))
            for one in ids
        )
