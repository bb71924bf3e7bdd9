"""Events laid out once, sent until they arrive, and signed: against real receivers, over SQLite files.

Two of the task on one database stand for two nodes, and for one that was killed and started again.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime
import shutil
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from receiver import Receiver, receiver, signed_by
from running import MECHELEN

from notify import webhook_ledger as ledger
from notify import webhooks
from notify.webhooks import Webhooks
from server import database as db
from server import journal, schema
from server.clock import real_now
from server.database import Database
from server.domain import events as ev
from server.domain.appointment import Appointment
from server.keys import Keys
from server.settings import load

SITE = "mechelen"
SECOND = 1_000_000
SLOT = 1_780_000_000 * SECOND
HOUSES = load(MECHELEN)


class Hall:
    """A database with a journal, and whoever sends what it tells."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.keys = Keys(bytes(32))
        self.tasks: list[asyncio.Task[None]] = []

    def sends(self, **how: Any) -> asyncio.Task[None]:
        """One more task that sends. It believes no certificate, unless it is told which."""
        how.setdefault("context", ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        task = asyncio.create_task(Webhooks(self.database, self.keys, HOUSES, **how).run())
        self.tasks.append(task)
        return task

    async def stop(self, task: asyncio.Task[None]) -> None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def add(self, url: str, *, private: bool = True, kinds: tuple[str, ...] = ()) -> tuple[str, str]:
        """A webhook: its id and its secret."""
        return await self.database.write(
            lambda found: ledger.add(found, self.keys, SITE, url, kinds, private)
        )

    async def books(self, number: int = 1, service: str = "bevolking") -> None:
        """So many appointments are booked."""

        def work(connection: sa.Connection) -> None:
            head = journal.head(connection, SITE)
            entries = [
                ev.Entry(
                    seq,
                    seq,
                    ev.AppointmentBooked(
                        appointment=Appointment(id=f"a{seq}", service=service, at=SLOT, booked_at=seq)
                    ),
                )
                for seq in range(head + 1, head + number + 1)
            ]
            journal.append(connection, SITE, entries)

        await self.database.write(work)

    async def rows(self) -> list[sa.Row[Any]]:
        table = db.webhook_delivery
        return await self.database.read(
            lambda found: list(found.execute(table.select().order_by(table.c.seq)))
        )

    async def states(self) -> list[tuple[str, str | None]]:
        return [(row.state, row.code) for row in await self.rows()]

    async def due_now(self) -> None:
        """The wait of everything that waits is over."""
        change = db.webhook_delivery.update().where(db.webhook_delivery.c.state == "waiting")
        await self.database.write(lambda found: found.execute(change.values(due_at=real_now())) and None)


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database of this version, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "o.db"
    database = Database(f"sqlite:///{path}")
    database.write_now(schema.migrate)
    database.close()
    return path


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody wakes the task here: it looks by itself, more often than elsewhere."""
    monkeypatch.setattr(webhooks, "EVERY_S", 0.02)
    monkeypatch.setattr(webhooks, "GATHER_S", 0.01)


@pytest.fixture
async def hall(tmp_path: Path, migrated: Path) -> AsyncIterator[Hall]:
    shutil.copy(migrated, tmp_path / "o.db")
    database = Database(f"sqlite:///{tmp_path}/o.db")
    made = Hall(database)
    yield made
    for task in made.tasks:
        await made.stop(task)
    database.close()


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


async def until(condition: Callable[[], Any]) -> None:
    """Wait for a condition, which may have to be awaited itself."""
    async with asyncio.timeout(20):
        while True:
            found = condition()
            if (await found) if asyncio.iscoroutine(found) else found:
                return
            await asyncio.sleep(0.01)


async def all_are(hall: Hall, *wanted: str) -> bool:
    return [state for state, _code in await hall.states()] == list(wanted)


def test_a_signature_is_that_of_the_specification() -> None:
    """The example of the reference libraries of Standard Webhooks."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = webhooks.signature([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_what_happens_arrives_signed_and_once(hall: Hall, there: Receiver) -> None:
    await hall.books(2)  # nobody was told of these, and nobody is
    _identity, secret = await hall.add(there.url)
    hall.sends()
    await hall.books(30)
    await until(lambda: all_are(hall, *["delivered"] * 30))
    assert sorted(got.said["data"]["appointment"] for got in there.got) == sorted(
        f"a{n}" for n in range(3, 33)
    )
    for got in there.got:
        assert signed_by(secret, got)
        assert got.headers["content-type"] == "application/json"
        assert b" " not in got.body
    assert len({got.id for got in there.got}) == 30
    changed = there.got[0].body.replace(b"a", b"b", 1)
    assert not signed_by(secret, type(there.got[0])("/", there.got[0].headers, changed))


async def test_two_nodes_send_each_event_once(hall: Hall, there: Receiver) -> None:
    await hall.add(there.url)
    for _ in range(2):
        hall.sends()
    for _ in range(10):
        await hall.books(8)
    await until(lambda: all_are(hall, *["delivered"] * 80))
    assert Counter(got.said["data"]["appointment"] for got in there.got) == Counter(
        f"a{n + 1}" for n in range(80)
    )
    assert len({got.id for got in there.got}) == 80


async def test_the_cursor_moves_with_the_rows_or_not_at_all(hall: Hall) -> None:
    """Who read the journal at an older place lays nothing out."""
    await hall.add("https://example.org/")
    await hall.books(3)
    found = await hall.database.read(
        lambda connection: Webhooks(hall.database, hall.keys, HOUSES)._read(connection, SITE)
    )
    assert found is not None
    old, reading, happenings = found

    def lay_out(connection: sa.Connection) -> bool:
        return ledger.lay_out(connection, SITE, old, reading.day.seq, happenings)

    assert await hall.database.write(lay_out)
    assert not await hall.database.write(lay_out)
    assert len(await hall.rows()) == 3


async def test_a_failure_is_tried_again_under_the_same_id(hall: Hall, there: Receiver) -> None:
    _identity, secret = await hall.add(there.url)
    there.answer = lambda _got: (500 if len(there.got) < 3 else 200, {})
    hall.sends(backoff_s=(0.02, 0.02, 0.02))
    await hall.books()
    await until(lambda: all_are(hall, "delivered"))
    assert len(there.got) == 3
    assert len({(got.id, got.body) for got in there.got}) == 1
    assert all(signed_by(secret, got) for got in there.got)


async def test_waits_grow_and_come_to_about_a_day(hall: Hall, there: Receiver) -> None:
    await hall.add(there.url)
    there.answer = lambda _got: (503, {})
    hall.sends()
    await hall.books()
    waits: list[float] = []
    for attempt in range(1, 9):

        async def tried(attempt: int = attempt) -> bool:
            rows = await hall.rows()
            return bool(rows) and rows[0].attempt == attempt and rows[0].state != "sending"

        await until(tried)
        (row,) = await hall.rows()
        if row.due_at is not None:
            waits.append((row.due_at - row.failed_at) / SECOND)
            await hall.due_now()
    assert await hall.states() == [("given-up", "503")]
    assert row.ended_at is not None
    assert len(there.got) == 8
    assert waits == sorted(waits)
    for wait, least in zip(waits, (5, 30, 120, 600, 3600, 21_600, 57_600), strict=True):
        assert least <= wait <= 1.25 * least
    assert 20 * 3600 < sum(waits) < 30 * 3600


async def test_a_receiver_may_ask_for_patience(hall: Hall, there: Receiver) -> None:
    await hall.add(there.url)
    there.answer = lambda _got: (429, {"Retry-After": "900"})
    hall.sends()
    await hall.books()
    await until(lambda: all_are(hall, "waiting") if there.got else False)
    (row,) = await hall.rows()
    assert row.code == "429"
    assert row.due_at - row.failed_at >= 900 * SECOND


@pytest.mark.parametrize("status", [301, 307])
async def test_a_redirect_is_a_failure_and_not_followed(hall: Hall, there: Receiver, status: int) -> None:
    with receiver() as elsewhere:
        await hall.add(there.url)
        there.answer = lambda _got: (status, {"Location": elsewhere.url})
        hall.sends()
        await hall.books()
        await until(lambda: hall_failed(hall))
        assert await hall.states() == [("waiting", str(status))]
        assert elsewhere.got == []


async def hall_failed(hall: Hall) -> bool:
    return any(row.failed_at is not None for row in await hall.rows())


async def test_gone_stops_a_webhook_until_somebody_lets_it_go_on(hall: Hall, there: Receiver) -> None:
    identity, _secret = await hall.add(there.url)
    there.answer = lambda _got: (410, {})
    hall.sends()
    await hall.books(6)
    await until(lambda: all_are(hall, *["given-up"] * 6))
    assert {code for _state, code in await hall.states()} <= {"410", "disabled"}
    assert await hall.database.read(ledger.hooks) == []
    heard = len(there.got)
    assert heard <= webhooks.AT_ONCE
    await hall.books(3)  # of what happens while it is stopped it never hears
    there.answer = lambda _got: (200, {})
    row = (await hall.rows())[0]
    with pytest.raises(ledger.Disabled):
        await hall.database.write(lambda found: ledger.again(found, SITE, row.id))
    await hall.database.write(lambda found: ledger.enable(found, identity))
    await hall.books()
    await until(lambda: all_are(hall, *["given-up"] * 6, "delivered"))
    assert [got.said["data"]["appointment"] for got in there.got[heard:]] == ["a10"]


async def test_a_target_that_hangs_holds_nobody_else_up(hall: Hall, there: Receiver) -> None:
    with receiver() as dead:
        dead.hangs = True
        await hall.add(dead.url)
        await hall.add(there.url)
        hall.sends()
        await hall.books(40)
        await until(lambda: len(there.got) == 40)
        # While all that it may hold is held: the attempts there have not even timed out.
        assert len(dead.got) == webhooks.AT_ONCE
        await until(lambda: delivered(hall, 40))


async def delivered(hall: Hall, number: int) -> bool:
    return [state for state, _code in await hall.states()].count("delivered") == number


async def test_an_attempt_ends_by_itself(hall: Hall, there: Receiver) -> None:
    there.hangs = True
    await hall.add(there.url)
    hall.sends(send_s=0.1)
    await hall.books()
    await until(lambda: hall_failed(hall))
    assert await hall.states() == [("waiting", "timeout")]


async def test_what_was_being_sent_at_a_kill_is_sent_again_once_its_lease_ends(
    hall: Hall, there: Receiver
) -> None:
    await hall.add(there.url)
    there.hangs = True
    first = hall.sends(lease_s=1.5)
    await hall.books()
    await until(lambda: there.got)
    await hall.stop(first)
    there.hangs = False
    hall.sends()
    # The lease holds: nobody else takes it before.
    (row,) = await hall.rows()
    assert (row.state, row.attempt) == ("sending", 1)
    assert row.due_at >= row.made_at + 1.5 * SECOND
    await until(lambda: all_are(hall, "delivered"))
    assert [got.id for got in there.got] == [row.id] * 2
    (after,) = await hall.rows()
    assert after.ended_at >= row.due_at
    assert after.attempt == 2


async def test_a_late_result_of_an_older_attempt_changes_nothing(hall: Hall) -> None:
    await hall.add("https://example.org/")
    await hall.books()
    found = await hall.database.read(
        lambda connection: Webhooks(hall.database, hall.keys, HOUSES)._read(connection, SITE)
    )
    assert found is not None

    def work(connection: sa.Connection) -> tuple[list[ledger.Claimed], list[ledger.Claimed]]:
        ledger.lay_out(connection, SITE, found[0], found[1].day.seq, found[2])
        hooks = ledger.hooks(connection)
        room = {hooks[0].id: 4}
        return ledger.claim(connection, hooks, room, 0.0), ledger.claim(connection, hooks, room, 60.0)

    (first,), (second,) = await hall.database.write(work)
    assert (first.attempt, second.attempt) == (1, 2)

    def record(attempt: int, ok: bool) -> None:
        hall.database.write_now(
            lambda found: ledger.record(found, [ledger.Result(first.id, attempt, ok, "x")], (5,))
        )

    record(1, False)
    assert await hall.states() == [("sending", None)]
    record(2, True)
    record(1, False)
    assert await hall.states() == [("delivered", "x")]


async def test_only_the_wanted_types_are_told(hall: Hall, there: Receiver) -> None:
    await hall.add(there.url, kinds=("appointment.cancelled",))
    hall.sends()
    await hall.books()

    def cancelled(found: sa.Connection) -> None:
        # At once, as a command writes them: a task that looks in between would find neither.
        journal.append(found, SITE, [ev.Entry(2, 2, ev.AppointmentCancelled(appointment="a1", by="city"))])
        found.exec_driver_sql(
            "INSERT INTO appointment (id, site, service, at, booked_at, state, persons, came)"
            f" VALUES ('a1', 'mechelen', 'bevolking', {SLOT}, 1, 'cancelled', 1, 0)"
        )

    await hall.database.write(cancelled)
    await until(lambda: there.got)
    assert there.types() == ["appointment.cancelled"]
    with pytest.raises(ledger.BadKind, match=r"appointment\.lost"):
        await hall.add(there.url, kinds=("appointment.lost",))


async def test_a_discreet_service_is_not_told_of(hall: Hall, there: Receiver) -> None:
    assert HOUSES[SITE].services["gesprek"].discreet
    await hall.add(there.url)
    hall.sends()
    await hall.books(service="gesprek")
    await hall.books(service="long-gone")
    await hall.books()
    await until(lambda: there.got)
    assert [got.said["data"]["appointment"] for got in there.got] == ["a3"]


async def test_a_new_secret_signs_beside_the_one_before_for_a_day(hall: Hall, there: Receiver) -> None:
    identity, old = await hall.add(there.url)
    new = await hall.database.write(lambda found: ledger.rotate(found, hall.keys, identity))
    hall.sends()
    await hall.books()
    await until(lambda: there.got)
    assert signed_by(old, there.got[0])
    assert signed_by(new, there.got[0])
    yesterday = real_now() - 25 * 3600 * SECOND
    await hall.database.write(
        lambda found: found.execute(db.webhook.update().values(rotated_at=yesterday)) and None
    )
    await hall.books()
    await until(lambda: len(there.got) == 2)
    assert not signed_by(old, there.got[1])
    assert signed_by(new, there.got[1])
    stored = (await hall.database.read(lambda found: found.execute(db.webhook.select()).one())).sealed
    assert new.encode() not in stored


async def test_a_private_target_is_refused_at_the_send_as_well(hall: Hall, there: Receiver) -> None:
    """A name that was public when it was added, and leads inside by now."""
    for url in (there.url, f"https://localhost:{there.port}/", f"https://127.1:{there.port}/"):
        await hall.add(url, private=False)
    hall.sends()
    await hall.books()
    await until(lambda: three_failed(hall))
    assert sorted(code or "" for _state, code in await hall.states()) == [
        "not-https",
        *["private-address"] * 2,
    ]
    assert there.got == []


async def three_failed(hall: Hall) -> bool:
    return [row.failed_at is not None for row in await hall.rows()] == [True] * 3


async def test_deliveries_are_forgotten_a_month_after_they_ended(hall: Hall, there: Receiver) -> None:
    await hall.add(there.url)
    hall.sends()
    await hall.books(2)
    await until(lambda: all_are(hall, "delivered", "delivered"))
    assert await hall.database.write(ledger.sweep) == 0
    long_ago = real_now() - (30 * 86_400 + 1) * SECOND
    change = db.webhook_delivery.update().where(db.webhook_delivery.c.about == "a1")
    await hall.database.write(lambda found: found.execute(change.values(ended_at=long_ago)) and None)
    assert await hall.database.write(ledger.sweep) == 1
    assert [row.about for row in await hall.rows()] == ["a2"]


# --- TLS ------------------------------------------------------------------------------------------


@pytest.fixture
def certified(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A receiver's context with a certificate for ``localhost``, and one that believes it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "receiver")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    file = tmp_path / "receiver.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, form, plain)
        + made.public_bytes(serialization.Encoding.PEM)
    )
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(file)
    believes = ssl.create_default_context(cafile=str(file))
    return served, believes


async def test_tls_verifies_the_name_and_not_the_address(
    hall: Hall, certified: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    """The connection goes to the checked address; the certificate has to be the name's all the same."""
    served, believes = certified
    with receiver(served) as there:
        await hall.add(f"https://localhost:{there.port}/in")
        await hall.add(f"https://127.0.0.1:{there.port}/in")
        hall.sends(context=believes)
        await hall.books()

        async def both() -> bool:
            rows = await hall.rows()
            return len(rows) == 2 and all(row.code for row in rows)

        await until(both)
        assert sorted(await hall.states()) == [("delivered", "204"), ("waiting", "tls-failed")]
        assert [got.headers["host"] for got in there.got] == [f"localhost:{there.port}"]


async def test_an_unknown_certificate_is_refused(
    hall: Hall, certified: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    with receiver(certified[0]) as there:
        await hall.add(f"https://localhost:{there.port}/in")
        hall.sends(context=None)
        await hall.books()
        await until(lambda: hall_failed(hall))
        assert await hall.states() == [("waiting", "tls-failed")]
        assert there.got == []
