"""The console: writes every message to the terminal. It carries what no gateway is configured for."""

from __future__ import annotations

import asyncio
import sys
from typing import TextIO

from notify.channels import Accepted, Message


class Console:
    """Writes messages to a stream. What stands in ``to`` is shortened: a terminal is no place for numbers.

    With ``whole`` the text is written too, and the citizen's link in it: not where the stream is a log.
    """

    def __init__(self, channel: str, stream: TextIO | None = None, *, whole: bool = False) -> None:
        self._channel = channel
        self._whole = whole
        self._stream = sys.stdout if stream is None else stream

    async def send(self, message: Message) -> Accepted:
        """Write a message down. A stream that nobody reads must not stop the house: it goes by a thread."""
        lines = [f"[{self._channel} to {masked(message.to)}] {message.subject}".rstrip()]
        if self._whole:
            lines += [f"    {line}" for line in message.text.splitlines()]
        else:
            lines = [f"[{self._channel} to {masked(message.to)}] {len(message.text)} characters"]
        await asyncio.to_thread(self._write, "\n".join(lines) + "\n")
        return Accepted(code="console")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()

    async def aclose(self) -> None:
        """There is nothing to close."""


def masked(to: str) -> str:
    """An address of which only the ends are left."""
    return f"{to[:3]}...{to[-2:]}" if len(to) > 6 else "..."
