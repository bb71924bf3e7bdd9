"""Deliveries from plan to receipt: nothing twice, nothing lost, whatever comes between."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from office import JAN, SITE, Office, at, office, until

from notify import contacts, planner
from notify.channels import Reached, Receipt, TryLater, Undeliverable
from notify.channels.console import masked
from notify.contacts import Contact
from notify.delivery import State
from notify.ledger import Result
from server import database as db
from server.database import Unavailable

SLOT = "2026-11-26 10:40"
TWO_HOURS_BEFORE = "2026-11-26 08:40"


async def settled(there: Office, count: int, **where: object) -> list[dict[str, Any]]:
    """The deliveries, once there are so many of them and none is on its way."""

    async def still() -> bool:
        rows = await there.rows(**where)
        return len(rows) == count and not any(row["state"] == State.SENDING for row in rows)

    await until(still, f"{count} deliveries did not come to rest")
    return await there.rows(**where)


async def test_a_booking_is_planned_and_each_step_goes_out_when_it_is_due(tmp_path: Path) -> None:
    async with office(tmp_path) as there:
        await there.book("A", SLOT)
        await settled(there, 3)
        for moment, count in (("2026-11-23 10:39", 0), ("2026-11-23 10:40", 1), ("2026-11-25 10:40", 2)):
            there.clock.jump(at(moment))
            there.worker.wake()
            await until(lambda count=count: len(there.given) == count)
            await settled(there, 3)
        there.clock.jump(at(TWO_HOURS_BEFORE))
        await until(lambda: len(there.given) == 3)
        rows = await settled(there, 3)
        assert [(row["step"], row["channel"], row["state"]) for row in rows] == [
            ("3d", "sms", "accepted"),
            ("1d", "sms", "accepted"),
            ("2h", "sms", "accepted"),
        ]
        assert {to for _, _, to in there.given} == {JAN.phone}
        assert await there.events(rows[0]["id"]) == ["sent", "accepted"]


async def test_moving_withdraws_and_plans_anew_and_cancelling_withdraws_all(tmp_path: Path) -> None:
    async with office(tmp_path) as there:
        await there.book("A", SLOT)
        await settled(there, 3)
        await there.book("A", "2026-11-27 11:00")
        rows = await settled(there, 6)
        assert [(row["step"], row["state"], row["reason"]) for row in rows] == [
            ("3d", "withdrawn", "moved"),
            ("3d", "planned", None),
            ("1d", "withdrawn", "moved"),
            ("2h", "withdrawn", "moved"),
            ("1d", "planned", None),
            ("2h", "planned", None),
        ]
        await there.book("A", SLOT)
        await until(lambda: _planned_for(there, at(SLOT)))
        await there.cancel("A")
        await until(lambda: _none_planned(there))
        there.clock.jump(at(TWO_HOURS_BEFORE))
        there.worker.wake()
        assert there.given == []


async def _planned_for(there: Office, slot: int) -> bool:
    return len([row for row in await there.rows(state="planned") if row["slot_at"] == slot]) == 3


async def _none_planned(there: Office) -> bool:
    return not await there.rows(state="planned")


async def test_what_the_planner_has_not_seen_is_looked_at_right_before_sending(tmp_path: Path) -> None:
    async with office(tmp_path, working=False) as there:
        await there.book("A", SLOT)
        await there.book("B", SLOT)
        await there.book("C", SLOT)
        await _advance(there)
        await there.cancel("A")
        await there.book("B", "2026-11-27 11:00")
        there.clock.jump(at("2026-11-23 10:40"))
        claims = await _claim(there)
        assert [claim.subject for claim in claims] == [there.ids["C"]]
        assert sorted(
            (row["state"], row["reason"]) for row in await there.rows(due_at=at("2026-11-23 10:40"))
        ) == [
            ("sending", None),
            ("withdrawn", "cancelled"),
            ("withdrawn", "moved"),
        ]


async def _advance(there: Office) -> None:
    house = there.houses[SITE]
    while await there.database.write(lambda c: planner.advance(c, house, there.clock.now())):
        pass


async def _claim(there: Office, real: int = 1_000_000, lease_s: float = 10, free: int = 10) -> list[Any]:
    ledger, now = there.worker._ledger, there.clock.now()
    channels = dict.fromkeys(("push", "sms", "mail"), free)
    return await there.database.write(lambda c: ledger.claim(c, now, real, channels, lease_s))


async def _record(there: Office, real: int, *results: Result) -> None:
    ledger, now = there.worker._ledger, there.clock.now()
    await there.database.write(lambda c: ledger.record(c, results, now, real))


async def _receive(there: Office, *receipts: Receipt) -> None:
    ledger, now = there.worker._ledger, there.clock.now()
    await there.database.write(lambda c: ledger.receive(c, receipts, now, 1))


async def _due(there: Office, *refs: str) -> None:
    for ref in refs:
        await there.book(ref, SLOT)
    await _advance(there)
    there.clock.jump(at("2026-11-23 10:40"))


async def test_a_claim_is_ours_until_its_lease_is_over(tmp_path: Path) -> None:
    async with office(tmp_path, working=False) as there:
        await _due(there, "A")
        (first,) = await _claim(there, real=0, lease_s=10)
        assert await _claim(there, real=9_999_999) == []
        (again,) = await _claim(there, real=10_000_000)
        assert (again.id, again.attempt) == (first.id, 2)


async def test_a_result_counts_only_under_its_own_attempt(tmp_path: Path) -> None:
    async with office(tmp_path, working=False) as there:
        await _due(there, "A")
        (first,) = await _claim(there, real=0, lease_s=1)
        (second,) = await _claim(there, real=2_000_000)
        await _record(there, 3, Result(claim=first, state=State.FAILED, code="slow"))
        (row,) = await there.rows(id=first.id)
        assert row["state"] == "sending"
        await _record(there, 4, Result(claim=second, state=State.ACCEPTED, code="ok", ref="r2"))
        (row,) = await there.rows(id=first.id)
        assert (row["state"], row["ref"]) == ("accepted", "r2")
        assert len(await there.rows(step="3d")) == 1, "the late failure started no second channel"


async def test_two_nodes_on_one_file_send_each_message_once(tmp_path: Path) -> None:
    async with office(tmp_path, working=False) as first:
        for number in range(40):
            await first.book(f"A{number}", SLOT)
        async with office(tmp_path) as second, asyncio.TaskGroup() as tasks:
            one = tasks.create_task(first.worker.run())
            for there in (first, second):
                there.clock.jump(at("2026-11-23 10:40"))
                there.worker.wake()
            await until(lambda: len(first.given) + len(second.given) >= 40)
            await settled(second, 120)
            given = [delivery for _, delivery, _ in first.given + second.given]
            assert len(given) == len(set(given)) == 40
            one.cancel()


async def test_try_later_is_tried_again_under_the_same_name(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("notify.delivery.FIRST_PAUSE_S", 0.02)
    async with office(tmp_path, "2026-11-23 10:00") as there:
        busy = [TryLater("503"), TryLater("timeout")]
        there.post["sms"].does = lambda _message: busy.pop() if busy else None
        await there.book("A", "2026-11-24 10:30")
        there.clock.jump(at("2026-11-23 10:30"))
        await until(lambda: len(there.given) == 3)
        assert len({delivery for _, delivery, _ in there.given}) == 1
        assert [message.attempt for message in there.post["sms"].given] == [1, 2, 3]
        rows = await settled(there, 2)
        assert (rows[0]["state"], rows[0]["attempt"]) == ("accepted", 3)
        assert await there.events(rows[0]["id"]) == ["sent", "later", "sent", "later", "sent", "accepted"]


async def test_undeliverable_falls_back_to_the_next_channel_and_never_twice_to_one(tmp_path: Path) -> None:
    async with office(tmp_path, "2026-11-23 10:00") as there:
        for name in ("sms", "mail"):
            there.post[name].does = lambda _message: Undeliverable("no such number")
        await there.book("A", "2026-11-24 10:30")
        there.clock.jump(at("2026-11-23 10:30"))
        await until(lambda: len(there.given) == 2)
        rows = await settled(there, 3)
        assert [(row["step"], row["channel"], row["rank"], row["state"], row["reason"]) for row in rows] == [
            ("1d", "sms", 0, "failed", "no such number"),
            ("1d", "mail", 1, "failed", "no such number"),
            ("2h", "", 0, "planned", None),
        ]


async def test_an_address_that_is_no_more_is_forgotten(tmp_path: Path) -> None:
    async with office(tmp_path, "2026-11-23 10:00") as there:
        there.post["push"].does = lambda _message: Undeliverable("410", gone=True)
        both = Contact(name="Jan", phone=JAN.phone, push='{"endpoint":"x"}')
        identity = await there.book("A", "2026-11-24 10:30", both)
        there.clock.jump(at("2026-11-23 10:30"))
        await until(lambda: len(there.given) == 2)
        await settled(there, 3)
        kept = await there.database.read(lambda c: contacts.get(c, there.keys, identity))
        assert kept == Contact(name="Jan", phone=JAN.phone)


async def test_the_next_channel_is_tried_where_nobody_heard_of_the_first(tmp_path: Path) -> None:
    async with office(tmp_path, "2026-11-23 10:00", push={"reach_within_s": 0.05}) as there:
        both = Contact(name="Jan", email=JAN.email, push='{"endpoint":"x"}')
        await there.book("A", "2026-11-24 10:30", both)
        there.clock.jump(at("2026-11-23 10:30"))
        await until(lambda: len(there.given) == 2)
        rows = await settled(there, 3)
        assert [(row["channel"], row["state"], row["reason"]) for row in rows[:2]] == [
            ("push", "accepted", "not-reached"),
            ("mail", "accepted", None),
        ]
        # Shown after all: it is noted, and nothing more goes out.
        await there.worker.receive([Receipt(rows[0]["id"], Reached.SHOWN, "201")])
        assert (await there.rows(id=rows[0]["id"]))[0]["state"] == "shown"
        assert len(there.given) == 2


async def test_who_was_reached_is_not_written_to_twice(tmp_path: Path) -> None:
    async with office(tmp_path, "2026-11-23 10:00", sms={"reach_within_s": 30}) as there:
        await there.book("A", "2026-11-24 10:30")
        there.clock.jump(at("2026-11-23 10:30"))
        await until(lambda: len(there.given) == 1)
        rows = await settled(there, 2)
        assert rows[0]["reach_by"] is not None
        await there.worker.receive([Receipt(rows[0]["id"], Reached.DELIVERED, "1")])
        (row,) = await there.rows(id=rows[0]["id"])
        assert (row["state"], row["reach_by"]) == ("delivered", None)


@pytest.mark.parametrize(
    ("receipts", "state", "further"),
    [
        ("a", "accepted", 0),
        ("ad", "delivered", 0),
        ("da", "delivered", 0),
        ("ddd", "delivered", 0),
        ("df", "delivered", 0),
        ("fd", "delivered", 1),
        ("f", "failed", 1),
        ("ff", "failed", 1),
        ("af", "failed", 1),
    ],
)
async def test_receipts_come_late_twice_and_out_of_order(
    tmp_path: Path, receipts: str, state: str, further: int
) -> None:
    says = {"a": Reached.ACCEPTED, "d": Reached.DELIVERED, "f": Reached.FAILED}
    async with office(tmp_path, working=False) as there:
        await _due(there, "A")
        (claim,) = await _claim(there)
        await _record(there, 1, Result(claim=claim, state=State.ACCEPTED, code="ok"))
        for each in receipts:
            await _receive(there, Receipt(claim.id, says[each], each))
        (row,) = await there.rows(id=claim.id)
        assert row["state"] == state
        assert len(await there.rows(step="3d")) == 1 + further


async def test_a_receipt_that_is_faster_than_our_own_record_is_kept(tmp_path: Path) -> None:
    async with office(tmp_path, working=False) as there:
        await _due(there, "A")
        (claim,) = await _claim(there)
        await _receive(there, Receipt(claim.id, Reached.DELIVERED, "1"))
        await _record(there, 1, Result(claim=claim, state=State.ACCEPTED, code="ok", ref="r", parts=1))
        (row,) = await there.rows(id=claim.id)
        assert (row["state"], row["ref"], row["parts"]) == ("delivered", "r", 1)
        assert await _claim(there, real=10**15) == []


async def test_a_receipt_for_nothing_we_know_changes_nothing(tmp_path: Path) -> None:
    async with office(tmp_path, working=False) as there:
        await _due(there, "A")
        await _receive(there, Receipt("nonsense", Reached.FAILED, "x"))
        assert len(await there.rows()) == 3


async def test_what_is_no_longer_of_use_is_not_sent(tmp_path: Path) -> None:
    async with office(tmp_path, working=False) as there:
        await _due(there, "A")
        there.clock.jump(at("2026-11-25 10:41"))
        claims = await _claim(there)
        assert [claim.step for claim in claims] == ["1d"]
        assert [(row["step"], row["state"], row["reason"]) for row in await there.rows()] == [
            ("3d", "failed", "too-late"),
            ("1d", "sending", None),
            ("2h", "planned", None),
        ]


async def test_a_late_server_writes_to_nobody_at_night(tmp_path: Path) -> None:
    async with office(tmp_path, working=False) as there:
        await _due(there, "A")
        there.clock.jump(at("2026-11-23 23:00"))
        assert await _claim(there) == []
        assert (await there.rows())[0]["due_at"] == at("2026-11-24 08:00")
        there.clock.jump(at("2026-11-24 08:00"))
        assert [claim.step for claim in await _claim(there)] == ["3d"]


async def test_after_ten_attempts_it_is_given_up_and_the_next_channel_tried(tmp_path: Path) -> None:
    async with office(tmp_path, working=False) as there:
        await _due(there, "A")
        real = 0
        for attempt in range(1, 11):
            (claim,) = await _claim(there, real=real)
            assert claim.attempt == attempt
            await _record(there, real, Result(claim=claim, state=State.PLANNED, code="503", luck=1.0))
            real += 700_000_000
        await _claim(there, real=real)
        assert await there.states(step="3d") == [("3d", "sms", "failed"), ("3d", "mail", "sending")]


async def test_who_has_no_address_or_wants_no_messages_gets_none_and_it_is_said(tmp_path: Path) -> None:
    async with office(tmp_path, working=False) as there:
        await there.book("nobody", SLOT, None)
        await there.book("out", SLOT, Contact(phone=JAN.phone))
        await there.book("safe", SLOT, Contact(phone="+32470000001", email="x@example.org", safe="mail"))
        await there.book("none", SLOT, Contact(phone="+32470000002", safe="none"))
        await _advance(there)
        mark = there.keys.address_mark(JAN.phone or "")
        await there.database.write(
            lambda c: c.execute(db.opt_out.insert(), {"mark": mark, "at": 0, "source": "sms"})
        )
        there.clock.jump(at("2026-11-23 10:40"))
        claims = await _claim(there)
        assert [(claim.channel, claim.to) for claim in claims] == [("mail", "x@example.org")]
        reasons = {row["subject"]: row["reason"] for row in await there.rows(due_at=at("2026-11-23 10:40"))}
        assert [reasons[there.ids[ref]] for ref in ("nobody", "out", "none")] == [
            "no-address",
            "opted-out",
            "not-safe",
        ]


async def test_a_full_channel_holds_no_other_up(tmp_path: Path) -> None:
    both = {"at_once": 2, "timeout_s": 30}
    async with office(tmp_path, "2026-11-23 10:00", sms=both, mail=both) as there:
        there.post["sms"].hold.clear()
        for number in range(6):
            await there.book(f"S{number}", "2026-11-24 10:30", Contact(phone=f"+3247000010{number}"))
        for number in range(6):
            await there.book(f"M{number}", "2026-11-24 10:31", Contact(email=f"m{number}@example.org"))
        there.clock.jump(at("2026-11-23 10:31"))
        there.worker.wake()
        await until(lambda: len(there.post["mail"].given) == 6)
        assert len(there.post["sms"].given) == 2
        there.post["sms"].hold.set()
        await until(lambda: len(there.post["sms"].given) == 6)
        await settled(there, 24)


async def test_a_gateway_that_never_answers_is_left_after_its_timeout(tmp_path: Path) -> None:
    async with office(tmp_path, "2026-11-23 10:00", sms={"timeout_s": 0.05}) as there:
        there.post["sms"].hold.clear()
        await there.book("A", "2026-11-24 10:30")
        there.clock.jump(at("2026-11-23 10:30"))
        await until(lambda: _reason(there, "timeout"))
        (row, _) = await there.rows()
        assert (row["state"], row["attempt"]) == ("planned", 1)


async def _reason(there: Office, reason: str) -> bool:
    return any(row["reason"] == reason for row in await there.rows())


async def test_a_text_that_cannot_be_written_fails_alone_and_says_why(tmp_path: Path) -> None:
    async with office(tmp_path, "2026-11-23 10:00") as there:
        write = there.worker._write

        def broken(claim: Any, house: Any, now: int) -> Any:
            if claim.subject == there.ids["A"]:
                raise KeyError("place")
            return write(claim, house, now)

        there.worker._write = broken
        await there.book("A", "2026-11-24 10:30")
        await there.book("B", "2026-11-24 10:30", Contact(phone="+32470000009"))
        there.clock.jump(at("2026-11-23 10:30"))
        await until(lambda: _reason(there, "template: KeyError"))
        await until(lambda: len(there.given) == 1)


async def test_stopping_lets_what_is_on_its_way_end_and_be_recorded(tmp_path: Path) -> None:
    async with office(tmp_path, "2026-11-23 10:00", working=False) as there:
        there.post["sms"].hold.clear()
        working = asyncio.create_task(there.worker.run())
        await there.book("A", "2026-11-24 10:30")
        there.clock.jump(at("2026-11-23 10:30"))
        await until(lambda: len(there.given) == 1)
        working.cancel()
        await asyncio.sleep(0)
        there.post["sms"].hold.set()
        await asyncio.gather(working, return_exceptions=True)
        assert (await there.rows())[0]["state"] == "accepted"


async def test_a_new_ladder_is_planned_at_the_next_start(tmp_path: Path) -> None:
    async with office(tmp_path) as there:
        await there.book("A", SLOT)
        await settled(there, 3)
    text = (tmp_path / "house.toml").read_text()
    ladder = '[sites.mechelen.messages]\nladder = ["6d", "1d", "3h"]\n'
    (tmp_path / "house.toml").write_text(
        text.replace("[sites.mechelen.opening]", ladder + "[sites.mechelen.opening]")
    )
    async with office(tmp_path, "2026-11-21 09:00") as there:
        await until(lambda: _reason(there, "ladder"))
        assert [(row["step"], row["state"]) for row in await there.rows()] == [
            ("3d", "withdrawn"),
            ("1d", "planned"),
            ("3h", "planned"),
            ("2h", "withdrawn"),
        ]
        assert there.given == []


async def test_what_waits_to_be_written_down_is_not_sent_again_by_the_same_server(
    tmp_path: Path, monkeypatch: Any
) -> None:
    async with office(tmp_path, "2026-11-23 10:00") as there:
        record, tries = there.worker._ledger.record, 0

        def closed(*given: Any, **named: Any) -> None:
            nonlocal tries
            tries += 1
            if tries < 5:
                raise Unavailable("locked")
            record(*given, **named)

        monkeypatch.setattr(there.worker._ledger, "record", closed)
        there.worker.lease_s = 0.01
        await there.book("A", "2026-11-24 10:30")
        there.clock.jump(at("2026-11-23 10:30"))
        await until(lambda: tries >= 5)
        rows = await settled(there, 2)
        assert (rows[0]["state"], len(there.given)) == ("accepted", 1)


async def test_a_result_that_cannot_be_written_down_holds_no_other_up(
    tmp_path: Path, monkeypatch: Any
) -> None:
    async with office(tmp_path, "2026-11-23 10:00") as there:
        record = there.worker._ledger.record

        def broken(connection: Any, results: Any, now: int, real: int) -> None:
            if any(result.claim.subject == there.ids["A"] for result in results):
                raise ValueError("a bug")
            record(connection, results, now, real)

        monkeypatch.setattr(there.worker._ledger, "record", broken)
        await there.book("A", "2026-11-24 10:30")
        await there.book("B", "2026-11-24 10:30", Contact(phone="+32470000009"))
        there.clock.jump(at("2026-11-23 10:30"))
        there.worker.wake()
        mine = there.ids["B"]
        await until(lambda: _accepted(there, mine))


async def _accepted(there: Office, subject: str) -> bool:
    return any(row["state"] == "accepted" for row in await there.rows(subject=subject))


def test_a_message_shows_no_number_in_the_terminal() -> None:
    assert masked("+32470123456") == "+32...56"
    assert masked("a@b.be") == "..."
