"""E-mail against a real SMTP server on loopback: what arrives, and what each refusal means."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from certificates import certified
from icalendar import Calendar
from mailserver import MailServer, only
from running import free_port

from notify.calendar import appointment_file
from notify.channels import Message, TryLater, Undeliverable
from notify.channels import mail as mails
from notify.channels.mail import Mail
from server.channel_tables import MailTable, Tls
from server.config_tables import ConfigError

PASSWORD = "canary-password-4711"
CALENDAR = appointment_file(
    appointment="a1",
    public_url="https://wachten.example",
    sequence=2,
    stamp=0,
    at=3600 * 1_000_000,
    target_s=600,
    summary="Afspraak",
)
Make = Callable[..., Mail]


def message(**more: Any) -> Message:
    given: dict[str, Any] = {
        "delivery": "d1",
        "attempt": 1,
        "to": "jan@example.org",
        "text": "Uw afspraak is om 9:15.",
        "subject": "Uw afspraak",
    }
    return Message(**{**given, **more})


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    return certified(tmp_path_factory.mktemp("certificates"), "localhost")


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    server = await MailServer().start()
    yield server
    await server.close()


@pytest.fixture
async def make(trust: tuple[ssl.SSLContext, ssl.SSLContext]) -> AsyncIterator[Make]:
    made: list[Mail] = []

    def make(port: int, **more: Any) -> Mail:
        given = {"host": "localhost", "sender": "Stad Mechelen <no-reply@mechelen.be>", "tls": Tls.NONE}
        made.append(Mail(MailTable(port=port, **{**given, **more}), trusted=trust[1]))
        return made[-1]

    yield make
    for each in made:
        await each.aclose()


# --- what arrives -----------------------------------------------------------------------------------


async def test_text_html_and_calendar_arrive_whole(server: MailServer, make: Make) -> None:
    text, html = "Beste Renée,\nuw afspraak is om 9:15.\n", "<p>Beste <b>Renée</b></p>"
    accepted = await make(server.port).send(
        message(text=text, html=html, calendar=CALENDAR, subject="Uw afspraak – dinsdag")
    )
    (mail,) = server.mails
    assert (mail["From"], mail["To"]) == ("Stad Mechelen <no-reply@mechelen.be>", "jan@example.org")
    assert mail["Subject"] == "Uw afspraak – dinsdag"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime.tzinfo is not None
    assert accepted.ref == mail["Message-ID"]
    assert accepted.code == "250 taken as 4711"
    assert [part.get_content_type() for part in mail.walk()] == [
        *("multipart/mixed", "multipart/alternative", "text/plain", "text/html", "text/calendar"),
        "application/ics",
    ]
    parts = {part.get_content_type(): part for part in mail.walk()}
    assert parts["text/plain"].get_content().replace("\r\n", "\n") == text
    assert parts["text/html"].get_content().strip() == html
    assert parts["text/calendar"].get_param("method") == "REQUEST"
    assert parts["application/ics"].get_filename() == "appointment.ics"
    for kind in ("text/calendar", "application/ics"):
        raw = parts[kind].get_payload(decode=True)
        assert isinstance(raw, bytes)
        assert Calendar.from_ical(raw).walk("VEVENT")[0]["UID"] == "a1@wachten.example"
    assert server.envelopes[0].mail_from == "no-reply@mechelen.be"
    assert server.envelopes[0].rcpt_tos == ["jan@example.org"]


async def test_a_repeat_has_the_same_id_and_another_message_has_not(server: MailServer, make: Make) -> None:
    channel = make(server.port)
    for each in (message(), message(attempt=2), message(delivery="d2")):
        await channel.send(each)
    first, again, other = [str(mail["Message-ID"]) for mail in server.mails]
    assert first == again != other
    assert [part.get_content_type() for part in server.mails[0].walk()] == ["text/plain"]


@pytest.mark.parametrize(
    "evil",
    [
        {"subject": "Hallo\r\nBcc: all@example.org\r\n\r\nbody"},
        {"subject": "Hallo\nBcc: all@example.org"},
        {"language": "nl\r\nBcc: all@example.org"},
        {"delivery": "d\r\nBcc: all@example.org"},
    ],
)
async def test_no_header_comes_in_with_what_is_written(
    server: MailServer, make: Make, evil: dict[str, str]
) -> None:
    await make(server.port).send(message(**evil))
    (mail,) = server.mails
    assert mail["Bcc"] is None
    assert mail.get_content().strip() == "Uw afspraak is om 9:15."
    assert server.envelopes[0].rcpt_tos == ["jan@example.org"]


@pytest.mark.parametrize(
    "to",
    [
        "",
        "jan",
        "jan@",
        "a@b.be, c@d.be",
        "jan@example.org\r\nBcc: all@example.org",
        "jan@example.org> RCPT TO:<all@example.org",
        '"a b"@example.org',
    ],
)
async def test_what_is_not_one_address_is_undeliverable_and_never_sent(
    server: MailServer, make: Make, to: str
) -> None:
    with pytest.raises(Undeliverable, match="bad-address"):
        await make(server.port).send(message(to=to))
    assert server.connections == 0


# --- encryption and signing in ----------------------------------------------------------------------


async def test_it_signs_in_over_an_encrypted_line(
    make: Make, trust: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    asked = only("onthaal", PASSWORD)
    server = MailServer(trust[0], authenticator=asked, auth_required=True, require_starttls=True)
    await server.start()
    try:
        own = {"tls": Tls.STARTTLS, "user": "onthaal"}
        await make(server.port, password=PASSWORD, **own).send(message())
        assert len(server.mails) == 1
        with pytest.raises(TryLater) as wrong:
            await make(server.port, password="canary", **own).send(message())
        assert wrong.value.code == "sign-in: 535 5.7.8 … is not the password of onthaal"
    finally:
        await server.close()


async def test_the_line_may_be_encrypted_from_the_first_byte(
    make: Make, trust: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    server = await MailServer(trust[0]).start(at_once_encrypted=True)
    try:
        await make(server.port, tls=Tls.TLS).send(message())
        assert len(server.mails) == 1
    finally:
        await server.close()


@pytest.mark.parametrize("signs_in", [{}, {"user": "onthaal", "password": PASSWORD}])
async def test_nothing_is_sent_where_encryption_is_wanted_and_there_is_none(
    server: MailServer, make: Make, signs_in: dict[str, str]
) -> None:
    with pytest.raises(TryLater, match="STARTTLS"):
        await make(server.port, tls=Tls.STARTTLS, **signs_in).send(message())
    assert server.mails == []


async def test_a_server_that_is_somebody_else_is_not_trusted(
    make: Make, trust: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    server = await MailServer(trust[0]).start()
    try:
        # The certificate is of `localhost`, and not of the number.
        with pytest.raises(TryLater, match="tls:"):
            await make(server.port, host="127.0.0.1", tls=Tls.STARTTLS).send(message())
        assert server.mails == []
    finally:
        await server.close()


async def test_the_password_may_lie_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    table = MailTable(host="localhost", sender="a@b.be", user="u", password="$MAIL_PASSWORD")
    monkeypatch.delenv("MAIL_PASSWORD", raising=False)
    with pytest.raises(ConfigError, match="MAIL_PASSWORD is not in the environment"):
        mails.channel(table)
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
    await mails.channel(table).aclose()


# --- refusals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "gone"),
    [
        ("550 5.1.1 <jan@example.org> does not live here", True),
        ("550 User unknown", True),
        ("550 No such user here", True),
        ("550 5.7.1 user unknown to our policy", False),
        ("552 5.2.2 mailbox full", False),
        ("554 relay access denied", False),
    ],
)
async def test_a_recipient_that_is_refused_for_good(
    server: MailServer, make: Make, said: str, gone: bool
) -> None:
    server.to_recipient = said
    channel = make(server.port)
    with pytest.raises(Undeliverable) as refused:
        await channel.send(message())
    assert refused.value.gone is gone
    assert refused.value.code == said.replace("jan@example.org", "…")
    # The connection is good for the next.
    server.to_recipient = "250 ok"
    await channel.send(message(to="an@example.org"))
    assert server.connections == 1


async def test_what_is_refused_for_now_or_for_our_own_fault_is_tried_later(
    server: MailServer, make: Make
) -> None:
    channel = make(server.port)

    async def code(**answers: str) -> str:
        before = {name: getattr(server, name) for name in answers}
        for name, said in answers.items():
            setattr(server, name, said)
        with pytest.raises(TryLater) as later:
            await channel.send(message())
        for name, said in before.items():
            setattr(server, name, said)
        return later.value.code

    assert await code(to_recipient="450 4.2.1 greylisted") == "450 4.2.1 greylisted"
    assert await code(to_data="451 4.3.0 disk full") == "451 4.3.0 disk full"
    assert await code(to_sender="550 5.7.1 not your address") == "sender: 550 5.7.1 not your address"
    server.to_data = "554 5.6.0 looks like spam"
    with pytest.raises(Undeliverable) as refused:
        await channel.send(message())
    assert refused.value.gone is False


async def test_a_server_that_is_not_there_or_never_answers(server: MailServer, make: Make) -> None:
    with pytest.raises(TryLater, match="no-connection"):
        await make(free_port()).send(message())
    silent = await asyncio.start_server(lambda _reader, writer: waiting.append(writer), "127.0.0.1", 0)
    waiting: list[asyncio.StreamWriter] = []
    with pytest.raises(TryLater, match="timeout"):
        await make(silent.sockets[0].getsockname()[1], timeout_s=1).send(message())
    for writer in waiting:
        writer.close()
    silent.close()
    await silent.wait_closed()


async def test_a_line_that_is_cut_in_the_middle_of_a_message(server: MailServer, make: Make) -> None:
    channel = make(server.port, at_once=1)
    server.answers.clear()
    sending = asyncio.create_task(channel.send(message()))
    await _until(lambda: server.asked == 1)
    server.cut()
    with pytest.raises(TryLater, match="connection-cut"):
        await sending
    server.answers.set()
    await channel.send(message())
    assert (len(server.mails), server.connections) == (1, 2)


async def test_who_is_cancelled_leaves_the_place_to_the_next(server: MailServer, make: Make) -> None:
    channel = make(server.port, at_once=1)
    server.answers.clear()
    sending = asyncio.create_task(channel.send(message()))
    await _until(lambda: server.asked == 1)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    server.answers.set()
    await channel.send(message(delivery="d2"))
    assert [mail["Subject"] for mail in server.mails] == ["Uw afspraak"]


# --- connections ------------------------------------------------------------------------------------


async def test_few_connections_carry_many_messages(server: MailServer, make: Make) -> None:
    channel = make(server.port, at_once=3)
    await asyncio.gather(*(channel.send(message(delivery=f"d{n}")) for n in range(60)))
    assert len({str(mail["Message-ID"]) for mail in server.mails}) == len(server.mails) == 60
    assert (server.most, server.connections) == (3, 3)


async def test_a_connection_that_the_server_closed_meanwhile_is_replaced(
    server: MailServer, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = make(server.port, at_once=1)
    await channel.send(message())
    server.cut()
    await _until(lambda: not server.open)
    await channel.send(message())
    # Also where it is found out only by asking.
    monkeypatch.setattr(mails, "FRESH_S", 0.0)
    await channel.send(message())
    assert (len(server.mails), server.connections) == (3, 2)
    # And after as many messages as a server may bear.
    monkeypatch.setattr(mails, "MANY", 4)
    for _ in range(3):
        await channel.send(message())
    assert (len(server.mails), server.connections) == (6, 3)


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 (it is of another machine, so to speak)
            await asyncio.sleep(0.005)
