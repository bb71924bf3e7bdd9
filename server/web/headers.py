"""The headers that every answer carries."""

from __future__ import annotations

from typing import ClassVar

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Guarded:
    """Headers that every answer carries, a file's and a problem's as well; a page's own go before them."""

    HEADERS: ClassVar = {
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    # Data is nothing to render. A script's own policy would be that of a service worker: it gets none.
    DATA: ClassVar = {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"}

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarding(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                data = "json" in headers.get("content-type", "")
                for name, value in (self.HEADERS | self.DATA if data else self.HEADERS).items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, guarding)
