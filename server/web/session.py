"""The browser's session: signing in, by password or token, and out."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response

from server.access import COOKIE, Doorkeeper, Principal, Role
from server.accounts import Wait, WrongPassword
from server.web import bodies
from server.web.endpoint import Parts, answered, check_origin, parse, read_body
from server.web.errors import Problem

_PAGE = re.compile(
    r"/|(/[A-Za-z0-9_-]+)+(\?(screen=[A-Za-z0-9-]+|span=(day|week|year)(&on=[0-9-]{10})?(&show=waits)?))?"
)


class Sessions:
    """The handler of ``/session``."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def session(self, request: Request) -> Response:
        """``/session``: POST signs in, DELETE signs out."""
        return await (self.begin if request.method == "POST" else self.end)(request)

    async def begin(self, request: Request) -> Response:
        """``POST /session``: a password or a bearer token becomes a browser's session, under a new id."""
        check_origin(None, request, self._parts.public_url)
        body = parse(request, await read_body(request), bodies.SignIn)
        assert isinstance(body, bodies.SignIn)
        principal = await self._who(body)
        doorkeeper = self._parts.doorkeeper
        if before := request.cookies.get(COOKIE):
            await doorkeeper.sign_out(before)
        cookie = await doorkeeper.sign_in(principal)
        answer = answered(
            bodies.SignedIn(principal.role.value, principal.site, principal.counter, home(principal))
        )
        set_cookie(answer, cookie, principal)
        return answer

    async def _who(self, body: bodies.SignIn) -> Principal:
        if body.token is not None and body.login is None and body.password is None:
            principal = await self._parts.doorkeeper.by_token(body.token)
            if principal is None:
                raise Problem(401, "unknown-token", "This token is not valid.")
            return principal
        if body.token is not None or body.login is None or body.password is None:
            raise Problem(422, "invalid-body", "Give login and password, or token.")
        try:
            return await self._parts.accounts.sign_in(body.login, body.password)
        except WrongPassword as error:
            raise Problem(401, "wrong-password", "Login or password is not right.") from error
        except Wait as wait:
            code, why = (
                ("locked", "Too many failures") if wait.locked else ("busy", "Too many sign-ins at once")
            )
            detail = f"{why}: try again in {wait.seconds} s."
            raise Problem(429, code, detail, retry_after_s=wait.seconds) from wait

    async def end(self, request: Request) -> Response:
        """``DELETE /session``: sign out."""
        check_origin(None, request, self._parts.public_url)
        cookie = request.cookies.get(COOKIE)
        if cookie:
            await self._parts.doorkeeper.sign_out(cookie)
        answer = Response(status_code=204)
        answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")
        return answer


def set_cookie(answer: Response, cookie: str, principal: Principal) -> None:
    """Give a browser its session."""
    answer.set_cookie(
        COOKIE,
        cookie,
        max_age=principal.session_s,
        path="/",
        secure=True,
        httponly=True,
        samesite="strict",
    )


async def renewed(doorkeeper: Doorkeeper, request: Request, answer: Response) -> Response:
    """The answer, with a device's session counted anew: it lasts for as long as the device is used."""
    cookie = request.cookies.get(COOKIE)
    principal = await doorkeeper.by_cookie(cookie) if cookie else None
    if cookie and principal is not None and principal.device is not None:
        await doorkeeper.renew(cookie, principal)
        set_cookie(answer, cookie, principal)
    return answer


def own_path(path: str) -> str:
    """A path of this server's pages to go to after sign-in; anything else becomes the index.

    Dots and doubled slashes would be resolved by a browser, and may end at another host.
    """
    return path if _PAGE.fullmatch(path) else "/"


def home(principal: Principal) -> str:
    """The page that a role works on."""
    if principal.role is Role.COUNTER and principal.counter is not None:
        return f"/{principal.site}/counters/{principal.counter}"
    return f"/{principal.site}{_HOMES.get(principal.role, '')}"


_HOMES = {
    Role.SCREEN: "/hall",
    Role.RECEPTION: "/reception",
    Role.SUPERVISOR: "/management",
    Role.ADMINISTRATOR: "/devices",
}
