"""Every topic: its name, key, what it holds and how long. The only place that names one."""

from dataclasses import dataclass
from typing import Final, Literal

CleanupPolicy = Literal["compact", "delete"]

DAY_MS = 24 * 60 * 60 * 1000
THIRTY_DAYS_MS = 30 * DAY_MS
# Until a record that has a newer one of its key, or none any more, is gone from the disk.
COMPACTED_WITHIN_MS = 7 * DAY_MS


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """What a topic promises: its full name is the prefix and this name."""

    name: str
    key: str
    holds: str
    cleanup_policy: CleanupPolicy
    largest_bytes: int | None = None  # of a batch on the broker, where it is not the broker's own

    @property
    def retention_ms(self) -> int | None:
        """Return how long it keeps a record; None where it keeps the newest of each key."""
        return None if self.cleanup_policy == "compact" else THIRTY_DAYS_MS

    def config(self) -> dict[str, str]:
        """Return the broker's settings for it."""
        config: dict[str, str] = {"cleanup.policy": self.cleanup_policy}
        if self.retention_ms is None:
            config["max.compaction.lag.ms"] = str(COMPACTED_WITHIN_MS)
        else:
            config["retention.ms"] = str(self.retention_ms)
        if self.largest_bytes is not None:
            config["max.message.bytes"] = str(self.largest_bytes)
        return config


MESSAGES_INBOUND = TopicSpec(
    "messages.inbound", "any", "Canonical messages that people sent.", "delete"
)
MESSAGES_OUTBOUND = TopicSpec(
    "messages.outbound",
    "any",
    "Canonical messages that the business sent.",
    "delete",
)
# Whose native bodies are read: an adapter each in streams.channels.
PLATFORMS: Final = (
    *("whatsapp", "evolution", "waha", "zapi", "telegram", "twilio", "vonage", "webchat"),
    *("chatwoot", "crisp", "intercom", "tawk", "rocketchat", "messenger", "instagram", "postmark"),
)
NATIVE = {
    platform: TopicSpec(
        f"channels.{platform}",
        "any",
        f"Bodies as {platform} sends them; headers say tenantId and channelId.",
        "delete",
        largest_bytes=5 * 1024 * 1024,  # Meta's batches come up to 3 MB
    )
    for platform in PLATFORMS
}
CHANNEL_NOTICES = TopicSpec(
    "channel-notices",
    "tenant and channel",
    "What platforms tell beside messages: statuses, edits, deletions, what is of no customer.",
    "delete",
)
CUSTOMER_COMMANDS = TopicSpec(
    "customer-commands",
    "customer id",
    "What agents and integrators ask for: update, merge, split, erase, and the policy.",
    "delete",
)
INTERACTIONS = TopicSpec(
    "interactions",
    "a node's address",
    "Operations on identity nodes: what the worker tells itself.",
    "delete",
)
CUSTOMERS = TopicSpec("customers", "customer id", "One record a customer, the newest.", "compact")
CUSTOMER_EVENTS = TopicSpec(
    "customer-events", "event id", "What happened to customers, until they are erased.", "compact"
)
CONVERSATIONS = TopicSpec(
    "conversations", "conversation id", "One record a conversation, the newest.", "compact"
)
CUSTOMER_MESSAGES = TopicSpec(
    "customer-messages",
    "identity, channel, message and time",
    "One fact a message, with its customer, until they are erased.",
    "compact",
)
LINK_SUGGESTIONS = TopicSpec(
    "link-suggestions",
    "suggestion id",
    "Pairs of customers who may be one person, for somebody to decide.",
    "compact",
)
POLICIES = TopicSpec("policies", "tenant", "Each tenant's policy on identities.", "compact")
DEAD_LETTERS = TopicSpec(
    "dead-letters",
    "source topic and partition",
    "What could not be understood, and why.",
    "delete",
)

SOURCES = (MESSAGES_INBOUND, MESSAGES_OUTBOUND, CUSTOMER_COMMANDS, *NATIVE.values())
OUTPUTS = (
    CUSTOMERS,
    CUSTOMER_EVENTS,
    CONVERSATIONS,
    CUSTOMER_MESSAGES,
    LINK_SUGGESTIONS,
    POLICIES,
    CHANNEL_NOTICES,
    DEAD_LETTERS,
)
ALL = (*SOURCES, INTERACTIONS, *OUTPUTS)

# The workers' state, for themselves alone; Faust names it by the group and the table.
NODES_TABLE: Final = "identity-nodes"
CHANGELOG = TopicSpec(
    f"omnichannel-{NODES_TABLE}-changelog",
    "a node's address",
    "The state of the workers, from which they rebuild it.",
    "compact",
)
MADE = (*ALL, CHANGELOG)


def group_name(prefix: str) -> str:
    """Return the consumer group of the workers."""
    return f"{prefix}omnichannel"


def full_name(topic: TopicSpec, prefix: str) -> str:
    """Return the name on the broker: deployments that share one keep apart by their prefix."""
    return f"{prefix}{topic.name}"
