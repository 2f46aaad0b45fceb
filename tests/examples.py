"""With how many examples a property is tried: few, since the suite runs often, and other ones each
time unless it is CI's turn. EXAMPLES=30 before a command tries thirty times as many.
"""

import os
from typing import Final

_TIMES: Final = float(os.environ.get("EXAMPLES", "1"))


def examples(usual: int) -> int:
    """Return how many examples are asked for where it is usually so many."""
    return max(1, round(usual * _TIMES))
