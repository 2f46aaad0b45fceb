"""Keys, pure: what opens something and what does not. Nothing is written."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.access.callers import Caller
from api.access.keys import ROLES, InvalidKeyError, Role, key_of, new_key, revoked, with_key

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
KEY, TOKEN = new_key(tenant="acme", role="agent", name="Front desk", now=NOW, expires_in_days=2)
KEYS = {KEY.id: KEY}


def test_a_token_is_its_key_and_its_secret_is_nowhere_in_what_is_kept() -> None:
    assert key_of(TOKEN, KEYS, NOW) == KEY
    secret = TOKEN.rpartition("_")[2]
    assert len(secret) * 4 == 256
    assert secret not in msgspec.json.encode(KEY).decode()


def test_a_key_opens_nothing_from_the_moment_it_expires() -> None:
    end = NOW + timedelta(days=2)
    assert key_of(TOKEN, KEYS, end - timedelta(seconds=1)) == KEY
    assert key_of(TOKEN, KEYS, end) is None


def test_a_revoked_key_opens_nothing_and_keeps_when_it_was_revoked_first() -> None:
    once = revoked(KEYS, KEY.id, NOW)
    assert key_of(TOKEN, once, NOW) is None
    assert revoked(once, KEY.id, NOW + timedelta(days=1)) == once


@given(st.one_of(st.text(max_size=200), st.text("omni_0123456789abcdef", max_size=90)))
def test_no_other_text_is_a_key(text: str) -> None:
    assert key_of(text, KEYS, NOW) is None


@given(st.integers(0, len(TOKEN) - 1), st.sampled_from("0123456789abcdefO_ \n"))
def test_a_token_with_one_other_character_is_no_key(place: int, character: str) -> None:
    changed = TOKEN[:place] + character + TOKEN[place + 1 :]
    assert key_of(changed, KEYS, NOW) == (KEY if changed == TOKEN else None)


def test_the_secret_of_one_key_does_not_open_another() -> None:
    other, _ = new_key(tenant="umbrella", role="admin", name="x", now=NOW)
    mixed = f"omni_{other.id}_{TOKEN.rpartition('_')[2]}"
    assert key_of(mixed, {**KEYS, other.id: other}, NOW) is None


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"tenant": "a/b"}, "tenantId"),
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"expires_in_days": 0}, "expires-in-days"),
        ({"expires_in_days": 10_000}, "expires-in-days"),
    ],
)
def test_a_key_that_cannot_be_says_what_to_change(wrong: dict[str, object], said: str) -> None:
    asked: dict[str, object] = {"tenant": "acme", "role": "viewer", "name": "x", "now": NOW}
    with pytest.raises(InvalidKeyError, match=said):
        new_key(**(asked | wrong))  # type: ignore[arg-type]


def test_two_keys_of_one_id_are_refused_rather_than_one_lost() -> None:
    with pytest.raises(InvalidKeyError, match="try again"):
        with_key(KEYS, KEY)


def test_an_unknown_key_cannot_be_revoked() -> None:
    with pytest.raises(InvalidKeyError, match="keys list"):
        revoked(KEYS, "000000000000", NOW)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_what_lesser_roles_may(role: Role) -> None:
    caller = Caller("acme", role, KEY.id, "x")
    may = [caller.may(other) for other in ROLES]
    assert may == [ROLES.index(other) <= ROLES.index(role) for other in ROLES]
