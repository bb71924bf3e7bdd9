"""The console: writes every message to the terminal. It carries what no gateway is configured for."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import TextIO

from notify.channels import Accepted, Message
from server.domain.schedule import iso


class Console:
    """Writes messages to a stream. What stands in ``to`` is shortened: a terminal is no place for numbers.

    With ``whole`` the text is written too, and the citizen's link in it: not where the stream is a log.
    ``now`` is house time: whoever reads it later, or in another process, cannot know what time it was.
    """

    def __init__(
        self,
        channel: str,
        stream: TextIO | None = None,
        *,
        whole: bool = False,
        now: Callable[[], int] | None = None,
    ) -> None:
        self._channel = channel
        self._whole = whole
        self._now = now
        self._stream = sys.stdout if stream is None else stream

    async def send(self, message: Message) -> Accepted:
        """Write a message down. A stream that nobody reads must not stop the house: it goes by a thread."""
        at = "" if self._now is None else f"{iso(self._now())} "
        head = f"{at}[{self._channel} to {masked(message.to)}]"
        if self._whole:
            lines = [f"{head} {message.subject}".rstrip()]
            lines += [f"    {line}" for line in message.text.splitlines()]
        else:
            lines = [f"{head} {len(message.text)} characters"]
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
