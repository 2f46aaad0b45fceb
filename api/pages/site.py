"""Pages as HTML: who looks at one, in which language and time zone, and what an error looks like.

Owns the templates' environment; what is on a page is each router's.
"""

import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

import jinja2
from babel.support import NullTranslations
from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from api.access.callers import Access, Admitted, Agent, Caller, Viewer, admitted_of
from api.pages import words
from api.pages.formats import Formats
from api.pages.front_end import HOW_TO_BUILD, STATIC_PATH, FrontEnd
from api.pages.languages import LANGUAGES, catalog, language_of
from api.problems import ProblemError
from warehouse.time_zones import TimeZones

logger = logging.getLogger(__name__)

TEMPLATES: Final = Path(__file__).parent / "templates"
THEME_COOKIE: Final = "omni_theme"
_FAULT: Final = "this is a fault of ours: the log says more; trying again may help"
_THEMES: Final = ("light", "dark")
_CATCHING_UP_SECONDS: Final = "2"


@dataclass(frozen=True, slots=True)
class Reader:
    """Who looks at a page. `caller` is None on the sign-in page alone."""

    caller: Caller | None
    csrf_token: str
    language: str
    theme: str
    formats: Formats

    def may(self, role: str) -> bool:
        """Say whether what this role may do is offered to them."""
        return self.caller is not None and self.caller.may(role)  # type: ignore[arg-type]


