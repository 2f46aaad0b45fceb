"""Which records an erasure is about."""

from datetime import timedelta

import pytest

from pipelines.erasures import Erasures, erased_by
from streams.contracts.customers import ErasedIdentity
from streams.contracts.wire import Wire, encode
from tests.unit.pipelines.builders import START, answer, conversation, erasure, event, fact

LATER = START + timedelta(days=90)


@pytest.mark.parametrize(
    ("record", "is_covered"),
    [
        (fact(identity_id="a", customer_id="b"), True),
        (fact(identity_id="b", customer_id="a"), False),
        (conversation("v", identity_id="a", customer_id="b"), True),
        (conversation("v", identity_id="b", customer_id="a"), False),
        (event("e", customer_id="b", identity_id="a"), True),
        (answer("e", event_type="command.refused", customer_id="a"), True),
        (answer("e", event_type="command.applied", customer_id="a"), False),
        (erasure("a"), False),
    ],
)
def test_what_is_about_an_erased_identity_is_covered_whoever_owned_it(
    record: Wire, is_covered: bool
) -> None:
    assert Erasures([ErasedIdentity(identity_id="a")]).cover(encode(record)) is is_covered


def test_of_a_number_that_changed_hands_only_its_owners_time_is_covered() -> None:
    first = Erasures([ErasedIdentity(identity_id="a", until=LATER)])
    second = Erasures([ErasedIdentity(identity_id="a", since=LATER)])
    before, after = (encode(fact(identity_id="a", sent_at=at)) for at in (START, LATER))
    assert (first.cover(before), first.cover(after)) == (True, False)
    assert (second.cover(before), second.cover(after)) == (False, True)


@pytest.mark.parametrize("value", [b"{", b"\xff", b"[]", b'{"identityId": 7}', b"[" * 5000])
def test_what_cannot_be_read_is_neither_covered_nor_an_erasure(value: bytes) -> None:
    assert Erasures().cover(value) is None
    assert erased_by(value) == ()


def test_an_event_that_erases_nobody_names_nobody() -> None:
    assert erased_by(encode(event("e"))) == ()
    assert [one.identity_id for one in erased_by(encode(erasure("a", "b")))] == ["a", "b"]
