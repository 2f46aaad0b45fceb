"""What a deployment decides about identities; the core takes it as a value."""

from dataclasses import dataclass
from typing import Final

CONVERSATION_GAP_MS: Final = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules in force.

    Without `auto_creation` nobody becomes a customer by writing; known customers are kept up.
    Silence longer than `conversation_gap_ms` starts a new conversation.
    """

    auto_creation: bool = True
    conversation_gap_ms: int = CONVERSATION_GAP_MS
