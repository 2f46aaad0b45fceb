"""Every record survives the wire: any value of any contract comes back as it was."""

import builtins
import types
import typing
from datetime import UTC, datetime
from functools import cache
from types import NoneType
from typing import Any, get_args, get_origin

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, UnsetType

from streams.contracts.commands import (
    ConfirmSuggestion,
    EraseCustomer,
    ImportContact,
    MergeCustomers,
    RefuseSuggestion,
    SetPolicy,
    SplitCustomer,
    UpdateCustomer,
)
from streams.contracts.conversations import Conversation
from streams.contracts.customers import (
    Customer,
    CustomerDecision,
    CustomerEvent,
    CustomerEvidence,
    CustomerIdentity,
    CustomerLink,
    CustomerMetadata,
    LaterOwner,
    UnlinkedEvidence,
)
from streams.contracts.dead_letters import DeadLetter
from streams.contracts.documents import RECORDS
from streams.contracts.messages import (
    Channel,
    Content,
    Context,
    Identifier,
    Message,
    MessageFact,
)
from streams.contracts.notices import Notice
from streams.contracts.policies import TenantPolicy
from streams.contracts.suggestions import LinkSuggestion
from streams.contracts.wire import encode

CONTRACTS: tuple[type[msgspec.Struct], ...] = (
    *(Channel, Content, Context, Identifier, Message, MessageFact),
    *(Customer, CustomerEvent, CustomerIdentity, CustomerLink, CustomerMetadata),
    *(CustomerDecision, CustomerEvidence, LaterOwner, UnlinkedEvidence),
    *(Conversation, DeadLetter, LinkSuggestion, Notice, TenantPolicy),
    *(EraseCustomer, MergeCustomers, SplitCustomer, UpdateCustomer),
    *(ConfirmSuggestion, ImportContact, RefuseSuggestion, SetPolicy),
)

# What JSON cannot carry is no value of a contract: lone surrogates, numbers that are not finite,
# integers that not every reader takes.
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    int: st.integers(-(2**53), 2**53),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    bytes: st.binary(max_size=12),
    datetime: st.datetimes(timezones=st.just(UTC)),
    NoneType: st.none(),
    UnsetType: st.just(UNSET),
}


@cache
def _values(kind: Any) -> st.SearchStrategy[Any]:  # noqa: PLR0911 - one a kind of type
    """Return any values of a field's type; of a Struct, with every field varied."""
    parts = get_args(kind)
    match get_origin(kind):
        case typing.Literal:
            return st.sampled_from(parts)
        case types.UnionType | typing.Union:
            return st.one_of(*map(_values, parts))
        case typing.Annotated:
            return _bounded(*parts)
        case builtins.tuple:
            return st.lists(_values(parts[0]), max_size=3).map(tuple)
        case builtins.dict:
            return st.dictionaries(_values(parts[0]), _values(parts[1]), max_size=3)
    if kind in PLAIN:
        return PLAIN[kind]
    fields = msgspec.structs.fields(kind)
    return st.builds(kind, **{field.name: _values(field.type) for field in fields})


def _bounded(kind: Any, meta: msgspec.Meta) -> st.SearchStrategy[Any]:
    """Return values within what the field allows."""
    if kind is str:
        return st.from_regex(meta.pattern or "", fullmatch=True)
    if kind is int:
        return st.integers(int(meta.ge or 0), int(meta.le or 0))
    return st.floats(float(meta.gt or 0), float(meta.le or 0), exclude_min=True)


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.__name__)
@given(data=st.data())
def test_decoding_what_was_encoded_gives_the_same_record(
    contract: type[msgspec.Struct], data: st.DataObject
) -> None:
    record = data.draw(_values(contract))
    assert msgspec.json.decode(encode(record), type=contract) == record


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.__name__)
@given(data=st.data())
def test_a_newer_producers_fields_are_ignored(
    contract: type[msgspec.Struct], data: st.DataObject
) -> None:
    record = data.draw(_values(contract))
    newer: dict[str, Any] = msgspec.json.decode(encode(record))
    newer |= {"addedNextYear": {"nested": [1, None]}, "schemaVersion": 2}
    decoded = msgspec.json.decode(msgspec.json.encode(newer), type=contract)
    names = [field.name for field in msgspec.structs.fields(contract)]
    for name in set(names) - {"schema_version"}:
        assert getattr(decoded, name) == getattr(record, name)


def test_every_documented_record_is_among_the_contracts_tested() -> None:
    assert {record for group in RECORDS.values() for record in group} <= set(CONTRACTS)


def test_a_message_reads_as_the_reference_writes_it() -> None:
    message = msgspec.json.decode(
        b"""{"tenantId": "t", "channel": {"id": "whatsapp_1", "type": "whatsapp"},
        "messageId": "m", "direction": "inbound", "from": "+5511999998888", "to": "551130001000",
        "timestamp": "1718000000"}""",
        type=Message,
    )
    assert message.from_ == "+5511999998888"
    assert (message.context, message.content) == (Context(), Content())
