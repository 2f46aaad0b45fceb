"""The brake: a worker that can understand little of what comes stops before it goes on.

Something is wrong at large then, a producer or an adapter: better a lag that somebody mends than
all of it among the dead letters. Counts forget: what was long ago weighs half, and half again.
"""

from collections.abc import Callable, Sequence
from typing import Final

from streams.contracts.dead_letters import Reason
from streams.engine.batches import Effects, InRecord

# So few say nothing of a share: one odd webhook must not stop everybody.
LEAST_RECORDS: Final = 1_000
# What is wrong with the record, not with whom it is from.
_FAULTS: Final[frozenset[Reason]] = frozenset({"unreadable", "invalid"})


class BrakeError(RuntimeError):
    """Too little of what came could be understood."""


class Braked:
    """A translation that raises BrakeError where more than `share` of what came lately is set
    aside as faulty; of a batch that trips it nothing is sent or committed.
    """

    def __init__(self, translate: Callable[[Sequence[InRecord]], Effects], share: float) -> None:
        self._translate = translate
        self._share = share
        self._records = 0.0
        self._faults = 0.0

    def __call__(self, records: Sequence[InRecord]) -> Effects:
        """Return what the translation does."""
        effects = self._translate(records)
        self._records += len(records)
        # A body of many parts is one record: it counts once a part at most.
        self._faults += min(sum(reason in _FAULTS for reason in effects.told), len(records))
        if self._records < LEAST_RECORDS:
            return effects
        if self._faults > self._share * self._records:
            raise BrakeError(
                f"of the last {self._records:,.0f} records {self._faults:,.0f} cannot be "
                "understood: a producer or an adapter is at fault. `omnichannel dead-letters list` "
                "shows what came before; mend it, and start the worker again: it goes on here. "
                "WORKER_BRAKE_SHARE=1 lets everything through to the dead letters"
            )
        while self._records >= 2 * LEAST_RECORDS:
            self._records, self._faults = self._records / 2, self._faults / 2
        return effects
