"""The addresses at which gateways call back, served by themselves, with what came in by them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from notify.channels import Gateway, Incoming, Receipt
from server.database import Unavailable
from server.keys import Keys
from server.web import errors
from server.web.endpoint import Parts
from server.web.gateways import Gateways

KEYS = Keys(bytes(range(32)))


@dataclass
class Desk:
    """What came in; ``fail`` is raised instead of taking it, and ``stuck`` it takes for ever."""

    receipts: list[Receipt] = field(default_factory=list)
    messages: list[tuple[str, Incoming]] = field(default_factory=list)
    fail: Exception | None = None
    stuck: bool = False

    async def receive(self, receipts: list[Receipt]) -> None:
        await self._open()
        self.receipts += receipts

    async def _open(self) -> None:
        if self.fail is not None:
            raise self.fail
        if self.stuck:
            await asyncio.Event().wait()

    async def reply(self, channel: str, message: Incoming) -> None:
        await self._open()
        self.messages.append((channel, message))


def application(desk: Desk, public_url: str, gateways: dict[str, Gateway]) -> Starlette:
    """The routes as ``server.app`` has them."""
    parts = cast(Parts, SimpleNamespace(keys=KEYS, public_url=public_url))
    handlers = Gateways(parts, gateways, desk.receive, desk.reply)
    methods = ["GET", "POST"]

    async def on_error(request: Request, error: Exception) -> Response:
        return await errors.handle(request, error)

    caught: dict[Any, Any] = dict.fromkeys((errors.Problem, Unavailable), on_error)
    return Starlette(
        routes=[
            Route("/gateways/{channel}/receipts/{mac}", handlers.receipts, methods=methods),
            Route("/gateways/{channel}/receipts/{delivery}/{mac}", handlers.receipt, methods=methods),
            Route("/gateways/{channel}/incoming/{mac}", handlers.incoming, methods=methods),
        ],
        exception_handlers=caught,
    )
