"""Python's cycle collector, told what a worker is: a large heap that stays, and batches that go."""

import gc
from typing import Final

# Young objects between two looks: a batch makes tens of thousands, none of them part of a cycle.
_THRESHOLDS: Final = (200_000, 20, 100)


def settle() -> None:
    """Have the collector leave alone what was made so far, and look at the rest less often.

    By default it looks at the whole heap for every few thousand messages and finds nothing: some
    microseconds a message. Call once all modules are loaded.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
