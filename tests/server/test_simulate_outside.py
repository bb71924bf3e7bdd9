"""The client against a small server of its own that misbehaves as networks and servers do."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest

from server.simulate.housetime import HouseTime, instant
from server.simulate.outside import Outside, Refusal, Unanswered


@asynccontextmanager
async def serving(answers):
    """An HTTP server that gives these answers in order: bytes, or None to hang up. Yields (url, requests)."""
    requests = []

    async def handle(reader, writer):
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().split("\r\n")
                headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                requests.append((lines[0], headers, body))
                answer = answers.pop(0)
                if answer is None:
                    break
                writer.write(answer)
                await writer.drain()
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", requests


def answer(status, body, **headers):
    raw = json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Any", f"Content-Length: {len(raw)}", "Content-Type: application/json"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + raw


async def test_a_lost_answer_is_asked_for_again_under_the_same_key():
    answers = [None, answer(503, {"code": "unavailable"}), answer(200, {"seq": 7})]
    async with (
        serving(answers) as (url, requests),
        Outside(url, "here", {"kiosk": "secret"}) as outside,
    ):
        assert await outside.post("kiosk", "/visits", {"service": "a"}) == {"seq": 7}
    assert len({headers["idempotency-key"] for _, headers, _ in requests}) == 1
    assert [line for line, _, _ in requests] == ["POST /api/v1/sites/here/visits HTTP/1.1"] * 3
    assert {headers["authorization"] for _, headers, _ in requests} == {"bearer secret"}
    assert {body for _, _, body in requests} == {b'{"service":"a"}'}


async def test_two_commands_have_two_keys():
    async with (
        serving([answer(200, {}), answer(200, {})]) as (url, requests),
        Outside(url, "here", {"kiosk": "secret"}) as outside,
    ):
        await outside.post("kiosk", "/visits", {"service": "a"})
        await outside.post("kiosk", "/visits", {"service": "a"})
    assert len({headers["idempotency-key"] for _, headers, _ in requests}) == 2


async def test_a_server_that_asks_for_patience_gets_it():
    answers = [answer(429, {"code": "slow-down"}, Retry_After=1), answer(200, {})]
    async with serving(answers) as (url, _), Outside(url, "here", {"kiosk": "x"}) as outside:
        began = asyncio.get_running_loop().time()
        await outside.post("kiosk", "/visits")
        assert asyncio.get_running_loop().time() - began >= 1


async def test_a_refusal_is_not_repeated():
    answers = [answer(409, {"code": "counter-busy"}), answer(404, ["no problem document"])]
    async with serving(answers) as (url, requests), Outside(url, "here", {"counter": "x"}) as outside:
        with pytest.raises(Refusal) as refused:
            await outside.post("counter", "/counters/1/next")
        assert (refused.value.status, refused.value.code) == (409, "counter-busy")
        with pytest.raises(Refusal) as refused:
            await outside.delete("counter", "/appointments/1")
        assert refused.value.code == "no-code"
    assert len(requests) == 2


async def test_patience_has_an_end():
    async with (
        serving([None] * 50) as (url, requests),
        Outside(url, "here", {"kiosk": "x"}, give_up_s=0.5) as outside,
    ):
        with pytest.raises(Unanswered):
            await outside.post("kiosk", "/visits")
    assert 1 < len(requests) < 10


async def test_house_time_runs_at_the_house_s_speed_and_follows_its_jumps():
    clock = HouseTime()
    at = instant("2026-11-23T08:00:00.000Z")
    clock.set(at, 1000.0)
    await clock.pause(50)
    assert 50 <= (clock.now() - at) / 1e6 < 500
    # Ten hours are 36 real seconds; whoever waits for the morning wakes at the jump.
    morning = asyncio.create_task(clock.until(at + 10 * 3600 * 1_000_000))
    await asyncio.sleep(0)
    clock.set(at + 11 * 3600 * 1_000_000, 1000.0)
    async with asyncio.timeout(5):
        await morning


async def test_a_house_whose_clock_stands_still_keeps_people_waiting():
    clock = HouseTime()
    clock.set(instant("2026-11-23T08:00:00.000Z"), 0.0)
    later = asyncio.create_task(clock.pause(1))
    done, _ = await asyncio.wait({later}, timeout=0.05)
    assert not done
    clock.set(instant("2026-11-23T08:00:02.000Z"), 0.0)
    async with asyncio.timeout(5):
        await later


async def test_a_house_that_slows_down_is_not_overtaken():
    clock = HouseTime(halt=instant("2026-11-23T07:45:00.000Z"))
    clock.set(instant("2026-11-23T07:44:50.000Z"), 100_000.0)
    opens = asyncio.create_task(clock.until(instant("2026-11-23T08:00:00.000Z")))
    # Nothing is known beyond the moment at which the hurry ends, until the house is there itself.
    done, _ = await asyncio.wait({opens}, timeout=0.1)
    assert not done
    assert clock.now() == instant("2026-11-23T07:45:00.000Z")
    clock.set(instant("2026-11-23T07:45:10.000Z"), 30.0)
    assert 0 <= clock.now() - instant("2026-11-23T07:45:10.000Z") < 60 * 1_000_000
    clock.set(instant("2026-11-23T08:00:00.000Z"), 30.0)
    async with asyncio.timeout(5):
        await opens


async def test_a_citizen_answers_by_the_link_alone_and_it_is_told_to_nobody():
    answers = [answer(200, {"seq": 7}), answer(409, {"code": "appointment-cancelled"}), *[None] * 20]
    async with (
        serving(answers) as (url, requests),
        Outside(url, "here", {"kiosk": "token"}, give_up_s=0.3) as outside,
    ):
        assert await outside.answer("geheim", "late", {"minutes": 10}) == {"seq": 7}
        with pytest.raises(Refusal) as refused:
            await outside.answer("geheim", "cancel")
        with pytest.raises(Unanswered) as unanswered:
            await outside.answer("geheim", "confirm")
    line, headers, body = requests[0]
    assert line == "POST /api/v1/appointments/geheim/late HTTP/1.1"
    assert json.loads(body) == {"minutes": 10}
    assert "authorization" not in headers
    assert headers["idempotency-key"]
    assert "geheim" not in str(refused.value)
    assert "geheim" not in str(unanswered.value)
