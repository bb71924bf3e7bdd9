"""The pages: rendered from ``displays/pages``, with a strict Content-Security-Policy around them."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

import jinja2
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

import displays
from server.access import COOKIE, SESSION_S, Principal, Right, Role
from server.domain.house import House
from server.live import Site
from server.web import bodies
from server.web.endpoint import Parts, answered, check_origin, parse, read_body
from server.web.errors import Problem
from server.words import Words, words

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; media-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}

_PAGE = re.compile(r"/|(/[A-Za-z0-9_-]+)+")

_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(displays.__file__).parent / "pages"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
)


def page(name: str, language: str, **context: object) -> Response:
    """A page from its template, in a language; ``status`` of a problem is the answer's as well."""
    status = context.get("status", 200)
    assert isinstance(status, int)
    said: Words = words(name, language)
    body = _templates.get_template(f"{name}.html").render(context, **said.context())
    return Response(body, status, {**HEADERS, "Content-Language": said.language}, "text/html")


def problem_page(problem: Problem, language: str) -> Response:
    """A problem for people."""
    return page("problem", language, status=problem.status, title=problem.code, detail=problem.detail)


class Pages:
    """The handlers of pages and of the browser's session."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @property
    def language(self) -> str:
        """The language of pages that are of no site: that of the first."""
        return next(iter(self._parts.live.sites.values())).house.languages[0]

    async def index(self, request: Request) -> Response:
        """``/`` and ``/{site}``: every page, with a word on whom it is for."""
        site = self._site(request.path_params.get("site") or next(iter(self._parts.live.sites)))
        principal = await self._principal(request)
        return page(
            "index",
            site.house.languages[0],
            site=site.house.site,
            house_name=site.house.name,
            counters=list(site.house.counters),
            counter=principal.counter if principal else None,
            signed_in=principal is not None,
            role=principal.role.value if principal else None,
        )

    async def hall(self, request: Request) -> Response:
        """The hall screen."""
        site = self._site(request.path_params["site"])
        refused = await self._gate(request, Right.WATCH_HALL, site.house)
        return refused or page(
            "hall", site.house.languages[0], site=site.house.site, house_name=site.house.name
        )

    async def counter(self, request: Request) -> Response:
        """A counter's panel."""
        site = self._site(request.path_params["site"])
        counter = request.path_params["counter"]
        if counter not in site.house.counters:
            raise Problem(404, "unknown-counter", "There is no such counter here.")
        refused = await self._gate(request, Right.RUN_COUNTER, site.house, counter)
        return refused or page(
            "counter",
            site.house.languages[0],
            site=site.house.site,
            house_name=site.house.name,
            counter=counter,
        )

    async def sign_in(self, request: Request) -> Response:
        """The form that takes a token."""
        return page("signin", self.language, next=own_path(request.query_params.get("next", "/")))

    async def session(self, request: Request) -> Response:
        """``/session``: POST signs in, DELETE signs out."""
        return await (self.begin_session if request.method == "POST" else self.end_session)(request)

    async def begin_session(self, request: Request) -> Response:
        """``POST /session``: a bearer token becomes a browser's session."""
        check_origin(None, request, self._parts.public_url)
        body = parse(request, await read_body(request), bodies.SignIn)
        assert isinstance(body, bodies.SignIn)
        principal = await self._parts.doorkeeper.by_token(body.token)
        if principal is None:
            raise Problem(401, "unknown-token", "This token is not valid.")
        cookie = await self._parts.doorkeeper.sign_in(principal)
        answer = answered(
            bodies.SignedIn(principal.role.value, principal.site, principal.counter, home(principal))
        )
        answer.set_cookie(
            COOKIE, cookie, max_age=SESSION_S, path="/", secure=True, httponly=True, samesite="strict"
        )
        return answer

    async def end_session(self, request: Request) -> Response:
        """``DELETE /session``: sign out."""
        check_origin(None, request, self._parts.public_url)
        cookie = request.cookies.get(COOKIE)
        if cookie:
            await self._parts.doorkeeper.sign_out(cookie)
        answer = Response(status_code=204)
        answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")
        return answer

    def _site(self, name: str) -> Site:
        site = self._parts.live.sites.get(name)
        if site is None:
            raise Problem(404, "unknown-site", "There is no such page.")
        return site

    async def _principal(self, request: Request) -> Principal | None:
        cookie = request.cookies.get(COOKIE)
        return await self._parts.doorkeeper.by_cookie(cookie) if cookie else None

    async def _gate(
        self, request: Request, right: Right, house: House, counter: str | None = None
    ) -> Response | None:
        """A redirect to sign-in for a stranger; a problem for who may not see the page."""
        principal = await self._principal(request)
        if principal is None:
            here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"/sign-in?next={quote(here)}", 303, HEADERS)
        if not principal.may(right, house.site, counter):
            raise Problem(403, "not-allowed", "You are signed in, but not for this page.")
        return None


def own_path(path: str) -> str:
    """A path of this server's pages to go to after sign-in; anything else becomes the index.

    Dots and doubled slashes would be resolved by a browser, and may end at another host.
    """
    return path if _PAGE.fullmatch(path) else "/"


def home(principal: Principal) -> str:
    """The page that a role works on."""
    if principal.role is Role.COUNTER and principal.counter is not None:
        return f"/{principal.site}/counters/{principal.counter}"
    return f"/{principal.site}/hall" if principal.role is Role.SCREEN else f"/{principal.site}"
