"""What every view promises that commands look into, the live one and the one that stands for it."""

from abc import ABC, abstractmethod
from datetime import UTC, datetime
from typing import Any

from api.commands.view import CommandView, Place
from streams.contracts.commands import (
    EraseCustomer,
    MergeCustomers,
    SetPolicy,
    UpdateCustomer,
)
from streams.contracts.policies import PolicyDocument
from streams.contracts.suggestions import LinkSuggestion
from streams.contracts.wire import encode
from tests.unit.api.commands.office import JOAO, MARIA, Office

AT = datetime(2027, 1, 1, tzinfo=UTC)


def head(command_id: str, tenant_id: str = "acme") -> dict[str, Any]:
    """Return what every command has."""
    return {"id": command_id, "tenant_id": tenant_id, "issued_at": AT, "issued_by": "alice"}


class CommandViewContract(ABC):
    """The promises. Subclasses give a fixture `office` whose world the view shows."""

    @abstractmethod
    def view(self, office: Office) -> CommandView:
        """Return the view."""

    async def send(self, office: Office, *commands: Any) -> None:
        """Have the commands carried out."""
        for command in commands:
            await office.world.put("customer-commands", encode(command))

    async def test_a_customer_is_its_tenants_alone(self, office: Office) -> None:
        ours, theirs = office.customer(MARIA), office.customer(MARIA, tenant_id="umbrella")
        view = self.view(office)
        assert await view.customer("acme", ours.id) == ours
        assert await view.customer("acme", theirs.id) is None
        assert await view.customer("acme", "nobody") is None

    async def test_a_merged_customer_says_into_whom_and_an_erased_one_is_gone(
        self, office: Office
    ) -> None:
        maria, joao = office.customer(MARIA), office.customer(JOAO)
        view = self.view(office)
        merge = MergeCustomers(**head("c1"), customer_id=maria.id, other_customer_id=joao.id)
        await self.send(office, merge)
        found = [await view.customer("acme", one.id) for one in (maria, joao)]
        (living,) = [one for one in found if one and one.merged_into is None]
        assert [one.merged_into for one in found if one and one.merged_into] == [living.id]
        names = [("wa-1", MARIA), ("wa-1", JOAO)]
        assert list(await view.customers_with("acme", names)) == [living.id]
        assert list(await view.customers_with("umbrella", names)) == []
        await self.send(office, EraseCustomer(**head("c2"), customer_id=living.id))
        assert await view.customer("acme", living.id) is None
        assert list(await view.customers_with("acme", names)) == []

    async def test_phones_and_addresses_have_holders(self, office: Office) -> None:
        maria = office.customer(MARIA)
        office.customer(JOAO, tenant_id="umbrella")
        view = self.view(office)
        add = UpdateCustomer(**head("c1"), customer_id=maria.id, add_email="m@example.com")
        await self.send(office, add)
        asked = [f"+{MARIA}", f"+{JOAO}", "m@example.com", "x@example.com"]
        assert await view.holders_of("acme", asked) == {
            f"+{MARIA}": maria.id,
            "m@example.com": maria.id,
        }
        assert await view.holders_of("acme", []) == {}

    async def test_a_command_is_applied_refused_or_unknown(self, office: Office) -> None:
        maria = office.customer(MARIA)
        view = self.view(office)
        await self.send(
            office,
            UpdateCustomer(**head("good"), customer_id=maria.id, display_name="M"),
            UpdateCustomer(**head("bad"), customer_id="nobody", display_name="M"),
        )
        good = await view.wait_for_command("acme", "good", 0)
        bad = await view.wait_for_command("acme", "bad", 0)
        assert good is not None
        assert (good.is_applied, good.customer_id) == (True, maria.id)
        assert bad is not None
        assert not bad.is_applied
        assert "no customer" in (bad.detail or "")
        assert await view.wait_for_command("acme", "never", 0) is None
        assert await view.wait_for_command("umbrella", "good", 0) is None

    async def test_suggestions_are_listed_the_newest_first_and_one_tenants(
        self, office: Office
    ) -> None:
        for number in range(4):
            office.suggestion(number)
        office.suggestion(9, "umbrella")
        view = self.view(office)
        everything = await view.suggestions("acme", None, None, 10)
        assert len(everything) == 4
        ordered = sorted(everything, key=lambda one: (one.said_at, one.id), reverse=True)
        assert list(everything) == ordered
        paged: list[LinkSuggestion] = []
        place: Place | None = None
        while page := await view.suggestions("acme", "open", place, 3):
            paged += page
            place = Place(page[-1].said_at, page[-1].id)
        assert paged == ordered
        assert await view.suggestions("acme", "confirmed", None, 10) == []
        assert await view.suggestion("acme", ordered[0].id) == ordered[0]
        assert await view.suggestion("umbrella", ordered[0].id) is None

    async def test_a_region_is_what_a_command_set(self, office: Office) -> None:
        view = self.view(office)
        await self.send(office, SetPolicy(**head("p1"), policy=PolicyDocument(region="PT")))
        assert await view.region_of("acme") == "PT"
        assert await view.region_of("umbrella") in {None, office.world.policy.region}
