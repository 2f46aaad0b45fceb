"""Who calls: found once, before anything of the call is read, and asked for by each route.

`Gate` lets nobody in without a key but to the few addresses below, so that a route whose author
forgot to ask is closed. `Viewer`, `Agent` and `Admin` are what routes ask for.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Final
from urllib.parse import parse_qs, urlsplit

from fastapi import Request, Security
from fastapi.openapi.models import HTTPBearer as HTTPBearerModel
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from api.access.key_file import KeyFile, KeyFileError
from api.access.keys import ROLES, ApiKey, Keys, Role, key_of
from api.access.limits import Rates
from api.access.sessions import Session, Sessions
from api.problems import ProblemError

logger = logging.getLogger(__name__)

CSRF_HEADER: Final = "X-CSRF-Token"
CSRF_FIELD: Final = "csrf_token"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# As the document names it.
KEY_SCHEME: Final = "key"
_FORM: Final = "application/x-www-form-urlencoded"
_LONGEST_FORM_FIELDS: Final = 200
# One answer for a missing, wrong, expired and revoked key: which it was is nobody's business.
_NO_KEY: Final = (
    "this needs a valid key: send `Authorization: Bearer omni_…`, made with "
    "`omnichannel keys create`, or sign in on the page"
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a call comes from: a key of one tenant, with a role. Any data is that tenant's."""

    tenant_id: str
    role: Role
    key_id: str
    name: str

    @property
    def issued_by(self) -> str:
        """Return the caller as commands name them."""
        return f"{self.name} (key {self.key_id})"

    def may(self, role: Role) -> bool:
        """Say whether the caller may do what this role may."""
        return ROLES.index(self.role) >= ROLES.index(role)


@dataclass(frozen=True, slots=True)
class Admitted:
    """A caller, and the session that vouches for them, where it is no bearer key."""

    caller: Caller
    session: Session | None = None
    cookie: str = ""


class Access:
    """Knows the keys, the sessions and the rates of this process."""

    def __init__(
        self,
        keys: KeyFile,
        sessions: Sessions,
        rates: Rates,
        *,
        public_url: str | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._keys = keys
        self.sessions = sessions
        self.rates = rates
        self._public_origin = origin(public_url) if public_url else None
        self.now = now

    async def admitted(self, call: HTTPConnection) -> Admitted:
        """Return who calls. Raises ProblemError: 401 without a valid key, 429 past a rate."""
        admitted = self._by_bearer(call) or self._by_cookie(call)
        if admitted is None:
            # Who sends no key guesses none, and an old cookie is no guess either.
            if bearer_token(call) is not None:
                await self.rates.count_failure(address_of(call))
            raise unauthorized()
        await self.rates.count_call(admitted.caller.key_id)
        return admitted

    def key(self, token: str) -> ApiKey | None:
        """Return the valid key that the token is. Raises ProblemError (503)."""
        return key_of(token, self._in_force(), self.now())

    def is_still_valid(self, caller: Caller) -> bool:
        """Say whether the caller's key still opens anything: streams ask while they last."""
        try:
            key = self._keys.keys().get(caller.key_id)
        except KeyFileError:
            return False
        return key is not None and key.is_valid(self.now())

    def is_from_here(self, call: HTTPConnection) -> bool:
        """Say whether the browser, where it tells, says that a page of ours made the call."""
        site = call.headers.get("sec-fetch-site")
        if site is not None:
            return site == "same-origin"
        said = call.headers.get("origin")
        if said is None:
            return True  # no browser of these years; the token decides
        here = self._public_origin or f"{call.url.scheme}://{call.url.netloc}"
        return said.lower() == here.lower()

    def _by_bearer(self, call: HTTPConnection) -> Admitted | None:
        if (token := bearer_token(call)) is None:
            return None
        key = self.key(token)
        return Admitted(caller_with(key)) if key else None

    def _by_cookie(self, call: HTTPConnection) -> Admitted | None:
        """Return whose session it is; a bearer key, even a wrong one, counts before a cookie. Any
        other Authorization is a proxy's before us, which browsers send along.
        """
        cookie = call.cookies.get(self.sessions.cookie_name)
        if not cookie or bearer_token(call) is not None:
            return None
        try:
            session = self.sessions.session_of(cookie, self.now())
        except KeyFileError as error:
            raise _unreadable(error) from error
        key = self._in_force().get(session.key_id) if session else None
        if key is None or not key.is_valid(self.now()):
            return None
        return Admitted(caller_with(key), session, cookie)

    def _in_force(self) -> Keys:
        try:
            return self._keys.keys()
        except KeyFileError as error:
            raise _unreadable(error) from error


def caller_with(key: ApiKey) -> Caller:
    """Return who calls with this key."""
    return Caller(key.tenant_id, key.role, key.id, key.name)


def bearer_token(call: HTTPConnection) -> str | None:
    """Return what the call says in its Authorization header as a bearer."""
    scheme, _, token = call.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def address_of(call: HTTPConnection) -> str:
    """Return where the call comes from, as uvicorn has it from the proxies that it trusts."""
    return call.client.host if call.client else "unknown"


def origin(url: str) -> str:
    """Return scheme, host and port of an address, as browsers write it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def unauthorized() -> ProblemError:
    """Return what whoever has no valid key is told."""
    return ProblemError(
        HTTPStatus.UNAUTHORIZED,
        _NO_KEY,
        headers={"WWW-Authenticate": 'Bearer realm="omnichannel"'},
    )


def form_field(body: bytes, content_type: str, name: str) -> str:
    """Return a field of a form that was sent; empty where there is none."""
    if content_type.partition(";")[0].strip().lower() != _FORM:
        return ""
    try:
        fields = parse_qs(body.decode(), max_num_fields=_LONGEST_FORM_FIELDS)
    except ValueError:
        return ""
    return fields.get(name, [""])[0]


def admitted_of(request: Request) -> Admitted:
    """Return who the gate let in. Raises ProblemError where nobody was asked for."""
    admitted = getattr(request.state, "admitted", None)
    if not isinstance(admitted, Admitted):
        raise unauthorized()
    return admitted


class _OfRole(SecurityBase):
    """Gives a route its caller, and the document the key that this needs: one step a call, where a
    scheme of FastAPI's own would be one more, to find again what the gate has found.
    """

    def __init__(self, role: Role) -> None:
        self.model = HTTPBearerModel(
            bearerFormat="omni_<id>_<secret>",
            description="A key of one tenant with one role, made with `omnichannel keys create`.",
        )
        self.scheme_name = KEY_SCHEME
        self._role: Role = role

    async def __call__(self, request: Request) -> Caller:
        found = admitted_of(request).caller
        if not found.may(self._role):
            raise ProblemError(
                HTTPStatus.FORBIDDEN,
                f"this needs a key with the role {self._role}; the role of this one is "
                f"{found.role}",
            )
        return found


Viewer = Annotated[Caller, Security(_OfRole("viewer"))]
Agent = Annotated[Caller, Security(_OfRole("agent"))]
Admin = Annotated[Caller, Security(_OfRole("admin"))]


def _unreadable(error: KeyFileError) -> ProblemError:
    logger.error("Nobody is let in: %s", error)
    return ProblemError(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "the keys cannot be read: whoever runs this finds the reason in its log",
        headers={"Retry-After": "10"},
    )
