"""Screens, panels and phones: many WebSocket clients in one lean process that only notes what arrives.

A frame's moment is when its bytes were read; ``time.monotonic_ns`` is the same clock in every process
of a machine, so a moment here may be subtracted from one there.
"""

from __future__ import annotations

import array
import asyncio
import time
from multiprocessing.connection import Connection

NOTE = 3
"""Numbers a note: client, seq, nanoseconds."""

_HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{more}\r\n"
)


class Watcher(asyncio.Protocol):
    """One client. It answers nothing and unpacks nothing but the head of a frame."""

    def __init__(self, book: Book, client: int, request: str) -> None:
        self._book = book
        self._client = client
        self._request = request
        self._buffer = bytearray()
        self._upgraded = False
        self._transport: asyncio.BaseTransport | None = None
        self.seen = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request.encode())

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        self._buffer += data
        if not self._upgraded:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            if b" 101 " not in head[:20]:
                raise RuntimeError(f"no WebSocket: {head[:200].decode(errors='replace')}")
            self._upgraded, self._buffer = True, rest
        self._take(now)

    def _take(self, now: int) -> None:
        buffer = self._buffer
        at = 0
        while len(buffer) - at >= 2:
            length, begin = buffer[at + 1], at + 2
            if length == 126:
                length, begin = int.from_bytes(buffer[at + 2 : at + 4]), at + 4
            elif length == 127:
                length, begin = int.from_bytes(buffer[at + 2 : at + 10]), at + 10
            if len(buffer) < begin + length or begin > len(buffer):
                break
            if buffer[at] & 0x0F == 1:
                self._note(bytes(buffer[begin : begin + min(length, 200)]), now)
            at = begin + length
        del buffer[:at]

    def _note(self, head: bytes, now: int) -> None:
        if b'"view"' not in head:
            return  # a heartbeat
        begin = head.index(b'"seq":') + 6
        seq = int(head[begin : head.index(b",", begin)])
        self._book.notes.extend((self._client, seq, now))
        if not self.seen:
            self.seen = True
            self._book.waiting.discard(self._client)

    def connection_lost(self, _error: Exception | None) -> None:
        self._book.lost(self._client)

    def drop(self) -> None:
        if self._transport is not None:
            self._transport.close()


class Book:
    """All watchers of this process and what they noted."""

    def __init__(self, port: int, pipe: Connection) -> None:
        self.notes = array.array("q")
        self.waiting: set[int] = set()
        self._port = port
        self._pipe = pipe
        self._watchers: dict[int, Watcher] = {}
        self._losses = 0
        self._began = 0.0

    async def run(self) -> None:
        """Do what is asked through the pipe until told to stop."""
        loop = asyncio.get_running_loop()
        asked: asyncio.Queue[tuple[object, ...]] = asyncio.Queue()
        loop.add_reader(self._pipe.fileno(), lambda: asked.put_nowait(self._pipe.recv()))
        while True:
            match await asked.get():
                case ("watch", int(client), str(path), str(token)):
                    await self._watch(client, path, token)
                case ("drop", int(client)):
                    if watcher := self._watchers.pop(client, None):
                        watcher.drop()
                case ("ready",):
                    async with asyncio.timeout(60):
                        while self.waiting:  # noqa: ASYNC110 - only at the start, before anything is measured
                            await asyncio.sleep(0.01)
                    self._began = time.process_time()
                    self._pipe.send(len(self._watchers))
                case ("stop",):
                    loop.remove_reader(self._pipe.fileno())
                    used = time.process_time() - self._began
                    self._pipe.send((self._losses, used, self.notes.tobytes()))
                    return

    async def _watch(self, client: int, path: str, token: str) -> None:
        more = f"Authorization: Bearer {token}\r\n" if token else ""
        request = _HANDSHAKE.format(path=path, port=self._port, more=more)
        watcher = self._watchers[client] = Watcher(self, client, request)
        self.waiting.add(client)
        await asyncio.get_running_loop().create_connection(lambda: watcher, "127.0.0.1", self._port)

    def lost(self, client: int) -> None:
        """A connection that nobody here dropped has ended."""
        if self._watchers.pop(client, None) is not None:
            self.waiting.discard(client)
            self._losses += 1


def watch(port: int, pipe: Connection) -> None:
    """The process: run until the other end of the pipe says stop."""
    asyncio.run(Book(port, pipe).run())
