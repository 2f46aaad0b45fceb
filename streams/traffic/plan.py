"""What traffic is asked for: how many people, how long, how untidy. Owns the limits of asking."""

import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta

# Numbers are dealt by a permutation of ten million, so more people would share phones.
MOST_PEOPLE = 5_000_000


class InvalidPlan(ValueError):  # noqa: N818 - a sentence reads better: "invalid plan: …"
    """The plan cannot be carried out; the message says what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficPlan:
    """What decides every byte: two equal plans give the same traffic.

    Everything happens in the `days` before `end`. Shares are of the messages (or, for
    `agent_initiated_share`, of the conversations) and lie between 0 and 1.
    """

    end: datetime
    seed: int = 1
    tenants: int = 3
    people: int = 1_000
    days: int = 30
    redelivery_share: float = 0.02  # sent again later, same bytes
    late_share: float = 0.03  # arrives after messages that were sent after it
    broken_share: float = 0.004  # beside the good ones: dead letters
    agent_initiated_share: float = 0.08  # conversations that the business starts

    def __post_init__(self) -> None:
        if self.end.tzinfo is None:
            raise InvalidPlan("end has no time zone; give one, such as datetime.now(UTC)")
        if not 1 <= self.people <= MOST_PEOPLE:
            raise InvalidPlan(f"people must lie between 1 and {MOST_PEOPLE}, not {self.people}")
        for name in ("tenants", "days"):
            if getattr(self, name) < 1:
                raise InvalidPlan(f"{name} must be 1 or more, not {getattr(self, name)}")
        for name in ("redelivery_share", "late_share", "broken_share", "agent_initiated_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise InvalidPlan(f"{name} must lie between 0 and 1, not {getattr(self, name)}")

    @property
    def start(self) -> datetime:
        """Return when the first message may be sent."""
        return self.end - timedelta(days=self.days)

    @property
    def tag(self) -> str:
        """Return eight characters that other plans' message ids do not have."""
        return f"{zlib.crc32(repr(self).encode()):08x}"
