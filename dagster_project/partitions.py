"""Days as partitions: a partition is one calendar day, each tenant's own.

Owns where the days begin.
"""

from typing import Final

import dagster as dg

# Before anybody's first message. The day that goes on is one of them; where it begins before UTC's
# does, it is there from midnight UTC on.
DAYS: Final = dg.DailyPartitionsDefinition(start_date="2020-01-01", end_offset=1)
