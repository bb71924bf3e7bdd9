"""A day driven against a server that may die: kiosks, counters and reception, and who watches them.

Every command is sent under one key until it is answered, through as many deaths as it takes. What was
answered and what was shown is written down here, outside the server, for ``journal_oracle`` to judge by.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import deque
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx
import msgspec
from running import Onthaal
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

HALL = "hall"
WAITING_AT_MOST = 25
"""Tickets that the kiosks keep waiting: enough for every counter to have somebody to call."""

_keys = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Said:
    """A command as its sender knows it: what was asked, and the answer that came in the end."""

    path: str
    key: str
    status: int
    body: dict[str, Any]
    tries: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A frame as a watcher saw it, in the order of arrival on one connection; no view: a heartbeat."""

    topic: str
    connection: int
    seq: int
    view: dict[str, Any] | None


@dataclass(slots=True)
class Log:
    """Everything that the outside knows."""

    said: list[Said] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)

    @property
    def newest(self) -> int:
        """The newest seq that anybody outside was told."""
        told = (said.body["seq"] for said in self.said if said.status == 200)
        return max(itertools.chain(told, (shown.seq for shown in self.shown)), default=0)


class DrivenDay:
    """Clients and watchers of a server.

    ``serving`` is to be cleared while the server is dead; ``answered`` is set at every answer.
    """

    def __init__(self, server: Onthaal, counters: int, seed: int) -> None:
        self.log = Log()
        self.serving = asyncio.Event()
        self.serving.set()
        self.answered = asyncio.Event()
        self._server = server
        self._counters = counters
        self._seed = seed
        self._stop = False
        self._room = asyncio.Semaphore(WAITING_AT_MOST)
        self._parked: deque[str] = deque()
        self._tokens = {role: server.token(role) for role in ("kiosk", "reception", "counter", "screen")}

    async def run(self, until: asyncio.Event) -> None:
        """Drive until told to stop; then every command that was begun is brought to its end."""
        async with asyncio.TaskGroup() as watchers:
            watching = [
                watchers.create_task(self._watch(HALL, "screen")),
                *(watchers.create_task(self._watch(f"counters/{n}", "counter")) for n in self._numbers()),
            ]
            async with asyncio.TaskGroup() as clients:
                for number in range(2):
                    clients.create_task(self._kiosk(Random(f"{self._seed} kiosk {number}")))
                clients.create_task(self._reception(Random(f"{self._seed} reception")))
                for number in self._numbers():
                    clients.create_task(self._counter(number, Random(f"{self._seed} counter {number}")))
                await until.wait()
                self._stop = True
                self._room.release()
                self._room.release()
            for task in watching:
                task.cancel()

    def _numbers(self) -> range:
        return range(1, self._counters + 1)

    # --- clients ------------------------------------------------------------------------------------

    def _client(self, role: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=f"{self._server.base}/api/v1/sites/mechelen",
            headers={"Authorization": f"Bearer {self._tokens[role]}"},
            timeout=20,
        )

    async def _do(self, http: httpx.AsyncClient, path: str, **body: Any) -> dict[str, Any] | None:
        """The answer of a command; None where the rules refuse it."""
        key = f"driven-{next(_keys)}"
        for tries in itertools.count(1):
            await self.serving.wait()
            try:
                answer = await http.post(path, json=body, headers={"Idempotency-Key": key})
            except httpx.TransportError:
                await asyncio.sleep(0.01)  # the clients' own patience, not the test's
                continue
            if answer.status_code == 503:
                continue
            said = Said(path, key, answer.status_code, answer.json(), tries)
            self.log.said.append(said)
            self.answered.set()
            return said.body if said.status == 200 else None
        raise AssertionError

    async def _kiosk(self, random: Random) -> None:
        async with self._client("kiosk") as http:
            while True:
                await self._room.acquire()
                if self._stop:
                    return
                await self._do(http, "/visits", service=random.choice(["onthaal", "balie"]))

    async def _reception(self, random: Random) -> None:
        """Brings parked people back, in any order."""
        async with self._client("reception") as http:
            while not self._stop:
                if not self._parked:
                    await asyncio.sleep(0.005)
                    continue
                self._parked.rotate(random.randrange(len(self._parked)))
                await self._do(http, f"/visits/{self._parked.popleft()}/return")

    async def _counter(self, number: int, random: Random) -> None:
        at = f"/counters/{number}"
        async with self._client("counter") as http:
            await self._do(http, f"{at}/open", staff=f"staff-{number}")
            while not self._stop:
                called = await self._do(http, f"{at}/next")
                if called is None or called["ticket"] is None:
                    await asyncio.sleep(0.005)
                    continue
                for step in random.choices(STORIES, WEIGHTS)[0]:
                    body = {"service": "balie"} if step == "transfer" else {}
                    done = await self._do(http, f"{at}/{step}", **body)
                    if done is not None and step == "park":
                        self._parked.append(called["ticket"])
                    if done is not None and step in ("finish", "no-show"):
                        self._room.release()

    # --- watchers -----------------------------------------------------------------------------------

    async def _watch(self, place: str, role: str) -> None:
        headers = {"Authorization": f"Bearer {self._tokens[role]}"}
        for connection in itertools.count():
            await self.serving.wait()
            with contextlib.suppress(OSError, WebSocketException):
                address = f"{self._server.live}/mechelen/{place}"
                async with connect(address, additional_headers=headers, compression=None) as socket:
                    async for text in socket:
                        frame = msgspec.json.decode(text)
                        shown = Shown(place, connection, frame["seq"], frame.get("view"))
                        self.log.shown.append(shown)
            await asyncio.sleep(0.01)


STORIES: tuple[tuple[str, ...], ...] = (
    ("start", "finish"),
    ("recall", "start", "finish"),
    ("recall", "no-show"),
    ("undo",),
    ("start", "undo", "start", "finish"),
    ("recall", "undo", "start", "finish"),
    ("park",),
    ("start", "park"),
    ("transfer",),
    ("start", "transfer"),
)
"""What becomes of who is called. No story ends with somebody at the counter."""
WEIGHTS = (40, 10, 8, 8, 5, 5, 6, 6, 6, 6)
