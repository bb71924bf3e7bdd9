"""A TCP proxy between a browser and a server, whose line a test can cut or stall."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from typing import Any

SETTLED_TURNS = 5
"""Turns of the loop without any task after which no accepted connection is on its way to one."""


class Proxy:
    """Forwards every connection to ``port`` on this machine, until told otherwise."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._open: set[asyncio.StreamWriter] = set()
        self._all: set[asyncio.StreamWriter] = set()
        self._flows = asyncio.Event()
        self._takes = True
        self._holds = False
        self._released = asyncio.Event()
        self.held = False
        """Whether it holds an answer back."""
        self.carried = 0
        """Bytes that it brought to the browser."""
        self._thread.start()
        self._server = self._do(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.url = f"http://localhost:{self.port}"
        self.mend()

    def cut(self) -> None:
        """Close every connection, and each new one at once."""
        self._do(self._cut())

    def stall(self) -> None:
        """Let nothing through, and tell nobody."""
        self._do(self._set(flows=False, takes=True))

    def mend(self) -> None:
        """Let everything through again, also what was held back."""
        self._do(self._set(flows=True, takes=True))

    def hold_answer(self) -> None:
        """Hold the next whole answer back, while everything else goes on."""
        self._do(self._hold(holds=True))

    def release_answer(self) -> None:
        """Let the answer that is held back through."""
        self._do(self._hold(holds=False))

    def close(self) -> None:
        self._do(self._cut())
        self._do(self._shut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _set(self, *, flows: bool, takes: bool) -> None:
        self._takes = takes
        (self._flows.set if flows else self._flows.clear)()

    async def _hold(self, *, holds: bool) -> None:
        self._holds = holds
        (self._released.clear if holds else self._released.set)()

    async def _cut(self) -> None:
        await self._set(flows=True, takes=False)
        await self._hold(holds=False)
        for writer in list(self._open):
            writer.transport.abort()

    async def _shut(self) -> None:
        """Let every connection see the cut: a task that is cancelled instead leaves its socket open."""
        self._server.close()
        quiet = 0
        while quiet < SETTLED_TURNS:
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for writer in self._all:
                writer.transport.abort()
            if tasks:
                await asyncio.wait(tasks, timeout=0.1)
            quiet = 0 if tasks else quiet + 1
            await asyncio.sleep(0)
        for writer in self._all:
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._all.add(writer)
        if not self._takes:
            writer.transport.abort()
            return
        try:
            upstream, onward = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.transport.abort()
            return
        self._all.add(onward)
        self._open |= {writer, onward}
        await asyncio.gather(
            self._pass(reader, onward, to_browser=False), self._pass(upstream, writer, to_browser=True)
        )
        self._open -= {writer, onward}

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, to_browser: bool
    ) -> None:
        try:
            while data := await reader.read(65536):
                if to_browser and self._holds and data.startswith(b"HTTP/1.1 200"):
                    self._holds, self.held = False, True
                    await self._released.wait()
                await self._flows.wait()
                self.carried += len(data) if to_browser else 0
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()
