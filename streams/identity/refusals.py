"""Why a command is not carried out, and that it was not: a command that was refused once is refused
again when it comes again, whatever has become possible meanwhile.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

# The newest: what comes again comes soon.
_KEPT: Final = 32


class RefusedError(Exception):
    """A command that cannot be carried out; the text says why, and what to do.

    It quotes no number, address or name: it may outlive the erasure of whoever it would name.
    """


class Refusal(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Of which time the command was, and why it was refused."""

    at_ms: int
    why: str


def joined_refusals(
    one: Mapping[str, Refusal], other: Mapping[str, Refusal], at_most: int = _KEPT
) -> Mapping[str, Refusal]:
    """Return the newest of both by command id; the same object where nothing is new."""
    if not other or other.items() <= one.items():
        return one
    both = dict(one)
    for command_id, refusal in other.items():
        known = both.get(command_id, refusal)
        # The later, so that no entry ever falls behind: else what was dropped would have mattered.
        both[command_id] = max(known, refusal, key=lambda r: (r.at_ms, r.why))
    newest = sorted(both.items(), key=lambda item: (-item[1].at_ms, item[0]))
    return dict(newest[:at_most])
