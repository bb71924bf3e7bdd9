"""Answers by SMS: whose they are, which appointment they mean, done once, and told once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from domain.days import utc
from houses import house

from notify import contacts, planner
from notify.channels import Incoming
from notify.contacts import Contact
from server import database as db
from server.app import Onthaal, Options, assembled
from server.database import Unavailable
from server.domain import commands as co
from server.domain.appointment import Appointment
from server.domain.schedule import SECOND
from server.live import Request
from server.web.answers import Answer
from server.web.replies import ANSWERED_PER_HOUR, Replies

NOW = utc("2026-11-26 07:30")
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND
AN, STRANGER = "+32470123456", "+32470999999"
REAL = 1_800_000_000 * SECOND


@dataclass(frozen=True)
class Said:
    meaning: str
    minutes: int | None = None


WORDS = {
    "ja": Said("confirm"),
    "nee": Said("cancel"),
    "later": Said("late", 10),
    "bel": Said("call-back"),
    "stop": Said("stop"),
    "veel later": Said("late", 240),
}


class Phone:
    """A house, and whoever writes to it."""

    def __init__(self, onthaal: Onthaal) -> None:
        self.parts = onthaal.parts
        self.asked: list[list[str]] = []
        self.replies = Replies(self.parts, self.understand)

    def understand(self, text: str, languages: Iterable[str]) -> Said:
        self.asked.append(list(languages))
        return WORDS.get(text.lower(), Said("unknown"))

    async def writes(self, text: str, sender: str = AN) -> str:
        return await self.replies.take("sms", Incoming(sender, text))

    async def booked(self, name: str, at: int, *, reminded: int | None = None, **more: Any) -> str:
        """An appointment whose citizen has the number of An, reminded so long before now, if at all."""
        contact = Contact(phone=more.pop("phone", AN))

        def keep(connection: sa.Connection, _decided: Any) -> None:
            contacts.put(connection, self.parts.keys, "mechelen", name, contact, at)

        await self.move(name, at, None, keep, **more)
        if reminded is not None:
            row = planner.row_of(
                f"d-{name}",
                "mechelen",
                name,
                "reminder",
                "1d",
                0,
                NOW - reminded,
                at,
                slot_at=at,
                channel="sms",
            )
            sent = {**row, "state": "delivered", "attempt": 1}
            await self.parts.database.write(lambda c: c.execute(db.delivery.insert(), sent))
        return name

    async def move(
        self, name: str, at: int, known: Appointment | None, also: Any = None, **more: Any
    ) -> None:
        book = co.Book(appointment=name, service="onthaal", at=at, known=known, **more)
        await self.parts.live.execute(Request("mechelen", lambda _: book, lambda _: b"", also=also))

    async def rows(self, statement: sa.Select[Any]) -> list[Any]:
        return await self.parts.database.read(lambda c: [tuple(row) for row in c.execute(statement)])

    async def states(self) -> dict[str, str]:
        table = db.appointment.c
        return dict(await self.rows(sa.select(table.id, table.state)))

    async def told(self) -> list[tuple[str, str]]:
        """Whom the house answers what, in the order in which it was planned."""
        table = db.delivery.c
        wanted = sa.select(table.subject, table.kind).where(table.kind != "reminder")
        return await self.rows(wanted.order_by(sa.text("rowid")))


@pytest.fixture
async def phone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Phone]:
    url = f"sqlite:///{tmp_path / 'onthaal.db'}"
    options = Options(url, str(house(tmp_path, 1, hours="08:00-18:00")), house_time=NOW, speed=0)
    async with assembled(options) as onthaal:
        work = asyncio.create_task(onthaal.work())
        try:
            yield Phone(onthaal)
        finally:
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work


def at_real(monkeypatch: pytest.MonkeyPatch, real: int) -> None:
    monkeypatch.setattr("server.web.replies.real_now", lambda: real)


@pytest.mark.parametrize(
    ("text", "kind", "event"),
    [
        ("ja", "confirmed", "appointment-confirmed"),
        ("nee", "cancelled", "appointment-cancelled"),
        ("later", "late", "appointment-announced-late"),
        ("bel", "call-back", "appointment-call-back-asked"),
    ],
)
async def test_a_reply_does_what_the_link_does_and_is_answered_once(
    phone: Phone, text: str, kind: str, event: str
) -> None:
    await phone.booked("mine", NOW + HOUR, reminded=HOUR, language="fr")
    assert await phone.writes(text) == kind
    assert await phone.writes(text) == "repeated"
    assert phone.asked[0] == ["fr", "nl"]
    journal = db.journal.c
    kinds = await phone.rows(sa.select(journal.kind).where(journal.kind.startswith("appointment")))
    assert kinds == [("appointment-booked",), (event,)]
    assert await phone.told() == [("mine", kind)]
    (row,) = await phone.rows(
        sa.select(db.delivery.c.channel, db.delivery.c.state, db.delivery.c.until).where(
            db.delivery.c.kind == kind
        )
    )
    assert row == ("sms", "planned", NOW + 15 * MINUTE)
    noted = await phone.rows(sa.select(db.delivery_event.c.delivery, db.delivery_event.c.code))
    assert noted == [("d-mine", WORDS[text].meaning)]


async def test_a_message_that_a_gateway_hands_over_twice_at_once_is_one(phone: Phone) -> None:
    await phone.booked("mine", NOW + HOUR, reminded=HOUR)
    await asyncio.gather(*(phone.writes("later") for _ in range(4)))
    assert await phone.told() == [("mine", "late")]


async def test_an_old_copy_does_not_undo_what_was_said_after_it(
    phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    await phone.booked("mine", NOW + HOUR, reminded=HOUR)
    assert [await phone.writes(text) for text in ("later", "veel", "later")] == [
        "late",
        "unknown",
        "repeated",
    ]
    at_real(monkeypatch, REAL)
    assert await phone.writes("later") == "late"  # much later it is a message of its own


async def test_the_appointment_that_was_written_about_last_is_meant(phone: Phone) -> None:
    await phone.booked("near", NOW + HOUR)
    await phone.booked("reminded", NOW + 3 * DAY, reminded=HOUR)
    await phone.booked("before", NOW + 2 * DAY, reminded=DAY)
    await phone.booked("hers", NOW + 2 * HOUR, reminded=0, phone=STRANGER)
    assert await phone.writes("nee") == "cancelled"
    assert await phone.states() == {
        "near": "booked",
        "reminded": "cancelled",
        "before": "booked",
        "hers": "booked",
    }


async def test_without_a_message_the_next_one_is_meant_where_it_is_near(phone: Phone) -> None:
    await phone.booked("far", NOW + 30 * DAY)
    assert await phone.writes("nee") == "over"
    await phone.booked("soon", NOW + 2 * DAY)
    assert await phone.writes("NEE") == "cancelled"
    assert await phone.states() == {"far": "booked", "soon": "cancelled"}


async def test_no_again_does_not_cancel_the_next_appointment(
    phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    await phone.booked("first", NOW + HOUR, reminded=HOUR)
    await phone.booked("second", NOW + DAY)
    assert await phone.writes("nee") == "cancelled"
    at_real(monkeypatch, REAL)
    assert await phone.writes("nee") == "cancelled"
    assert await phone.states() == {"first": "cancelled", "second": "booked"}
    assert await phone.told() == [("first", "cancelled")] * 2


async def test_an_answer_is_about_the_slot_that_was_told(phone: Phone) -> None:
    await phone.booked("mine", NOW + HOUR, reminded=HOUR)
    known = phone.parts.live.sites["mechelen"].day.appointments["mine"]
    await phone.move("mine", NOW + 5 * HOUR, known)
    assert await phone.writes("ja") == "unknown"
    assert await phone.states() == {"mine": "booked"}


async def test_what_cannot_be_done_is_answered(phone: Phone) -> None:
    await phone.booked("mine", NOW + HOUR, reminded=HOUR)
    assert await phone.writes("wat?") == "unknown"
    assert await phone.writes("veel later") == "unknown"
    known = phone.parts.live.sites["mechelen"].day.appointments["mine"]
    report = co.Report(known=known, visit="v")
    await phone.parts.live.execute(Request("mechelen", lambda _: report, lambda _: b""))
    assert await phone.writes("nee") == "over"
    assert await phone.told() == [("mine", "unknown"), ("mine", "unknown"), ("mine", "over")]


async def test_stop_is_kept_as_a_mark_whoever_writes_it(
    phone: Phone, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "onthaal.replies")
    assert await phone.writes("stop", STRANGER) == "stopped"
    assert await phone.told() == []
    await phone.booked("mine", NOW + HOUR, reminded=HOUR)
    assert await phone.writes("STOP") == "stopped"
    assert await phone.told() == [("mine", "stopped")]
    await phone.parts.database.write(lambda connection: contacts.erase(connection, "mine"))
    assert await phone.writes("stop") == "stopped"
    kept = await phone.rows(sa.select(db.opt_out.c.mark, db.opt_out.c.source))
    marks = {phone.parts.keys.address_mark(number) for number in (AN, STRANGER)}
    assert {mark for mark, _source in kept} == marks
    assert {source for _mark, source in kept} == {"sms"}
    assert await phone.states() == {"mine": "booked"}
    assert AN not in caplog.text
    assert STRANGER not in caplog.text


async def test_a_stranger_is_sent_nothing(phone: Phone) -> None:
    await phone.booked("mine", NOW + HOUR, reminded=HOUR)
    for text in ("nee", "wat?"):
        assert await phone.writes(text, STRANGER) == "stranger"
    assert (await phone.told(), await phone.states()) == ([], {"mine": "booked"})


async def test_what_answers_by_itself_is_not_answered_for_ever(
    phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    await phone.booked("mine", NOW + HOUR, reminded=HOUR)
    for number in range(ANSWERED_PER_HOUR + 3):
        assert await phone.writes(f"I am away {number}") == "unknown"
    assert len(await phone.told()) == ANSWERED_PER_HOUR
    assert await phone.writes("nee") == "cancelled"  # what is said still counts
    assert await phone.states() == {"mine": "cancelled"}
    assert len(await phone.told()) == ANSWERED_PER_HOUR


async def test_where_the_database_is_away_the_gateway_has_to_come_again(
    phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    await phone.booked("mine", NOW + HOUR, reminded=HOUR)

    async def away(_request: Request) -> bytes:
        raise Unavailable("locked")

    with monkeypatch.context() as broken:
        broken.setattr(phone.parts.live, "execute", away)
        with pytest.raises(Unavailable):
            await phone.writes("nee")
    assert await phone.writes("nee") == "cancelled"
    assert await phone.told() == [("mine", "cancelled")]


async def test_of_two_answers_in_one_group_the_second_knows_of_the_first(phone: Phone) -> None:
    """Also about an appointment of another day, which the day itself does not have."""
    await phone.booked("mine", NOW + 2 * DAY)

    def asked(answer: Answer) -> Request:
        return Request("mechelen", answer.command, lambda _: b"", appointment="mine")

    said = [asked(Answer("cancel")), asked(Answer("confirm")), asked(Answer("cancel"))]
    results = await asyncio.gather(*map(phone.parts.live.execute, said), return_exceptions=True)
    assert [getattr(each, "code", "done") for each in results] == ["done", "appointment-cancelled", "done"]
    assert await phone.states() == {"mine": "cancelled"}
