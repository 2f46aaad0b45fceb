"""What agents and integrators ask for, on `customer-commands`.

Each is idempotent by its id, and answered on `customer-events` by `command.applied` or
`command.refused`, which names it.
"""

from datetime import datetime
from typing import Literal

import msgspec

from streams.contracts.policies import PolicyDocument
from streams.contracts.wire import SCHEMA_VERSION, Wire


class Command(Wire, frozen=True, kw_only=True, tag_field="type"):
    """What every command carries: in whose tenant, who asked, and when."""

    id: str
    tenant_id: str
    issued_at: datetime
    issued_by: str
    schema_version: int = SCHEMA_VERSION


class CustomerCommand(Command, frozen=True, kw_only=True):
    """A command about a customer; the id of a merged one stands for the one that lives on."""

    customer_id: str


class UpdateCustomer(CustomerCommand, frozen=True, kw_only=True, tag="customer.update"):
    """Set what is given, leave the rest; null in an attribute removes it.

    A phone or e-mail that is added ties the customer to whoever writes from it. `source` says
    what the values weigh: an agent outranks an import, and that a channel's own profile.
    """

    display_name: str | None = None
    profile_picture_url: str | None = None
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    custom_attributes: dict[str, str | None] = msgspec.field(default_factory=dict)
    add_phone: str | None = None
    add_email: str | None = None
    blocked: bool | None = None
    source: Literal["agent", "import", "profile"] = "agent"


class ConfirmSuggestion(CustomerCommand, frozen=True, kw_only=True, tag="suggestion.confirm"):
    """The two customers of the suggestion are one person; the older survives."""

    suggestion_id: str


class RefuseSuggestion(CustomerCommand, frozen=True, kw_only=True, tag="suggestion.refuse"):
    """The two customers of the suggestion are different people, whatever evidence says."""

    suggestion_id: str


class MergeCustomers(CustomerCommand, frozen=True, kw_only=True, tag="customer.merge"):
    """Make two customers one; the older survives."""

    other_customer_id: str


class SplitCustomer(CustomerCommand, frozen=True, kw_only=True, tag="customer.split"):
    """Take identity keys out of a customer into one of their own; evidence never joins the two
    sides again. With `since`, only what those keys did from then on: the number's new owner.
    """

    identity_keys: tuple[str, ...]
    since: datetime | None = None


class EraseCustomer(CustomerCommand, frozen=True, kw_only=True, tag="customer.erase"):
    """Forget a person everywhere, so that no replay brings them back."""


class ImportContact(Command, frozen=True, kw_only=True, tag="contact.import"):
    """Keep up the customer of a phone or an e-mail, or make one of a person who never wrote.

    The phone names the person, or the e-mail where there is none; an e-mail beside a phone is only
    said of them. What is given weighs as an import's. The answer names the customer.
    """

    phone: str | None = None
    email: str | None = None
    display_name: str | None = None
    tags: tuple[str, ...] = ()
    custom_attributes: dict[str, str] = msgspec.field(default_factory=dict)


class SetPolicy(Command, frozen=True, kw_only=True, tag="policy.set"):
    """Replace the tenant's policy; what is not given has its default."""

    policy: PolicyDocument


AnyCustomerCommand = (
    UpdateCustomer
    | ConfirmSuggestion
    | RefuseSuggestion
    | MergeCustomers
    | SplitCustomer
    | EraseCustomer
)
AnyCommand = AnyCustomerCommand | ImportContact | SetPolicy
