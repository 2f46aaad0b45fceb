"""The outboxes that stand in Kafka's place in tests keep its promises."""

import asyncio
from collections.abc import Awaitable, Callable

from api.outbox import Outbox
from tests.unit.api.commands.world import World
from tests.unit.api.outbox_contract import OutboxContract, Taken
from tests.unit.api.webhooks.test_gateway import RememberingOutbox


class TestRememberingOutbox(OutboxContract):
    """What the webhooks' tests hand bodies to."""

    def setup_method(self) -> None:
        """Begin with an empty one."""
        self.outbox = RememberingOutbox()

    def use(self, user: Callable[[Outbox], Awaitable[None]], *, is_away: bool = False) -> None:
        """Run the user with it."""
        self.outbox.is_away = is_away
        asyncio.run(_run(user, self.outbox))

    def taken(self) -> list[Taken]:
        """Return what it remembers."""
        keys = self.outbox.keys
        return [(key, value) for key, (_, value, _) in zip(keys, self.outbox.taken, strict=True)]


class TestWorld(OutboxContract):
    """What the commands' tests hand commands to."""

    def setup_method(self) -> None:
        """Begin with an empty one, whose worker sleeps."""
        self.world = World()
        self.world.is_asleep = True

    def use(self, user: Callable[[Outbox], Awaitable[None]], *, is_away: bool = False) -> None:
        """Run the user with it."""
        self.world.is_away = is_away
        asyncio.run(_run(user, self.world))

    def taken(self) -> list[Taken]:
        """Return what it took."""
        return [(key, value) for _, key, value in self.world.taken]


async def _run(user: Callable[[Outbox], Awaitable[None]], outbox: Outbox) -> None:
    await user(outbox)
