"""What-if questions of supervisors: answered one at a time, by a child process that has its end.

Playing a day again takes seconds of computing, which neither the loop nor its threads have to give.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

LONGEST_S = 180.0
"""How long a child may take, in real seconds."""

ANSWER_BYTES = 4_000_000
"""The longest answer that is read."""

_PYTHON = (sys.executable, "-P", "-m", "server", "whatif")
"""Our own interpreter, deaf to a folder that happens to be called ``server`` where we are started."""


@dataclass(slots=True, eq=False)
class Question:
    """What was asked at a site, how far it is, and the answer. ``form`` is as somebody filled it in.

    ``wrong`` is why there is no answer: a code of ``server.whatif``, ``stopped``, ``too-long`` or ``failed``.
    """

    site: str
    arguments: Sequence[str]
    form: Mapping[str, Sequence[str]]
    done: int = 0
    total: int = 0
    answer: bytes | None = None
    wrong: str | None = None
    open: bool = True
    """Until its child has ended: only then is the next question taken."""
    stop: asyncio.Event = field(default_factory=asyncio.Event)


class Questions:
    """Takes a question when none is open, and keeps each site's last one in memory."""

    def __init__(
        self, database: Path, *, longest_s: float = LONGEST_S, python: Sequence[str] = _PYTHON
    ) -> None:
        self._url = f"sqlite:///{database}"
        self._longest_s = longest_s
        self._python = python
        self._last: dict[str, Question] = {}
        self._open: Question | None = None
        self._asked = asyncio.Event()

    @property
    def busy(self) -> bool:
        """Whether a question is open, at whatever site."""
        return self._open is not None

    def last(self, site: str) -> Question | None:
        """The last question of a site."""
        return self._last.get(site)

    def ask(self, question: Question) -> bool:
        """Take a question; False where another one is open. One that is wrong already is only kept."""
        if self._open is not None:
            return False
        self._last[question.site] = question
        question.open = question.wrong is None
        if question.open:
            self._open = question
            self._asked.set()
        return True

    async def run(self) -> None:
        """Answer what is asked; ends only when cancelled, and then no child is left."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            if self._open is None:
                continue
            question = self._open
            try:
                await self._answer(question)
            except OSError:
                question.wrong = "failed"
            finally:
                question.open, self._open = False, None

    async def _answer(self, question: Question) -> None:
        child = await asyncio.create_subprocess_exec(
            *self._python,
            *("--site", question.site, "--database", self._url, "--json", "--report-progress"),
            *question.arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # it has children of its own, which end with it
        )
        try:
            async with asyncio.timeout(self._longest_s):
                await _first(_listen(child, question), question.stop.wait())
        except TimeoutError:
            question.wrong = "too-long"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            await child.wait()
        if question.answer is None and question.wrong is None:
            question.wrong = "stopped" if question.stop.is_set() else "failed"


async def _first(*coroutines: object) -> None:
    """Wait for the first of some, and end the others."""
    tasks = [asyncio.ensure_future(each) for each in coroutines]  # type: ignore[call-overload]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _listen(child: asyncio.subprocess.Process, question: Question) -> None:
    answer, _ = await asyncio.gather(_read(child), _follow(child, question))
    if await child.wait() == 0 and answer:
        question.answer = answer


async def _read(child: asyncio.subprocess.Process) -> bytes:
    assert child.stdout is not None
    found = bytearray()
    while piece := await child.stdout.read(65_536):
        found += piece
        if len(found) > ANSWER_BYTES:
            return b""
    return bytes(found)


async def _follow(child: asyncio.subprocess.Process, question: Question) -> None:
    assert child.stderr is not None
    while line := await child.stderr.readline():
        match line.decode("utf-8", "replace").split():
            case ["progress", done, total]:
                question.done, question.total = int(done), int(total)
            case ["wrong", code]:
                question.wrong = code
            case _:
                pass  # what it says to people at a terminal


__all__ = ["Question", "Questions"]
