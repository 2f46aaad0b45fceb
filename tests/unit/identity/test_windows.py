"""Conversations as windows that join in any order. Nothing here is a fake."""

from itertools import permutations

from streams.identity.windows import Window, joined, window_of

GAP_MS = 24 * 60 * 60 * 1000


def test_two_that_begin_alike_keep_their_order_when_one_of_them_grows() -> None:
    def one(at_ms: int, platform_id: str) -> Window:
        return window_of(
            "acme wa-1 1",
            message_id="m0",
            at_ms=at_ms,
            direction="inbound",
            platform_id=platform_id,
        )

    plain, early, late = one(1_000, ""), one(1_000, "c-1"), one(2_000, "c-1")
    orders = permutations([plain, early, late])
    histories = {joined(joined((a,), (b,), GAP_MS), (c,), GAP_MS) for a, b, c in orders}
    assert len(histories) == 1
