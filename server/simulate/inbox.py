"""Messages as the console channel writes them, read from a pipe: told as they come, each in one line."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

LONGEST = 1 << 16
"""Bytes that a line may have; a longer one is no message of ours."""

QUIET_S = 0.1
"""Real seconds without another line after which a message is whole: its writer writes it at once."""

_BODY = b"    "
"""What the lines of a message below its first begin with."""


async def follow(descriptor: int, tell: Callable[[str], None]) -> None:
    """Read from a pipe until it ends; ``tell`` gets every message, in one line."""
    reader = asyncio.StreamReader(limit=LONGEST)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", buffering=0)
    )
    parts: list[str] = []

    def whole() -> None:
        if parts:
            tell(" ".join(parts))
            parts.clear()

    try:
        while True:
            try:
                async with asyncio.timeout(QUIET_S if parts else None):
                    line = await reader.readline()
            except TimeoutError:
                whole()
                continue
            except ValueError:  # longer than a line may be: it is left out
                continue
            if not line.startswith(_BODY):
                whole()
            if not line:
                return
            if said := line.decode("utf-8", "replace").strip():
                parts.append(said)
    finally:
        transport.close()
