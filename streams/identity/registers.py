"""Registers whose join is associative, commutative and idempotent: any order gives one value.

Owns the joins; which values enter them, and with which rank, is decided where they are observed.
"""

import msgspec

# Who may overrule whom (greater wins): what an agent wrote outranks what a platform said.
RANK_FALLBACK = 0
RANK_PROFILE = 1
RANK_IMPORT = 2
RANK_AGENT = 3


class Register(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A value with what decides between it and another: rank, then event time, then the broker's
    time, then itself. `received_at_ms` is 0 for what was no message.
    """

    rank: int
    at_ms: int
    value: str
    received_at_ms: int = 0


def newest(one: Register | None, other: Register | None) -> Register | None:
    """Return the register that stands: higher rank, newest within it. Of one event time the one
    that the broker had first, so that a redelivery changes nothing; of that too, the greater.
    """
    if one is None or one is other:
        return other
    if other is None:
        return one
    if one.rank != other.rank:
        return one if one.rank > other.rank else other
    if one.at_ms != other.at_ms:
        return one if one.at_ms > other.at_ms else other
    ours = (-one.received_at_ms, one.value)
    theirs = (-other.received_at_ms, other.value)
    return one if ours >= theirs else other


def earliest(one: int | None, other: int | None) -> int | None:
    """Return the smaller time; nothing where both are unknown."""
    if one is None:
        return other
    return one if other is None or one <= other else other


def latest(one: int | None, other: int | None) -> int | None:
    """Return the greater time; nothing where both are unknown."""
    if one is None:
        return other
    return one if other is None or one >= other else other
