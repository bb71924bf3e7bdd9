"""Questions are answered by a child one at a time, and whatever becomes of it leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from office import until

from server.questions import Question, Questions

ANSWERS = "import sys; print('progress 1 2', file=sys.stderr); print('{}')"
WAITS = """
import os, pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])
pathlib.Path(os.environ['TOLD']).write_text(f'{os.getpid()} {child.pid}')
print('progress 3 20', file=sys.stderr, flush=True)
time.sleep(600)
"""


@contextlib.asynccontextmanager
async def asking(code: str, longest_s: float = 60) -> AsyncIterator[Questions]:
    """Questions whose child runs this code in place of the command."""
    questions = Questions(Path("nothing.db"), longest_s=longest_s, python=(sys.executable, "-c", code))
    task = asyncio.create_task(questions.run())
    try:
        yield questions
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def asked(arguments: Sequence[str] = ()) -> Question:
    return Question("mechelen", arguments, {})


def gone(pid: int) -> bool:
    """Whether a process has ended; one that only waits to be looked after has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


async def test_an_answer_comes_with_word_of_how_far_it_is() -> None:
    async with asking(ANSWERS) as questions:
        question = asked()
        assert questions.ask(question)
        await until(lambda: not question.open)
        assert (question.answer, question.wrong, question.done, question.total) == (b"{}\n", None, 1, 2)
        assert questions.last("mechelen") is question
        assert questions.last("elsewhere") is None
        await until(lambda: not questions.busy)


async def test_what_is_wrong_is_told_by_its_code() -> None:
    async with asking("import sys; print('wrong bad-time', file=sys.stderr); sys.exit(1)") as questions:
        question = asked()
        questions.ask(question)
        await until(lambda: not question.open)
        assert (question.answer, question.wrong) == (None, "bad-time")


async def test_a_child_that_fails_leaves_the_next_question_alone() -> None:
    async with asking("raise SystemExit(3)") as questions:
        for _ in range(2):
            question = asked()
            assert questions.ask(question)
            await until(lambda question=question: not question.open and not questions.busy)  # type: ignore[misc]
            assert question.wrong == "failed"


@pytest.mark.parametrize("how", ["stopped", "too-long", "cancelled"])
async def test_a_child_ends_with_its_own_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    told = tmp_path / "told"
    monkeypatch.setenv("TOLD", str(told))
    async with asking(WAITS, longest_s=3 if how == "too-long" else 60) as questions:
        question = asked()
        assert questions.ask(question)
        await until(lambda: question.total == 20, "the child did not begin")
        assert questions.busy
        assert not questions.ask(asked())  # one at a time
        assert questions.last("mechelen") is question
        pids = [int(word) for word in told.read_text().split()]
        assert not any(gone(pid) for pid in pids)
        if how == "stopped":
            question.stop.set()
        if how != "cancelled":
            await until(lambda: not question.open)
            assert question.wrong == how
    await until(lambda: all(gone(pid) for pid in pids), "a process was left")
    assert os.getpid() not in pids
