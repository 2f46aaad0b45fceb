"""What a tenant's customers can be filtered by: channels, sources and tags that there are."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from api.live_view.reader import Reader
from api.live_view.view import LiveView

# So old may the choices in a form be: they are read from all customers, and seldom change.
_KEPT_SECONDS: Final = 30.0
_MOST_TENANTS: Final = 1_000
_MOST_TAGS: Final = 200


@dataclass(frozen=True, slots=True)
class Choices:
    """Channels (id to type), sources, and the most used tags."""

    channels: Mapping[str, str]
    sources: Sequence[str]
    tags: Sequence[str]

    @property
    def channel_types(self) -> list[str]:
        """Return the types of the channels."""
        return sorted(set(self.channels.values()))


@dataclass(slots=True)
class Remembered:
    """The choices of each tenant, for a while."""

    monotonic: Callable[[], float] = time.monotonic
    _known: dict[str, tuple[float, Choices]] = field(default_factory=dict)

    async def of(self, tenant_id: str, view: LiveView) -> Choices:
        """Return a tenant's choices of this moment, or of a little earlier. Raises ProblemError:
        503.
        """
        known = self._known.get(tenant_id)
        if known is not None and self.monotonic() - known[0] < _KEPT_SECONDS:
            return known[1]
        found = await view.ask(partial(choices, tenant_id=tenant_id))
        if len(self._known) >= _MOST_TENANTS:
            self._known.clear()
        self._known[tenant_id] = (self.monotonic(), found)
        return found


def choices(reader: Reader, *, tenant_id: str) -> Choices:
    """Return what there is to choose from at this moment."""
    given: dict[str, object] = {"tenant_id": tenant_id}
    channels = reader.execute(
        "select channel_id, arg_max(channel_type, last_seen_at) from customer_channels "
        "where tenant_id = $tenant_id group by channel_id order by channel_id",
        given,
    ).fetchall()
    sources = reader.execute(
        "select distinct source from raw.customers "
        "where tenant_id = $tenant_id and merged_into is null and source is not null order by all",
        given,
    ).fetchall()
    tags = reader.execute(
        "select tag from (select unnest(tags) as tag from raw.customers "
        "where tenant_id = $tenant_id and merged_into is null and len(tags) > 0) "
        "group by tag order by count(*) desc, tag limit $most",
        given | {"most": _MOST_TAGS},
    ).fetchall()
    return Choices(dict(channels), [s for (s,) in sources], sorted(t for (t,) in tags))
