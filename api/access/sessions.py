"""The page's sessions: what its cookie says, and the token that shows that a page of ours asked.

Nothing is kept: the cookie names the key, and the key is looked up at each call, so revoking a key
ends its sessions at once. Signing out takes the cookie away from the browser.
"""

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
from itsdangerous import BadData, Signer, URLSafeSerializer

from api.access.key_file import KeyFileError, make_folder, write_private

SESSION_HOURS: Final = 12
COOKIE: Final = "omni_session"
# Behind https a browser lets nobody but this very host set a cookie of such a name.
SECURE_COOKIE: Final = f"__Host-{COOKIE}"
LONGEST_COOKIE: Final = 512
_SECRET_BYTES: Final = 32
_SIGNED: Final[dict[str, Any]] = {"key_derivation": "hmac", "digest_method": hashlib.sha256}


@dataclass(frozen=True, slots=True)
class Session:
    """A session as its cookie has it."""

    key_id: str
    ends_at: datetime


class _Content(msgspec.Struct):
    key: str
    ends: int
    nonce: str


class Sessions:
    """Makes and reads cookies and their tokens; the secret is fetched when first needed."""

    def __init__(self, *, secret: str | None, secret_file: Path, is_secure: bool) -> None:
        self._secret = secret
        self._secret_file = secret_file
        self.is_secure = is_secure
        self.cookie_name = SECURE_COOKIE if is_secure else COOKIE

    def begin(self, key_id: str, now: datetime) -> tuple[str, Session]:
        """Return the value of a new session's cookie, and the session. Raises KeyFileError."""
        ends_at = (now + timedelta(hours=SESSION_HOURS)).replace(microsecond=0)
        content = _Content(key_id, int(ends_at.timestamp()), secrets.token_urlsafe(12))
        cookie = self._serializer().dumps(msgspec.to_builtins(content))
        return cookie, Session(key_id, ends_at)

    def session_of(self, cookie: str, now: datetime) -> Session | None:
        """Return the session that the cookie is of; none where it is not ours, or is over."""
        if len(cookie) > LONGEST_COOKIE:
            return None
        try:
            content = msgspec.convert(self._loaded(cookie), _Content)
        except (BadData, msgspec.ValidationError):
            return None
        session = Session(content.key, datetime.fromtimestamp(content.ends, UTC))
        return session if now < session.ends_at else None

    def csrf_token(self, cookie: str) -> str:
        """Return what a page of this session must send along: no other site can read it."""
        return (
            Signer(self._key(), salt="omnichannel.csrf", **_SIGNED).get_signature(cookie).decode()
        )

    def is_csrf_token(self, token: str, cookie: str) -> bool:
        """Say whether the token is this session's."""
        return hmac.compare_digest(token.encode(), self.csrf_token(cookie).encode())

    def _loaded(self, cookie: str) -> Any:
        """Return what we signed; raises BadData where the cookie is not what we gave out."""
        serializer = self._serializer()
        loaded = serializer.loads(cookie)
        # Base64 is read leniently ("+" for "-", spare bits at the end): one session, one cookie.
        if serializer.dumps(loaded) != cookie:
            raise BadData("the cookie is written in another way than ours")
        return loaded

    def _serializer(self) -> URLSafeSerializer:
        return URLSafeSerializer(
            self._key(), salt="omnichannel.session", signer_kwargs=dict(_SIGNED)
        )

    def _key(self) -> str:
        if self._secret is None:
            self._secret = _secret_in(self._secret_file)
        return self._secret


def _secret_in(file: Path) -> str:
    """Return the secret that the file keeps, made once: of two processes that make it, one does."""
    make_folder(file.parent)
    if not file.exists():
        made = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
        write_private(made, secrets.token_hex(_SECRET_BYTES).encode())
        try:
            os.link(made, file)  # fails where another process was first
        except FileExistsError:
            pass
        except OSError as error:
            raise KeyFileError(
                f"{file} cannot be made ({error.strerror}): set API_SESSION_SECRET instead"
            ) from error
        finally:
            made.unlink()
    try:
        secret = file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise KeyFileError(f"{file} cannot be read: {error}") from error
    if len(secret) < _SECRET_BYTES:
        raise KeyFileError(f"{file} is too short for a secret: remove it, and everybody signs in")
    return secret
