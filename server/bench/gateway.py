"""A loopback SMS gateway that speaks as Kannel's smsbox does: slow, sometimes down, and talkative.

Run as ``python -m server.bench.gateway PORT LOG``. Each request that it gets is one line of the log,
``<name> <what it answered>``, written before the answer goes out; the name is what the address for
receipts ends in before its MAC. Receipts come for what was accepted, each "delivered" possibly twice.
"""

from __future__ import annotations

import asyncio
import random
import sys
from contextlib import suppress
from pathlib import Path
from typing import TextIO
from urllib.parse import parse_qs, urlsplit

ANSWERS_AFTER_S = 0.08
FAILS = 0.05
DOUBLES = 0.2
RECEIPTS_AT_ONCE = 16
WAITING = 50_000

_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy"
_TAKEN = b"HTTP/1.1 202 Accepted\r\nContent-Length: 24\r\n\r\n0: Accepted for delivery"


class Gateway:
    """What it does with a request is drawn by lot; the lot is the same in every run."""

    def __init__(self, log: TextIO) -> None:
        self._log = log
        self._draw = random.Random(1)
        self._receipts: asyncio.Queue[str] = asyncio.Queue(WAITING)

    async def serve(self, port: int) -> None:
        """Answer until cancelled."""
        server = await asyncio.start_server(self._answer, "127.0.0.1", port, backlog=1024)
        async with server, asyncio.TaskGroup() as tasks:
            for _ in range(RECEIPTS_AT_ONCE):
                tasks.create_task(self._call_back())
            tasks.create_task(server.serve_forever())

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                asked = parse_qs(urlsplit(head.split(b" ", 2)[1].decode()).query)
                receipt = asked["dlr-url"][0]
                fails = self._draw.random() < FAILS
                # Logged on arrival: what arrived counts, whoever dies before the answer.
                self._log.write(f"{urlsplit(receipt).path.split('/')[-2]} {'busy' if fails else 'taken'}\n")
                self._log.flush()
                await asyncio.sleep(ANSWERS_AFTER_S)
                writer.write(_BUSY if fails else _TAKEN)
                await writer.drain()
                if not fails:
                    for state in ("8", "1", *(["1"] if self._draw.random() < DOUBLES else [])):
                        with suppress(asyncio.QueueFull):
                            self._receipts.put_nowait(receipt.replace("%d", state))
        writer.close()

    async def _call_back(self) -> None:
        """Tell receipts one after the other, on one connection as long as it lasts; a failed one again."""
        reader: asyncio.StreamReader | None = None
        writer: asyncio.StreamWriter | None = None
        while True:
            parts = urlsplit(await self._receipts.get())
            target = f"{parts.path}?{parts.query}" if parts.query else parts.path
            request = f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode()
            while True:
                try:
                    if reader is None or writer is None:
                        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
                    writer.write(request)
                    status = await reader.readuntil(b"\r\n\r\n")
                    length = next(
                        (
                            int(line[15:])
                            for line in status.lower().split(b"\r\n")
                            if line.startswith(b"content-length:")
                        ),
                        0,
                    )
                    await reader.readexactly(length)
                    if b" 200 " in status.split(b"\r\n")[0]:
                        break
                except (OSError, asyncio.IncompleteReadError):
                    if writer is not None:
                        writer.close()
                    reader = writer = None
                await asyncio.sleep(0.2)


def main() -> None:
    """Serve on a port, with a log."""
    port, log = int(sys.argv[1]), Path(sys.argv[2])
    with log.open("a") as lines, suppress(KeyboardInterrupt):
        asyncio.run(Gateway(lines).serve(port))


if __name__ == "__main__":
    main()
