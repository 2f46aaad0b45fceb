"""From what a caller asks to the command that says it: pure.

A command's id comes from the tenant, the caller's Idempotency-Key and what is asked, so that the
same call is the same command however often it is made, and another call never passes for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID, uuid5

import msgspec

from api.commands.bodies import CustomerChange, Split
from streams.contracts.commands import (
    AnyCustomerCommand,
    ConfirmSuggestion,
    EraseCustomer,
    MergeCustomers,
    RefuseSuggestion,
    SplitCustomer,
    UpdateCustomer,
)
from streams.contracts.customers import Customer
from streams.contracts.suggestions import LinkSuggestion
from streams.identity.phones import InvalidPhone, typed

_COMMANDS: Final = UUID("6f0c2d0e-4f4b-5c83-9a44-5a3c9a0b6d21")
CommandType = TypeVar("CommandType", bound=AnyCustomerCommand)


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks in which tenant and when, and the id of the command that comes of it."""

    command_id: str
    tenant_id: str
    issued_by: str
    now: datetime

    def command(self, kind: type[CommandType], customer_id: str, **content: Any) -> CommandType:
        """Return the command."""
        return kind(
            id=self.command_id,
            tenant_id=self.tenant_id,
            issued_at=self.now,
            issued_by=self.issued_by,
            customer_id=customer_id,
            **content,
        )


def command_id(tenant_id: str, idempotency_key: str, *asked: Any) -> str:
    """Return the id of what is asked: it rests on the call alone, and on nothing that changes."""
    said = msgspec.json.encode([tenant_id, idempotency_key, *asked], order="deterministic")
    return str(uuid5(_COMMANDS, said.decode()))


def update(
    asking: Asking, customer: Customer, change: CustomerChange, phone: str | None
) -> UpdateCustomer:
    """Return the change as a command; a whole list of tags becomes a difference."""
    add, remove = set(change.add_tags), set(change.remove_tags)
    if change.tags is not None:
        add, remove = set(change.tags), set(customer.tags) - set(change.tags)
    return asking.command(
        UpdateCustomer,
        customer.id,
        display_name=change.display_name,
        add_tags=tuple(sorted(add)),
        remove_tags=tuple(sorted(remove)),
        custom_attributes=dict(change.custom_attributes),
        add_phone=phone,
        add_email=change.add_email,
        blocked=change.blocked,
    )


def phone_of(text: str, region: str | None) -> str | InvalidPhone:
    """Return a number as somebody typed it in canonical form, or what is wrong with it."""
    return typed(text, region)


def merge(asking: Asking, customer: Customer, other: Customer) -> MergeCustomers:
    """Return what makes the two customers one."""
    return asking.command(MergeCustomers, customer.id, other_customer_id=other.id)


def split(asking: Asking, customer: Customer, asked: Split) -> SplitCustomer | str:
    """Return what takes identities out of the customer, or which of them it has not."""
    keys = set(asked.identity_keys)
    by_name = {(i.channel_id, i.external_id): i.identity_key for i in customer.identities}
    for identity in asked.identities:
        key = by_name.get((identity.channel_id, identity.external_id))
        if key is None:
            return "identities: the customer has not all of them; its record lists those it has"
        keys.add(key)
    return asking.command(
        SplitCustomer, customer.id, identity_keys=tuple(sorted(keys)), since=asked.since
    )


def erase(asking: Asking, customer_id: str) -> EraseCustomer:
    """Return what forgets the customer."""
    return asking.command(EraseCustomer, customer_id)


def judge(
    asking: Asking, suggestion: LinkSuggestion, *, are_one: bool
) -> ConfirmSuggestion | RefuseSuggestion:
    """Return what somebody decided about a suggestion."""
    if are_one:
        return asking.command(
            ConfirmSuggestion, suggestion.customer_id, suggestion_id=suggestion.id
        )
    return asking.command(RefuseSuggestion, suggestion.customer_id, suggestion_id=suggestion.id)


def shows(customer: Customer | None, command: AnyCustomerCommand) -> bool:
    """Say whether a record has taken over what the command changed: the command's answer and the
    record come on two topics, and either may be read first.
    """
    match command:
        case UpdateCustomer():
            return customer is not None and _shows_update(customer, command)
        case MergeCustomers():
            if customer is None:
                return False
            return (
                customer.merged_into is not None or command.other_customer_id in customer.merged_ids
            )
        case SplitCustomer():
            keys = (
                {identity.identity_key for identity in customer.identities} if customer else set()
            )
            taken = set(command.identity_keys)
            return command.since is not None or keys.isdisjoint(taken) or keys <= taken
        case EraseCustomer():
            return customer is None
    return True


def _shows_update(customer: Customer, command: UpdateCustomer) -> bool:
    attributes: Mapping[str, str | None] = command.custom_attributes
    tags = set(customer.tags)
    return (
        command.display_name in {None, customer.display_name}
        and tags.issuperset(command.add_tags)
        and tags.isdisjoint(command.remove_tags)
        and all(customer.custom_attributes.get(k) == v for k, v in attributes.items())
        and command.blocked in {None, customer.blocked}
        and (command.add_phone is None or command.add_phone in customer.phones)
        and (command.add_email is None or command.add_email in customer.emails)
    )