class Site:
    """Makes pages. One for the process."""

    def __init__(
        self,
        access: Access,
        time_zones: TimeZones,
        *,
        front_end: FrontEnd | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._access = access
        self._time_zones = time_zones
        self._now = now
        self.front_end = front_end or FrontEnd()
        self._catalogs = {language: catalog(language) for language in LANGUAGES}
        self._environments = {
            language: _environment(translations, self.front_end)
            for language, translations in self._catalogs.items()
        }

    def say(self, reader: Reader, text: str) -> str:
        """Return a text of ours in the reader's language."""
        return self._catalogs[reader.language].gettext(text)

    def reader(self, request: Request, admitted: Admitted | None) -> Reader:
        """Return who looks."""
        caller = admitted.caller if admitted else None
        zones = self._time_zones
        zone = zones.by_tenant.get(caller.tenant_id, zones.default) if caller else zones.default
        language = language_of(request)
        theme = request.cookies.get(THEME_COOKIE, "")
        token = ""
        if admitted is not None and admitted.session is not None:
            token = self._access.sessions.csrf_token(admitted.cookie)
        return Reader(
            caller=caller,
            csrf_token=token,
            language=language,
            theme=theme if theme in _THEMES else "",
            formats=Formats(LANGUAGES[language], ZoneInfo(zone), self._now()),
        )

    def html(
        self,
        request: Request,
        reader: Reader,
        template: str,
        status: HTTPStatus = HTTPStatus.OK,
        **content: Any,
    ) -> HTMLResponse:
        """Return the template filled; one page saying what to install where libraries lack."""
        if not self.front_end.is_built:
            template, status = "not_built.html", HTTPStatus.SERVICE_UNAVAILABLE
            content = {"how": HOW_TO_BUILD}
        text = (
            self._environments[reader.language]
            .get_template(template)
            .render(
                reader=reader,
                f=reader.formats,
                path=request.url.path,
                address=_address(request),
                **content,
            )
        )
        return HTMLResponse(text, status_code=int(status), headers={"Vary": "HX-Request, Cookie"})


def _environment(translations: NullTranslations, front_end: FrontEnd) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_translations(translations, newstyle=True)  # type: ignore[attr-defined]

    def called(names: Mapping[str, str], value: str) -> str:
        """Return what a value is called; one that nobody named stands for itself.

        `_()` takes a text for markup: what comes from outside must never go through it.
        """
        return translations.gettext(names[value]) if value in names else value

    environment.globals |= {"static": front_end.address, "words": words, "called": called}
    environment.filters["initials"] = words.initials
    environment.filters["hue"] = words.hue
    return environment


def site_of(request: Request) -> Site:
    """Return the process's site."""
    site: Site = request.app.state.site
    return site


async def _site(request: Request) -> Site:
    return site_of(request)


TheSite = Annotated[Site, Depends(_site)]


@dataclass(frozen=True, slots=True)
class Visit:
    """A call for a page by somebody who is let in: all that is shown is their tenant's."""

    request: Request
    site: Site
    reader: Reader
    caller: Caller

    @property
    def tenant_id(self) -> str:
        """Return whose data is shown."""
        return self.caller.tenant_id

    @property
    def query(self) -> str:
        """Return the address' query."""
        return self.request.url.query

    @property
    def is_for_part(self) -> bool:
        """Say whether HTMX asks for a part; to go back in history it takes the whole page."""
        headers = self.request.headers
        return "hx-request" in headers and "hx-history-restore-request" not in headers

    def say(self, text: str) -> str:
        """Return a text of ours in the reader's language."""
        return self.site.say(self.reader, text)

    def html(self, template: str, **content: Any) -> HTMLResponse:
        """Return the template filled."""
        return self.site.html(self.request, self.reader, template, **content)


async def visit_of(request: Request, caller: Viewer) -> Visit:
    """Return a visit of somebody who may look."""
    return _visit(request, caller)


async def visit_of_agent(request: Request, caller: Agent) -> Visit:
    """Return a visit of somebody who may change customers."""
    return _visit(request, caller)


def _visit(request: Request, caller: Caller) -> Visit:
    site = site_of(request)
    return Visit(request, site, site.reader(request, admitted_of(request)), caller)


TheVisit = Annotated[Visit, Depends(visit_of)]
AgentsVisit = Annotated[Visit, Depends(visit_of_agent)]


class PageRoute(APIRoute):
    """Answers errors as pages, to people."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler with its errors caught."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            request = _without_blanks(request)
            try:
                return await handle(request)
            except ProblemError as error:
                return _error(request, error.status, error.detail, error.headers)
            except HTTPException as error:
                return _error(request, HTTPStatus(error.status_code), error.detail, error.headers)
            except RequestValidationError:
                return _error(request, HTTPStatus.UNPROCESSABLE_ENTITY, "", None)
            except Exception:
                logger.exception("Cannot show %s", request.url.path)
                return _error(request, HTTPStatus.INTERNAL_SERVER_ERROR, _FAULT, None)

        return handled


def answer_people(api: FastAPI) -> None:
    """Have people read a page where an address leads nowhere; programs get what they got."""
    answer = api.exception_handlers[HTTPException]

    async def answered(request: Request, error: Any) -> Response:
        if wants_a_page(request):
            return _error(request, HTTPStatus(error.status_code), "", error.headers)
        answered: Response = await answer(request, error)  # type: ignore[misc]
        return answered

    api.add_exception_handler(HTTPException, answered)


def wants_a_page(request: Request) -> bool:
    """Say whether a person opens this address in a browser."""
    is_of_programs = request.url.path.startswith(("/api/", f"{STATIC_PATH}/", "/webhooks/"))
    return not is_of_programs and "text/html" in request.headers.get("accept", "")


def _error(
    request: Request, status: HTTPStatus, detail: str, headers: Mapping[str, str] | None
) -> Response:
    site = site_of(request)
    reader = site.reader(request, getattr(request.state, "admitted", None))
    # What a page may bring beyond its own: where the view catches up, it looks again by itself.
    is_waiting = status is HTTPStatus.SERVICE_UNAVAILABLE
    response = site.html(request, reader, "error.html", status, detail=detail, code=int(status))
    response.headers.update(headers or {})
    if is_waiting and "hx-request" not in request.headers and site.front_end.is_built:
        response.headers["Refresh"] = _CATCHING_UP_SECONDS
    return response


def _without_blanks(request: Request) -> Request:
    """Return the call without what was left empty in its query: a form sends all its fields."""
    pairs = parse_qsl(request.url.query, keep_blank_values=True)
    if any(not value for _, value in pairs):
        query = urlencode([(name, value) for name, value in pairs if value])
        request.scope["query_string"] = query.encode()
        return Request(request.scope, request.receive)
    return request


def _address(request: Request) -> str:
    """Return path and query of a page, as links within this host have them."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")
