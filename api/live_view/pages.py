"""Pages of lists that change while they are read: a cursor names the last row seen, not a number.

So nothing is shown twice and nothing is skipped, whatever comes or goes in between.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Final

import msgspec

from api.problems import ProblemError

_LONGEST: Final = 2_000
# Neither database has greater ones.
_Number = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]

Place = Sequence[str | int | None]


@dataclass(frozen=True, slots=True)
class Page:
    """Records as JSON, in order, and the cursor behind them; None where the list ends."""

    documents: Sequence[str]
    next: str | None

    def as_json(self) -> bytes:
        """Return the answer of a list: `items` and `next`."""
        items = ",".join(self.documents)
        return f'{{"items":[{items}],"next":{msgspec.json.encode(self.next).decode()}}}'.encode()


def cursor_of(order: str, place: Place) -> str:
    """Return an opaque cursor for a place in a list of this order."""
    raw = msgspec.json.encode([order, *place])
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def place_in(order: str, cursor: str, *kinds: type) -> list[Any]:
    """Return the place that the cursor names: a value of each kind, or None. Raises ProblemError:
    it is of another list.
    """
    match _decoded(cursor):
        case [said, *place] if (
            said == order
            and len(place) == len(kinds)
            and all(
                one is None or type(one) is kind for one, kind in zip(place, kinds, strict=True)
            )
        ):
            return place
    raise ProblemError(
        HTTPStatus.BAD_REQUEST,
        "this cursor is of another list: leave `cursor` out to begin, and keep sort and filters "
        "as they are from page to page",
    )


def _decoded(cursor: str) -> list[Any]:
    if len(cursor) > _LONGEST:
        return []
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        return msgspec.json.decode(raw, type=list[str | _Number | None])
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        return []
