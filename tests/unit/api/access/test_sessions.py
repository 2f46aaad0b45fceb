"""Cookies and their tokens. Real: the signatures, the secret's file."""

import stat
from datetime import UTC, datetime, timedelta
from multiprocessing.pool import ThreadPool
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.access.key_file import KeyFileError
from api.access.sessions import SESSION_HOURS, Session, Sessions

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
SECRET = "s" * 32


def sessions(secret: str | None = SECRET, file: Path = Path("unused")) -> Sessions:
    """Return what makes and reads cookies."""
    return Sessions(secret=secret, secret_file=file, is_secure=False)


def test_a_cookie_is_its_session_until_it_ends() -> None:
    cookie, session = sessions().begin("0123", NOW)
    end = NOW + timedelta(hours=SESSION_HOURS)
    assert session == Session("0123", end)
    assert sessions().session_of(cookie, end - timedelta(seconds=1)) == session
    assert sessions().session_of(cookie, end) is None


COOKIE, _ = sessions().begin("0123", NOW)


@given(st.integers(0, len(COOKIE) - 1), st.characters(codec="latin-1"))
def test_a_cookie_with_one_other_character_is_nobodys(place: int, character: str) -> None:
    changed = COOKIE[:place] + character + COOKIE[place + 1 :]
    found = sessions().session_of(changed, NOW)
    assert found is None or changed == COOKIE


def test_a_cookie_written_in_another_base64_is_nobodys() -> None:
    cookies = [sessions().begin("0123", NOW)[0] for _ in range(30)]
    changed = [cookie.replace("-", "+").replace("_", "/") for cookie in cookies]
    differing = [one for one, ours in zip(changed, cookies, strict=True) if one != ours]
    assert differing  # three signatures in four have one of the two characters
    assert not any(sessions().session_of(one, NOW) for one in differing)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=600))
def test_no_text_is_a_session_or_an_error(text: str) -> None:
    assert sessions().session_of(text, NOW) is None
    assert not sessions().is_csrf_token(text, COOKIE)


def test_a_cookie_of_another_secret_is_nobodys() -> None:
    assert sessions("t" * 32).session_of(COOKIE, NOW) is None


def test_each_session_has_a_token_of_its_own() -> None:
    other, _ = sessions().begin("0123", NOW)
    token = sessions().csrf_token(COOKIE)
    assert sessions().is_csrf_token(token, COOKIE)
    assert not sessions().is_csrf_token(token, other)


def test_of_processes_that_make_the_secret_at_once_all_have_the_same(tmp_path: Path) -> None:
    file = tmp_path / "new" / "session-secret"
    with ThreadPool(8) as pool:
        cookies = pool.map(lambda _: sessions(None, file).begin("0123", NOW)[0], range(8))
    assert all(sessions(None, file).session_of(cookie, NOW) for cookie in cookies)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]


def test_a_secret_that_is_none_is_not_signed_with(tmp_path: Path) -> None:
    file = tmp_path / "session-secret"
    file.write_text("short")
    with pytest.raises(KeyFileError, match="remove it"):
        sessions(None, file).begin("0123", NOW)
