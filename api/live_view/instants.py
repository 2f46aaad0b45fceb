"""Moments as numbers: what lists are ordered by, and what cursors name."""

from datetime import datetime


def microseconds_of(at: datetime) -> int:
    """Return the microseconds since 1970, exactly."""
    seconds = int(at.replace(microsecond=0).timestamp())
    return seconds * 1_000_000 + at.microsecond
