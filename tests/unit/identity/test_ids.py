"""Derived ids are UUIDs of version 5."""

from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from streams.identity.ids import Namespace


@given(st.text())
def test_a_derived_id_is_the_uuid5_of_its_name(name: str) -> None:
    namespace = Namespace("test")
    assert UUID(namespace.id_of(name)) == uuid5(namespace.uuid, name)
