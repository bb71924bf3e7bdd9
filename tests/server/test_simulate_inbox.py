"""What the console channel writes, read through a pipe."""

import asyncio
import io
import os

from notify.channels import Message
from notify.channels.console import Console
from server.simulate import inbox


async def told(*pieces: bytes) -> list[str]:
    """What is told of bytes that are written to a pipe one after the other."""
    read, write = os.pipe()
    found: list[str] = []
    following = asyncio.create_task(inbox.follow(read, found.append))
    for piece in pieces:
        os.write(write, piece)
        await asyncio.sleep(0)
    os.close(write)
    async with asyncio.timeout(10):
        await following
    return found


async def test_each_message_of_the_console_is_told_in_one_line():
    stream = io.StringIO()
    for channel, to, subject, text in (
        ("sms", "+32470120001", "", "Mechelen: afspraak\nhttps://x.example/a/b"),
        ("mail", "iemand@example.org", "Uw afspraak", "Beste,\n\nu komt morgen."),
    ):
        await Console(channel, stream, whole=True).send(
            Message(delivery="d", attempt=1, to=to, text=text, subject=subject)
        )
    assert await told(stream.getvalue().encode()) == [
        "[sms to +32...01] Mechelen: afspraak https://x.example/a/b",
        "[mail to iem...rg] Uw afspraak Beste, u komt morgen.",
    ]


async def test_a_message_that_comes_in_two_pieces_is_one_message():
    assert await told(b"[sms to +32...01]\n    Meche", b"len: afspraak\n    morgen\n[sms") == [
        "[sms to +32...01] Mechelen: afspraak morgen",
        "[sms",
    ]


async def test_the_last_message_is_told_though_no_other_follows():
    read, write = os.pipe()
    came = asyncio.Queue()
    following = asyncio.create_task(inbox.follow(read, came.put_nowait))
    os.write(write, b"[sms to +32...01]\n    morgen\n")
    async with asyncio.timeout(10):
        assert await came.get() == "[sms to +32...01] morgen"
    os.close(write)
    async with asyncio.timeout(10):
        await following


async def test_what_is_no_text_and_what_has_no_end_stops_nothing():
    endless = b"x" * (4 * inbox.LONGEST)
    read, write = os.pipe()
    found: list[str] = []
    following = asyncio.create_task(inbox.follow(read, found.append))

    def write_all() -> None:
        with os.fdopen(write, "wb") as pipe:
            pipe.write(b"\xff\n" + endless + b"\n[last]\n")

    await asyncio.to_thread(write_all)
    async with asyncio.timeout(10):
        await following
    assert found[0] == "\ufffd"
    assert found[-1] == "[last]"
    assert all(len(each) <= inbox.LONGEST for each in found)


async def test_the_console_tells_what_time_it_was_in_the_house():
    stream = io.StringIO()
    message = Message(delivery="d", attempt=1, to="+32470120001", text="Mechelen: afspraak")
    await Console("sms", stream, whole=True, now=lambda: 1_795_376_702_123_000).send(message)
    assert await told(stream.getvalue().encode()) == [
        "2026-11-22T19:45:02.123Z [sms to +32...01] Mechelen: afspraak"
    ]
