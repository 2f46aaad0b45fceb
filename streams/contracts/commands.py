"""What agents and integrators ask for, on `customer-commands`. Each is idempotent by its id."""

from datetime import datetime

import msgspec

from streams.contracts.wire import SCHEMA_VERSION, Wire


class Command(Wire, frozen=True, kw_only=True, tag_field="type"):
    """What every command carries: whose customers it is about, who asked, and when."""

    id: str
    tenant_id: str
    issued_at: datetime
    issued_by: str
    schema_version: int = SCHEMA_VERSION


class UpdateCustomer(Command, frozen=True, kw_only=True, tag="customer.update"):
    """Set what is given, leave the rest; null in an attribute removes it."""

    customer_id: str
    display_name: str | None = None
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    custom_attributes: dict[str, str | None] = msgspec.field(default_factory=dict)
    add_phone: str | None = None
    add_email: str | None = None
    blocked: bool | None = None


class MergeCustomers(Command, frozen=True, kw_only=True, tag="customer.merge"):
    """Make two customers one; the older survives."""

    customer_id: str
    other_customer_id: str


class SplitCustomer(Command, frozen=True, kw_only=True, tag="customer.split"):
    """Take identity keys out of a customer into one of their own."""

    customer_id: str
    identity_keys: tuple[str, ...]


class EraseCustomer(Command, frozen=True, kw_only=True, tag="customer.erase"):
    """Forget a person everywhere, so that no replay brings them back."""

    customer_id: str


AnyCommand = UpdateCustomer | MergeCustomers | SplitCustomer | EraseCustomer
