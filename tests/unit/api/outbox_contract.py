"""What every outbox promises, the real one and those that stand in its place."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable

import pytest

from api.outbox import NotTakenError, Outbox

Taken = tuple[bytes | None, bytes]


class OutboxContract(ABC):
    """The promises; `use` runs a coroutine with an outbox that reaches its broker, or does not."""

    @abstractmethod
    def use(self, user: Callable[[Outbox], Awaitable[None]], *, is_away: bool = False) -> None:
        """Run the user with an outbox."""

    @abstractmethod
    def taken(self) -> list[Taken]:
        """Return what the broker has, (key, value), in the order of each key."""

    def test_what_is_put_is_there_once_and_records_of_a_key_are_in_order(self) -> None:
        async def put(outbox: Outbox) -> None:
            for number in range(20):
                await outbox.put("t", b"%d" % number, key=b"even" if number % 2 == 0 else None)

        self.use(put)
        taken = self.taken()
        assert sorted(int(value) for _, value in taken) == list(range(20))
        even = [int(value) for key, value in taken if key == b"even"]
        assert even == list(range(0, 20, 2))

    def test_what_the_broker_has_not_got_is_refused(self) -> None:
        async def put(outbox: Outbox) -> None:
            with pytest.raises(NotTakenError):
                await outbox.put("t", b"1", key=b"k")

        self.use(put, is_away=True)
        assert self.taken() == []
