"""Traffic as it would happen now: the same people, and new ones, one record after the other."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import chain, zip_longest

import msgspec

from streams.contracts.messages import Message
from streams.contracts.wire import encode
from streams.traffic.plan import TrafficPlan
from streams.traffic.population import Population
from streams.traffic.run import Traffic, TrafficRun

# A people's days; when they are over, further people come.
_DAYS = 400


def traffic_now(plan: TrafficPlan, now: Callable[[], datetime]) -> Iterator[Traffic]:
    """Yield for ever what the plan's people write from now on, and others between them; each
    message says that it was sent when it is asked for. None is broken, late or repeated.
    """
    calm = replace(plan, late_share=0, redelivery_share=0, broken_share=0, days=_DAYS)
    seed = plan.seed
    while True:
        known = TrafficRun(Population(replace(calm, seed=plan.seed)))
        seed += 1
        new = TrafficRun(Population(replace(calm, seed=seed)))
        turns = chain.from_iterable(zip_longest(known, new))
        for number, record in enumerate(one for one in turns if one is not None):
            yield _sent_at(now(), record, f"{seed}.{number}")


def _sent_at(moment: datetime, record: Traffic, tag: str) -> Traffic:
    """Return the record as it would be if it were sent at this moment."""
    message = msgspec.json.decode(record.value, type=Message)
    sent = msgspec.structs.replace(
        message,
        message_id=f"{message.message_id}.{tag}",
        conversation_id=None,
        timestamp=moment.isoformat(),
    )
    return msgspec.structs.replace(record, value=encode(sent), sent_at=moment)
