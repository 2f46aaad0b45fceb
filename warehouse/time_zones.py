"""Whose months and weeks begin when: one zone by default, others by tenant."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class TimeZones:
    """IANA names. A tenant that is not named follows the default."""

    default: str = "UTC"
    by_tenant: Mapping[str, str] = field(default_factory=dict)


UTC: Final = TimeZones()
