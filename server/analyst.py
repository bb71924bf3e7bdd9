"""The analyst: a process of its own that computes figures, so that numpy never holds the server's loop.

One child, started at the first question and ended with the server. It runs top-level functions, one at a
time, over a connection that cannot write. One that dies or takes too long is replaced at the next question.
Questions and answers are pickles between two processes of one program, over the child's standard streams.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import pickle
import struct
import sys
import traceback
from collections.abc import Callable
from typing import IO, Any, Concatenate, ParamSpec, TypeVar

import sqlalchemy as sa

from server.database import Unavailable, reading, transact

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger("onthaal.analyst")

ANSWER_S = 30.0
"""How long a question may wait for its turn, and then take, in real seconds each."""

WAITING = 8
"""Questions that wait or are being answered at most."""

ENDS_S = 2.0
"""How long the child may take to end by itself, in real seconds."""

NICER = 5
"""How much the child steps back where both want the processor: people at counters wait for the server."""

_LENGTH = struct.Struct("<Q")


class Failed(RuntimeError):
    """A question could not be answered: the function failed, in a way that is not its own to tell."""


class Analyst:
    """Asks the child. ``answer_s`` and ``waiting`` are for tests."""

    def __init__(self, url: str, *, answer_s: float = ANSWER_S, waiting: int = WAITING) -> None:
        self._url = url
        self._answer_s = answer_s
        self._room = waiting
        self._turn = asyncio.Lock()
        self._child: asyncio.subprocess.Process | None = None
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The child's process number; None where there is none."""
        return None if self._child is None else self._child.pid

    async def ask(
        self, work: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What ``work`` (a top-level function) gives in the child, over one consistent snapshot.

        Raises what it raises, where that is an exception of ours; ``Unavailable`` where too many questions
        wait, where it takes too long, and where the child dies; :class:`Failed` for the rest.
        """
        if self._closed or self._room == 0:
            raise Unavailable("too many questions to the analyst at once")
        question = pickle.dumps((work, args, kwargs))
        self._room -= 1
        try:
            try:
                async with asyncio.timeout(self._answer_s):
                    await self._turn.acquire()
            except TimeoutError as error:
                raise Unavailable("the analyst is busy with other questions") from error
            try:
                answer: T = await self._answered(question)
                return answer
            finally:
                self._turn.release()
        finally:
            self._room += 1

    async def _answered(self, question: bytes) -> Any:
        try:
            async with asyncio.timeout(self._answer_s):
                child = await self._started()
                assert child.stdin is not None
                assert child.stdout is not None
                child.stdin.write(_LENGTH.pack(len(question)) + question)
                await child.stdin.drain()
                (length,) = _LENGTH.unpack(await child.stdout.readexactly(_LENGTH.size))
                good, answer = pickle.loads(await child.stdout.readexactly(length))
        except BaseException as error:
            # What it would still say is the answer to nobody's question.
            await self._end(kill=True)
            if isinstance(error, TimeoutError):
                log.warning("the analyst took longer than %s s and was ended", self._answer_s)
                raise Unavailable("the figures took too long") from error
            if isinstance(error, OSError | asyncio.IncompleteReadError):
                log.warning("the analyst ended unasked")
                raise Unavailable("the figures could not be computed") from error
            raise
        if good:
            return answer
        raise answer

    async def _started(self) -> asyncio.subprocess.Process:
        if self._child is not None and self._child.returncode is None:
            return self._child
        self._child = await asyncio.create_subprocess_exec(
            # Not `-m`, which would load this module a second time under another name.
            *(
                sys.executable,
                "-c",
                "import sys; from server.analyst import main; main(sys.argv[1])",
                self._url,
            ),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # Not of the terminal's group: Ctrl-C is for the server, which ends its child itself.
            start_new_session=True,
        )
        return self._child

    async def _end(self, *, kill: bool) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        if not kill and child.stdin is not None:
            child.stdin.close()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ENDS_S):
                    await child.wait()
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
        await child.wait()

    async def aclose(self) -> None:
        """End the child; questions from now on are refused."""
        self._closed = True
        await self._end(kill=self._turn.locked())


def main(url: str) -> None:
    """The child: answer until there are no more questions, which is also when the server has died."""
    os.nice(NICER)
    asked, answers = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # What a library prints must not get between the answers.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    engine = reading(url)
    try:
        while (question := _read(asked)) is not None:
            answers.write(_answer(engine, question))
            answers.flush()
    except BrokenPipeError:
        os._exit(0)  # nobody is there to hear it
    finally:
        engine.dispose()


def _answer(engine: sa.Engine, question: bytes) -> bytes:
    try:
        work, args, kwargs = pickle.loads(question)
        answer = transact(engine, lambda connection: work(connection, *args, **kwargs))
        told = pickle.dumps((True, answer))
    except Exception as error:
        told = pickle.dumps((False, _told(error)))
    return _LENGTH.pack(len(told)) + told


def _told(error: Exception) -> Exception:
    """The error as the server can raise it."""
    try:
        again = pickle.loads(pickle.dumps(error))
    except Exception:
        again = None
    if isinstance(again, Exception) and type(again).__module__.startswith("server."):
        return again
    return Failed("".join(traceback.format_exception(error)))


def _read(stream: IO[bytes]) -> bytes | None:
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    return stream.read(length)
