"""Alerts as they are kept and told, over a real file: each once until it clears, whoever looks."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from certificates import certified
from mailserver import MailServer
from office import SITE, Office, at, office, until
from pushservice import Browser, PushService
from running import MECHELEN

from notify import alert_text, recipients
from notify.alarms import Cause
from notify.channels import Channel
from notify.channels.mail import Mail
from notify.channels.push import Push
from notify.contacts import Contact
from notify.failing import failing
from notify.ledger import About
from notify.watch import Watch
from notify.worker import Carrier
from notify.write import Writer
from server import accounts
from server import database as db
from server.access import Role
from server.channel_tables import MailTable, PushTable, Tls
from server.domain.alerts import Alerts
from server.domain.schedule import SECOND
from server.settings import load
from server.vapid import load_vapid

MINUTE = 60 * SECOND
WAIT = Cause(kind="wait", subject="bevolking", since=at("2026-11-20 08:55"))
WAVE = Cause(kind="late-wave", subject="", since=at("2026-11-20 08:50"), count=8, of=12)


class House:
    """An office with a watch: what is wrong is what a test says."""

    def __init__(self, opened: Office) -> None:
        self.office = opened
        self.wrong: list[Cause] = []
        self.watch = self.another()

    def another(self) -> Watch:
        """The watch of a server that was started again, or of a second process."""
        office = self.office
        return Watch(
            office.database, office.clock, office.houses, lambda _site: self.wrong, wake=office.worker.wake
        )

    async def look(self, after_s: float = 0.0, watch: Watch | None = None) -> None:
        self.office.clock.jump(self.office.clock.now() + round(after_s * SECOND))
        await (watch or self.watch).watch(SITE)

    async def account(self, login: str, **contact: Any) -> str:
        """An account that asked to be told there; the recipient's id."""
        over = contact.pop("over", False)

        def work(connection: sa.Connection) -> str:
            known = accounts.create(connection, SITE, Role.SUPERVISOR, login, login.title(), None, "-")
            keys = self.office.keys
            return recipients.add(connection, keys, SITE, known, Contact(**contact), over=over)

        return await self.office.database.write(work)

    async def alerts(self) -> list[tuple[str, str, int, bool]]:
        """Kind, subject, how many were told, and whether it is cleared, of each alert; oldest first."""

        def read(connection: sa.Connection) -> list[tuple[str, str, int, bool]]:
            rows = connection.execute(sa.select(db.alert).order_by(db.alert.c.raised_at, db.alert.c.kind))
            return [(row.kind, row.subject, row.told, row.cleared_at is not None) for row in rows]

        return await self.office.database.read(read)

    async def sent(self) -> list[tuple[str, str]]:
        """Kind and state of each delivery to a supervisor."""
        return [(row["kind"], row["state"]) for row in await self.office.rows()]


@contextlib.asynccontextmanager
async def house(folder: Path, *, working: bool = True) -> AsyncIterator[House]:
    async with office(folder, working=working) as opened:
        yield House(opened)


