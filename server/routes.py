"""Every way in over HTTP and websockets, and who answers there."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from importlib import metadata
from typing import Any

import prometheus_client
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from notify.carriers import Carriers
from notify.channels import Incoming
from notify.replies import understand
from notify.worker import Worker
from server import metrics, settings
from server.access import Right
from server.database import Unavailable
from server.domain.refusal import Refused
from server.live import KeyReused
from server.questions import Questions
from server.sockets import Sockets
from server.web import errors
from server.web.answers import Answers
from server.web.api import ENDPOINTS
from server.web.devices import Pairing
from server.web.endpoint import Parts, authenticate
from server.web.errors import Problem
from server.web.gateways import Gateways
from server.web.headers import Guarded
from server.web.openapi import document
from server.web.overviews import Overviews
from server.web.pages import Pages, problem_page
from server.web.promise_page import PromisePage
from server.web.ratings import Ratings
from server.web.replies import Replies
from server.web.session import Sessions
from server.web.theme import ThemeFiles
from server.web.tickets import Tickets
from server.web.whatif import WhatIf

log = logging.getLogger("onthaal.app")

FONT_PACKAGE = "fontpkg_fira_sans"

WORKER_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'self'",
    "Service-Worker-Allowed": "/",
    "X-Content-Type-Options": "nosniff",
}

VERSION = metadata.version("onthaal")


def application(
    parts: Parts, sockets: Sockets, worker: Worker, carriers: Carriers, questions: Questions
) -> ASGIApp:
    """The ASGI application: API, pages, static files, live endpoint."""
    pages = Pages(parts)
    whatif = WhatIf(parts, pages, questions)
    theme = ThemeFiles(parts)
    sessions, pairing = Sessions(parts), Pairing(parts, pages)
    overviews = Overviews(parts, pages)
    tickets = Tickets(parts)
    ratings = Ratings(parts)
    answers = Answers(parts)
    replies = Replies(parts, understand)

    async def reply(channel: str, incoming: Incoming) -> None:
        await replies.take(channel, incoming)
        worker.wake()

    gateways = Gateways(parts, carriers.gateways, worker.receive, reply)
    openapi = document(VERSION)

    async def health(_request: Request) -> Response:
        await parts.database.read(lambda connection: connection.exec_driver_sql("SELECT 1").one())
        return JSONResponse({"status": "ok", "version": VERSION})

    async def read_metrics(request: Request) -> Response:
        principal = await authenticate(parts.doorkeeper, request)
        if not principal.may(Right.READ_METRICS, principal.site):
            raise Problem(403, "not-allowed", "This token or session may not do that here.")
        body = prometheus_client.generate_latest(metrics.REGISTRY)
        return Response(body, media_type="text/plain; version=0.0.4")

    async def read_openapi(_request: Request) -> Response:
        return JSONResponse(openapi)

    async def read_worker(_request: Request) -> Response:
        return FileResponse(settings.shipped("static") / "sw.js", headers=WORKER_HEADERS)

    def route(path: str, handler: Callable[[Request], Awaitable[Response]], *methods: str) -> Route:
        async def told(request: Request) -> Response:
            request.scope["onthaal.route"] = path
            return await handler(request)

        return Route(path, told, methods=list(methods or ("GET",)))

    def endpoint(path: str) -> Route:
        # One route for all methods of a path, so that a 405 names them all.
        methods = {described.method: described for described in ENDPOINTS if described.path == path}

        def answer(request: Request) -> Awaitable[Response]:
            return methods["GET" if request.method == "HEAD" else request.method](parts, request)

        return route("/api/v1" + path, answer, *methods)

    routes: list[BaseRoute] = [
        *(endpoint(path) for path in dict.fromkeys(described.path for described in ENDPOINTS)),
        route("/api/v1/visits/{secret}", tickets.frame),
        route("/api/v1/visits/{secret}/leave", tickets.leave_by_api, "POST"),
        route("/api/v1/visits/{secret}/satisfaction", ratings.by_api, "POST"),
        route("/api/v1/appointments/{secret}", answers.view),
        route("/api/v1/appointments/{secret}/confirm", answers.confirm_by_api, "POST"),
        route("/api/v1/appointments/{secret}/late", answers.late_by_api, "POST"),
        route("/api/v1/appointments/{secret}/cancel", answers.cancel_by_api, "POST"),
        route("/api/v1/appointments/{secret}/call-back", answers.call_back_by_api, "POST"),
        route("/api/v1/openapi.json", read_openapi),
        route("/health", health),
        route("/metrics", read_metrics),
        WebSocketRoute("/live/visits/{secret}", sockets.visit),
        WebSocketRoute("/live/{site}/counters/{counter}", sockets.topic),
        WebSocketRoute("/live/{site}/{audience}", sockets.topic),
        WebSocketRoute("/{path:path}", sockets.unknown),
        # Scripts and styles shrink to a third on their way; they hold no secret that this could give away.
        Mount("/static", GZipMiddleware(Static(directory=settings.shipped("static")))),
        Mount("/fonts", Fonts(packages=[(FONT_PACKAGE, "files")])),
        route("/", pages.index),
        route("/sign-in", pages.sign_in),
        route("/session", sessions.session, "POST", "DELETE"),
        route("/screen", pairing.screen),
        route("/device/code", pairing.code, "POST"),
        route("/device/token", pairing.token, "POST"),
        route("/devices", pages.own_devices),
        route("/sw.js", read_worker),
        route("/gateways/{channel}/receipts/{mac}", gateways.receipts, "GET", "POST"),
        route("/gateways/{channel}/receipts/{delivery}/{mac}", gateways.receipt, "GET", "POST"),
        route("/gateways/{channel}/incoming/{mac}", gateways.incoming, "GET", "POST"),
        route("/t/{secret}", tickets.page),
        route("/t/{secret}/leave", tickets.leave, "GET", "POST"),
        route("/t/{secret}/satisfaction", ratings.by_form, "POST"),
        route("/t/{secret}/push", tickets.push, "POST", "DELETE"),
        route("/t/{secret}/qr.svg", tickets.qr),
        route("/a/{secret}", answers.page),
        route("/a/{secret}/confirm", answers.confirm, "POST"),
        route("/a/{secret}/late", answers.late, "POST"),
        route("/a/{secret}/cancel", answers.cancel, "GET", "POST"),
        route("/a/{secret}/call-back", answers.call_back, "POST"),
        route("/a/{secret}/messages", answers.messages, "POST"),
        route("/a/{secret}/seen", answers.seen, "POST"),
        route("/{site}", pages.index),
        route("/{site}/hall", pages.hall),
        route("/{site}/figures", overviews.page),
        route("/{site}/figures/all.json", overviews.everything),
        route("/{site}/figures/{table}.csv", overviews.table),
        route("/{site}/figures/{picture}.svg", overviews.picture),
        route("/{site}/devices", pages.devices),
        route("/{site}/webhooks", pages.webhooks),
        route("/{site}/messages", pages.messages),
        route("/{site}/counters/{counter}", pages.counter),
        route("/{site}/theme.css", theme.css),
        route("/{site}/logo.svg", theme.logo),
        route("/{site}/reception", pages.reception),
        route("/{site}/management", pages.management),
        route("/{site}/promise", PromisePage(parts).page),
        route("/{site}/whatif", whatif.page, "GET", "POST"),
        route("/{site}/whatif/stop", whatif.stop, "POST"),
        route("/{site}/whatif/progress", whatif.progress),
    ]
    kinds: tuple[type[Exception], ...] = (
        HTTPException,
        Problem,
        Refused,
        KeyReused,
        Unavailable,
        Exception,
    )

    async def on_error(request: Request, error: Exception) -> Response:
        """A problem document for programs, a page for people."""
        wants_page = "text/html" in request.headers.get("accept", "")
        if wants_page and not request.scope["path"].startswith("/api/"):
            language = request.scope.get("onthaal.language", pages.language)
            return problem_page(errors.of_exception(error), language)
        return await errors.handle(request, error)

    return Measured(Guarded(Starlette(routes=routes, exception_handlers=dict.fromkeys(kinds, on_error))))


class Static(StaticFiles):
    """Scripts and styles that browsers ask about each time: after an upgrade no page runs an old part."""

    def file_response(self, *arguments: Any, **named: Any) -> Response:
        answer = super().file_response(*arguments, **named)
        answer.headers["Cache-Control"] = "no-cache"
        return answer


class Fonts(StaticFiles):
    """The typeface, from the package that ships it; its files never change under one name."""

    def file_response(self, *arguments: Any, **named: Any) -> Response:
        answer = super().file_response(*arguments, **named)
        answer.headers["Cache-Control"] = "public, max-age=2592000"
        return answer


class Measured:
    """Counts and times requests by route template: no path, and so no secret, is logged or labelled."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = scope["onthaal.accepted"] = time.monotonic()
        status = 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            route = scope.get("onthaal.route", "other")
            metrics.REQUESTS.labels(scope["method"], route, status).inc()
            metrics.REQUEST_SECONDS.labels(route).observe(time.monotonic() - began)
            if status >= 500:
                log.warning("%s %s %d", scope["method"], route, status)