async def test_told_once_it_stands_and_once_until_it_clears(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        an = await here.account("an", email="an@example.org")
        here.wrong = [WAIT]
        await here.look()
        await here.look(59)
        assert await here.alerts() == []
        await here.look(1)
        assert await here.alerts() == [("wait", "bevolking", 1, False)]
        await until(
            lambda: (
                here.office.given == [("mail", here.office.post["mail"].given[0].delivery, "an@example.org")]
                if here.office.given
                else False
            )
        )
        assert [row["subject"] for row in await here.office.rows()] == [an]
        for _ in range(20):
            await here.look(300)
        # It comes and goes, never away for ten minutes: that is one alert, told once.
        for _ in range(5):
            here.wrong = []
            await here.look(590)
            here.wrong = [WAIT]
            await here.look(5)
            await here.look(200)
        assert await here.alerts() == [("wait", "bevolking", 1, False)]
        assert len(here.office.given) == 1
        here.wrong = []
        await here.look(1)
        await here.look(600)
        assert await here.alerts() == [("wait", "bevolking", 1, True)]
        here.wrong = [WAIT]
        await here.look(1)
        await here.look(60)
        assert [cleared for *_, cleared in await here.alerts()] == [True, False]
        await until(lambda: len(here.office.given) == 2)


async def test_two_things_are_two_alerts_told_to_everybody_who_asked(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.account("an", email="an@example.org")
        await here.account("bart", push="{}")
        here.wrong = [WAIT, WAVE]
        await here.look()
        await here.look(60)
        await until(lambda: len(here.office.given) == 4)
        assert sorted((name, to) for name, _delivery, to in here.office.given) == [
            ("mail", "an@example.org"),
            ("mail", "an@example.org"),
            ("push", "{}"),
            ("push", "{}"),
        ]
        here.wrong = [WAVE]
        await here.look()
        await here.look(601)
        assert [(kind, cleared) for kind, _, _, cleared in await here.alerts()] == [
            ("late-wave", False),
            ("wait", True),
        ]


async def test_a_restart_tells_nobody_again(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.account("an", email="an@example.org")
        here.wrong = [WAIT]
        await here.look()
        await here.look(60)
        await until(lambda: len(here.office.given) == 1)
    async with house(tmp_path) as here:
        here.office.clock.jump(at("2026-11-20 09:02"))
        here.wrong = [WAIT]
        await here.look()
        await here.look(61)
        await here.look(300)
        assert await here.alerts() == [("wait", "bevolking", 1, False)]
        assert len(await here.office.rows()) == 1


async def test_two_processes_tell_once_and_clear_once(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.account("an", email="an@example.org", over=True)
        here.wrong = [WAIT]
        second = here.another()
        for watch in (here.watch, second):
            await here.look(0, watch)
        for watch in (here.watch, second):
            await here.look(60, watch)
        await until(lambda: len(here.office.given) == 1)
        here.wrong = []
        for _ in range(3):
            for watch in (here.watch, second):
                await here.look(400, watch)
        assert [cleared for *_, cleared in await here.alerts()] == [True]
        await until(lambda: len(here.office.given) == 2)
        assert [kind for kind, _state in await here.sent()] == ["alert", "alert-over"]


async def test_stored_and_planned_in_one_transaction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is told of what is not kept: a plan that fails takes the alert with it, and comes again."""
    async with house(tmp_path) as here:
        await here.account("an", email="an@example.org")
        here.wrong = [WAIT]
        await here.look()
        with monkeypatch.context() as broken:
            broken.setattr("notify.planner.row_of", lambda *_given, **_named: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                await here.look(60)
        assert (await here.alerts(), await here.office.rows()) == ([], [])
        await here.look(1)
        assert await here.alerts() == [("wait", "bevolking", 1, False)]
        await until(lambda: len(here.office.given) == 1)


async def test_a_disabled_account_is_told_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.account("an", email="an@example.org")
        await here.account("bart", email="bart@example.org")
        await here.office.database.write(lambda connection: accounts.disable(connection, "an"))
        here.wrong = [WAIT]
        await here.look()
        await here.look(60)
        await until(lambda: len(here.office.given) == 1)
        assert [to for *_, to in here.office.given] == ["bart@example.org"]
        kept = await here.office.database.read(lambda c: c.execute(sa.select(db.contact.c.subject)).all())
        assert len(kept) == 1


async def test_who_is_disabled_once_it_is_planned_is_told_nothing_either(tmp_path: Path) -> None:
    async with house(tmp_path, working=False) as here:
        an = await here.account("an", email="an@example.org")
        here.wrong = [WAIT]
        await here.look()
        await here.look(60)

        def disable(connection: sa.Connection) -> None:
            # As another program would: the address is still there.
            connection.execute(db.account.update().values(disabled_at=1))

        await here.office.database.write(disable)
    async with house(tmp_path) as here:
        here.office.clock.jump(at("2026-11-20 09:02"))
        here.office.worker.wake()
        await until(lambda: ended(here.office, an))
        assert here.office.given == []
        assert [row["reason"] for row in await here.office.rows()] == ["not-asked"]


async def ended(office: Office, subject: str) -> bool:
    return [row["state"] for row in await office.rows(subject=subject)] == ["withdrawn"]


async def test_what_is_over_before_it_was_sent_is_not_told(tmp_path: Path) -> None:
    async with house(tmp_path, working=False) as here:
        await here.account("an", email="an@example.org", over=True)
        here.wrong = [WAIT]
        await here.look()
        await here.look(60)
        here.wrong = []
        await here.look(600)
        assert await here.sent() == [("alert", "withdrawn")]


async def test_an_address_that_is_taken_back_is_forgotten(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        an = await here.account("an", email="an@example.org")

        def work(connection: sa.Connection) -> tuple[bool, bool]:
            account = connection.execute(sa.select(db.account.c.id)).scalar_one()
            return recipients.remove(connection, "another", an), recipients.remove(connection, account, an)

        assert await here.office.database.write(work) == (False, True)
        for table in (db.recipient, db.contact):
            count = sa.select(sa.func.count()).select_from(table)
            assert await here.office.database.read(lambda c, count=count: c.execute(count).scalar()) == 0


# --- reminders that fail ------------------------------------------------------------------------


def sent(n: int, state: str, minutes: float, **more: Any) -> dict[str, Any]:
    """A delivery that was due so many minutes before nine."""
    row = {
        "id": f"d{n}",
        "site": SITE,
        "subject": f"s{n}",
        "kind": "reminder",
        "step": "2h",
        "slot_at": 0,
        "rank": 0,
        "channel": "sms",
        "state": state,
        "planned_at": 0,
        "due_at": at("2026-11-20 09:00") - round(minutes * MINUTE),
        "until": at("2026-11-20 12:00"),
        "retry_at": 0,
        "attempt": 1,
        "about": "",
    }
    return row | more


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        # Three that fail for more than ten minutes, of three.
        ([("failed", 15), ("failed", 12), ("failed", 1)], (3, 3)),
        # Not for ten minutes yet.
        ([("failed", 9), ("failed", 8), ("failed", 1)], None),
        # Too few.
        ([("failed", 15), ("failed", 12)], None),
        # Three of six are half; of seven they are less.
        ([("failed", 15)] * 3 + [("delivered", 5), ("accepted", 4), ("shown", 3)], (3, 6)),
        ([("failed", 15)] * 3 + [("delivered", 5)] * 4, None),
        # An hour ago is long ago.
        ([("failed", 61)] * 3, None),
        # What is to come, or was taken back, was not tried.
        ([("failed", 15)] * 2 + [("withdrawn", 12)], None),
    ],
)
async def test_reminders_fail_as_the_numbers_say(
    tmp_path: Path, rows: list[tuple[str, float]], found: tuple[int, int] | None
) -> None:
    async with office(tmp_path, working=False) as opened:
        made = [sent(n, state, minutes) for n, (state, minutes) in enumerate(rows)]
        assert await ask(opened, made) == ([] if found is None else [("sms", *found)])


async def test_what_is_tried_again_fails_and_what_has_no_address_does_not(tmp_path: Path) -> None:
    async with office(tmp_path, working=False) as opened:
        again = [sent(n, "planned", 15, reason="timeout") for n in range(2)]
        once_more = sent(2, "sending", 15, attempt=2)
        nowhere = [sent(n, "failed", 15, attempt=0, reason="no-address") for n in range(3, 9)]
        alerts = [sent(n, "failed", 15, kind="alert", channel="mail") for n in range(9, 15)]
        first = sent(15, "sending", 15)
        made = [*again, once_more, *nowhere, *alerts, first]
        assert await ask(opened, [{"reason": None, **row} for row in made]) == [("sms", 3, 3)]


async def ask(opened: Office, rows: list[dict[str, Any]]) -> list[tuple[str, int, int]]:
    await opened.database.write(lambda connection: connection.execute(db.delivery.insert(), rows) and None)
    now = at("2026-11-20 09:00")
    told = await opened.database.read(lambda connection: failing(connection, SITE, Alerts(), now))
    return [(each.channel, each.count, each.of) for each in told]


async def test_the_ledger_s_word_reaches_who_shows_it(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        rows = [sent(n, "failed", 15) for n in range(3)]
        await here.office.database.write(lambda c: c.execute(db.delivery.insert(), rows) and None)
        await here.look()
        assert [each.channel for each in here.watch.failing(SITE)] == ["sms"]


# --- what is written ----------------------------------------------------------------------------


async def raised(here: House, name: str, channel: Channel, contact: dict[str, str], cause: Cause) -> None:
    """An alert that goes through a real channel, written as the server writes it."""
    worker = here.office.worker
    worker._write = Writer(here.office.keys, "https://wachten.example.be", two_way=False)
    worker._carriers = {**worker._carriers, name: Carrier(channel=channel)}
    await here.account("an", **contact)
    here.wrong = [cause]
    await here.look()
    await here.look(60)


async def test_a_mail_says_what_is_wrong_and_what_to_do(tmp_path: Path) -> None:
    server = await MailServer().start()
    channel = Mail(MailTable(host="localhost", port=server.port, sender="wacht@mechelen.be", tls=Tls.NONE))
    try:
        async with house(tmp_path) as here:
            await raised(here, "mail", channel, {"email": "an@example.org"}, WAIT)
            await until(lambda: server.mails)
            (mail,) = server.mails
            name = here.office.houses[SITE].services["bevolking"].name
            assert mail["To"] == "an@example.org"
            assert mail["Subject"] == f"De wachttijd voor {name} is over de grens."
            plain, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
            assert "Open er nog een loket voor" in plain
            assert "sinds 08:55" in plain
            assert "https://wachten.example.be/mechelen/management" in plain
            assert f"<h1>{mail['Subject']}</h1>" in html
            assert 'href="https://wachten.example.be/mechelen/management"' in html
    finally:
        await channel.aclose()
        await server.close()


async def test_a_push_is_for_one_browser_and_leads_to_the_overview(tmp_path: Path) -> None:
    shown, trusted = certified(tmp_path, "fcm.googleapis.com")
    service, browser = await PushService(shown).start(), Browser()

    async def here_alone(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    table = PushTable(contact="mailto:ict@mechelen.be", timeout_s=5)
    vapid = load_vapid(tmp_path / "o.db")
    channel = Push(table, vapid, resolve=here_alone, port=service.port, trusted=trusted)
    to = browser.subscription("https://fcm.googleapis.com/fcm/send/abc")
    try:
        async with house(tmp_path) as here:
            await raised(here, "push", channel, {"push": to}, WAVE)
            await until(lambda: service.requests)
            (request,) = service.requests
            assert b"Veel" not in request.body
            said = browser.read(request.body)
            assert said["title"] == (
                "Veel mensen zijn te laat: 8 van de laatste 12 met een afspraak waren er niet op tijd."
            )
            assert said["body"].startswith("Roep intussen mensen zonder afspraak op")
            assert said["link"] == "https://wachten.example.be/mechelen/management"
            assert said["receipt"].startswith("https://wachten.example.be/gateways/push/receipts/")
    finally:
        await channel.aclose()
        await service.close()


KINDS = (
    "no-counter",
    "wait",
    "screen-silent",
    "panel-silent",
    "sound-refused",
    "late-wave",
    "reminders-failing",
)


@pytest.mark.parametrize("language", ["nl", "fr", "de", "en"])
@pytest.mark.parametrize("wrong", KINDS)
def test_every_kind_is_said_in_every_language(language: str, wrong: str) -> None:
    house = dataclasses.replace(load(MECHELEN)["mechelen"], languages=(language,))
    name = {"no-counter": "bevolking", "wait": "bevolking", "panel-silent": "4", "reminders-failing": "sms"}
    about = About(wrong=wrong, name=name.get(wrong, "hall"), since=WAIT.since, count=8, of=12)
    said = [
        alert_text.render(house, about, channel, "https://x.example/", over=over)
        for channel in ("mail", "push")
        for over in (False, True)
    ]
    for text in said:
        assert text.language == language
        assert text.subject
        assert "08:55" in text.plain
        assert "None" not in text.subject + text.plain
    assert len({text.subject for text in said}) == 2
    assert len(said[2].plain.splitlines()) == 2


def test_a_discreet_service_is_not_named() -> None:
    house = load(MECHELEN)["mechelen"]
    discreet = dataclasses.replace(house.services["bevolking"], discreet=True)
    house = dataclasses.replace(house, services={**house.services, "bevolking": discreet})
    for wrong in ("wait", "no-counter"):
        about = About(wrong=wrong, name="bevolking", since=WAIT.since)
        for channel in ("mail", "push"):
            text = alert_text.render(house, about, channel, "https://x.example/", over=False)
            assert discreet.name not in text.subject + text.plain + text.html
