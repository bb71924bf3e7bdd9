"""Whom the ledger may write to, through what, and what stays of it: the real ledger over a real file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from running import MECHELEN

from notify import contacts, planner
from notify.channels import Reached, Receipt
from notify.contacts import Contact
from notify.delivery import State, impersonal
from notify.ledger import Claim, Ledger, Result
from server import database as db
from server import schema
from server.clock import real_now
from server.database import Database
from server.keys import Keys
from server.settings import load

SITE, PLAIN, DISCREET = "mechelen", "bevolking", "gesprek"
NOON = 1_795_431_600_000_000
"""12.00 in Brussels on a Monday of November, in microseconds."""
HOUR = 3_600_000_000
PUSH = '{"endpoint":"https://push.example/1","keys":{}}'
ALL = Contact(name="An", phone="+32470123456", email="an@example.org", push=PUSH)
FREE = {"push": 9, "sms": 9, "mail": 9}


class Post:
    """A site's appointments and what is due for them."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(f"sqlite:///{folder}/o.db")
        self.database.write_now(schema.migrate)
        self.keys = Keys(bytes(32))
        self.ledger = Ledger(load(MECHELEN), self.keys, {})
        self.count = 0

    def put(self, subject: str, contact: Contact, source: str = "api") -> None:
        self.database.write_now(
            lambda c: contacts.put(c, self.keys, SITE, subject, contact, source=source) and None
        )

    def book(self, contact: Contact | None, service: str = PLAIN, subject: str = "") -> str:
        """An appointment in two hours, with its person."""
        self.count += 1
        identity = subject or f"a{self.count}"
        row = {"id": identity, "site": SITE, "service": service, "at": NOON + 2 * HOUR, "booked_at": NOON}
        row |= {"state": "booked", "persons": 1, "came": False}
        self.database.write_now(lambda c: c.execute(db.appointment.insert(), row) and None)
        if contact is not None:
            self.put(identity, contact)
        return identity

    def plan(self, subject: str, step: str = "2h", **more: Any) -> str:
        """A reminder that is due; its id."""
        self.count += 1
        row = planner.row_of(
            f"d{self.count}",
            SITE,
            subject,
            "reminder",
            step,
            NOON,
            NOON,
            NOON + HOUR,
            slot_at=NOON + 2 * HOUR,
        )
        self.database.write_now(lambda c: c.execute(db.delivery.insert(), row | more) and None)
        return f"d{self.count}"

    def claim(self) -> list[Claim]:
        return self.database.write_now(lambda c: self.ledger.claim(c, NOON, real_now(), FREE, 30.0))

    def record(self, claim: Claim, code: str = "ok", **more: Any) -> None:
        result = Result(claim=claim, state=more.pop("state", State.ACCEPTED), code=code, **more)
        self.database.write_now(lambda c: self.ledger.record(c, [result], NOON, real_now()))

    def rows(self, table: sa.Table = db.delivery) -> list[Any]:
        return self.database.write_now(lambda c: list(c.execute(sa.select(table))))

    def ended(self, delivery: str) -> tuple[str, str | None]:
        (row,) = [row for row in self.rows() if row.id == delivery]
        return row.state, row.reason


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    post = Post(tmp_path)
    yield post
    post.database.close()


def replaced(**values: Any) -> Contact:
    known: dict[str, Any] = {"name": "An", "phone": "+32470123456", "email": "an@example.org", "push": PUSH}
    return Contact(**(known | values))


@pytest.mark.parametrize("channel", ["sms", "mail", "push"])
@pytest.mark.parametrize("service", [PLAIN, DISCREET])
def test_only_the_safe_channel_is_used(post: Post, channel: str, service: str) -> None:
    subject = post.book(replaced(safe=channel), service)
    post.plan(subject)
    (claim,) = post.claim()
    assert (claim.channel, claim.contact.safe) == (channel, channel)
    # It fails, and no other takes its place.
    post.record(claim, "gone", state=State.FAILED)
    assert post.claim() == []
    assert len(post.rows()) == 1


@pytest.mark.parametrize(
    ("contact", "service"),
    [(replaced(safe="none"), PLAIN), (replaced(safe="none"), DISCREET), (ALL, DISCREET)],
)
def test_who_has_no_safe_channel_is_not_written_to_and_not_on_the_list_to_phone(
    post: Post, contact: Contact, service: str
) -> None:
    planned = post.plan(post.book(contact, service))
    assert post.claim() == []
    assert post.ended(planned) == ("withdrawn", "not-safe")


def test_a_service_that_was_dropped_may_have_been_discreet(post: Post) -> None:
    planned = post.plan(post.book(ALL, "vroeger"))
    assert post.claim() == []
    assert post.ended(planned) == ("withdrawn", "not-safe")


def test_who_turns_out_to_be_in_danger_is_not_written_to_through_what_was_chosen_before(post: Post) -> None:
    subject = post.book(ALL)
    planned = post.plan(subject, channel="sms")
    post.put(subject, replaced(safe="none"))
    assert post.claim() == []
    post.claim()
    assert post.ended(planned) == ("withdrawn", "not-safe")


def test_a_visit_for_a_discreet_service_is_guarded_like_its_appointment(post: Post) -> None:
    visit = {"id": "v1", "site": SITE, "day": "2026-11-23", "ticket": "A001", "service": DISCREET}
    visit |= {"status": "waiting", "announced_late": False, "reported_at": NOON, "calls": 0}
    visit |= {"persons": 1, "priority": False}
    post.database.write_now(lambda c: c.execute(db.visit.insert(), visit) and None)
    post.put("v1", ALL)
    planned = post.plan("v1", step="almost", kind="almost", slot_at=0)
    assert post.claim() == []
    assert post.ended(planned) == ("withdrawn", "not-safe")


def test_safe_stays_until_it_is_taken_back_by_name(post: Post) -> None:
    def kept() -> Contact | None:
        return post.database.write_now(lambda c: contacts.get(c, post.keys, subject))

    subject = post.book(replaced(safe="mail", push=None))
    # The booking system sends the appointment again, with what it knows: another number and no `safe`.
    post.put(subject, Contact(name="An", phone="+32470999999", email="an@example.org"))
    assert kept() == Contact(name="An", phone="+32470999999", email="an@example.org", safe="mail")
    post.put(subject, Contact(name="An", email="an@example.org", safe="none"))
    assert kept() == Contact(name="An", email="an@example.org", safe="none")
    post.put(subject, Contact(name="An", email="an@example.org", safe="any"))
    assert kept() == Contact(name="An", email="an@example.org")
    # Nor is "any" kept where nothing was before.
    subject = post.book(Contact(name="An", email="an@example.org", safe="any"))
    assert kept() == Contact(name="An", email="an@example.org")


@pytest.mark.parametrize(("safe", "field"), [("sms", "phone"), ("mail", "email")])
def test_a_safe_channel_needs_its_address(safe: str, field: str) -> None:
    with pytest.raises(contacts.BadContact, match=f"give {field} too") as refused:
        contacts.normal(replaced(**{field: None, "safe": safe}, push=None), "BE")
    assert refused.value.field == "safe"
    assert contacts.normal(replaced(safe=safe, push=None), "BE").safe == safe
    # A telephone may still ask for push itself.
    assert contacts.normal(replaced(safe="push", push=None), "BE").safe == "push"
    assert contacts.normal(Contact(name="An", safe="none"), "BE").safe == "none"


# --- no more messages ---------------------------------------------------------------------------


def test_who_opts_out_gets_nothing_that_was_planned_at_any_address(post: Post) -> None:
    subject, other = post.book(ALL), post.book(Contact(email=ALL.email))
    planned = [post.plan(subject), post.plan(subject, "1d", channel="sms"), post.plan(other)]
    post.database.write_now(lambda c: contacts.opt_out(c, post.keys, ALL, "reception"))
    assert [post.claim(), post.claim()] == [[], []]
    assert [post.ended(each) for each in planned] == [("withdrawn", "opted-out")] * 3


def test_an_opt_out_survives_erasure_as_marks_that_hold_no_address(post: Post) -> None:
    subject = post.book(ALL)
    before = real_now()
    post.database.write_now(lambda c: contacts.opt_out(c, post.keys, ALL, "reception"))
    post.database.write_now(lambda c: contacts.opt_out(c, post.keys, ALL, "citizen"))
    post.database.write_now(lambda c: contacts.erase(c, subject))
    rows = post.rows(db.opt_out)
    assert len(rows) == 3
    assert all(len(row.mark) == 32 and before <= row.at <= real_now() for row in rows)
    assert {row.source for row in rows} == {"reception"}  # the first time is the one that counts
    later = post.plan(post.book(Contact(phone=ALL.phone)))
    assert post.claim() == []
    assert post.ended(later) == ("withdrawn", "opted-out")
    post.database.write_now(lambda c: contacts.opt_in(c, post.keys, ALL))
    post.plan(post.book(Contact(phone=ALL.phone)))
    assert [claim.channel for claim in post.claim()] == ["sms"]


@pytest.mark.parametrize(("source", "reached"), [("reception", []), ("citizen", []), ("sms", ["sms"])])
def test_a_wish_goes_with_the_person_and_a_reply_with_its_number(
    post: Post, source: str, reached: list[str]
) -> None:
    wrong = Contact(name="An", phone="+32470123456")
    subject = post.book(wrong)
    post.database.write_now(lambda c: contacts.opt_out(c, post.keys, wrong, source))
    # Who wrote STOP may have been a stranger whose number was noted by mistake.
    post.put(subject, Contact(name="An", phone="+32470654321"))
    post.plan(subject)
    assert [claim.channel for claim in post.claim()] == reached


# --- forget me ----------------------------------------------------------------------------------


def test_what_was_planned_for_who_is_forgotten_ends_without_an_address(post: Post) -> None:
    subject = post.book(ALL)
    planned = [post.plan(subject), post.plan(subject, "1d", channel="sms")]
    post.database.write_now(lambda c: contacts.erase(c, subject))
    assert [post.claim(), post.claim()] == [[], []]
    assert [post.ended(each) for each in planned] == [("failed", "no-address")] * 2


def test_who_is_forgotten_while_a_message_is_on_its_way_leaves_its_figures_and_not_its_text(
    post: Post,
) -> None:
    subject, other = post.book(replaced(push=None)), post.book(replaced(push=None))
    post.plan(subject)
    post.plan(other)
    claims = post.claim()
    post.database.write_now(lambda c: contacts.erase(c, subject))
    for claim in claims:
        post.record(claim, ref="m-1", parts=2, cost=7, sealed=post.keys.seal(b"text", claim.id))
    assert [row.subject for row in post.rows(db.message)] == [other]
    assert [(row.state, row.parts, row.cost) for row in post.rows()] == [("accepted", 2, 7)] * 2
    assert {row.kind for row in post.rows(db.delivery_event)} == {"sent", "accepted"}


SAID = [
    ("550 5.1.1 <an@example.org>: user unknown", "550 5.1.1 <(address)>: user unknown"),
    ("not reachable: +32470123456", "not reachable: (number)"),
    ("0032470123456 blocked", "(number) blocked"),
    (
        "id:1 sub:001 dlvrd:001 stat:DELIVRD err:000 text:Beste An, uw afspraak",
        "id:1 sub:001 dlvrd:001 stat:DELIVRD err:000 text:(left out)",
    ),
    ("30007", "30007"),
    ("x" * 300, "x" * 200),
]


@pytest.mark.parametrize(("said", "kept"), SAID)
def test_a_gateway_s_word_is_kept_without_the_person(said: str, kept: str) -> None:
    assert impersonal(said) == kept


def test_no_gateway_puts_a_person_into_the_record(post: Post) -> None:
    post.plan(post.book(replaced(push=None, email=None)))
    (claim,) = post.claim()
    post.record(claim, "0: sent to +32470123456")
    receipts = [Receipt(claim.id, Reached.FAILED, "no +32470123456")] * 2
    post.database.write_now(lambda c: post.ledger.receive(c, receipts, NOON, real_now()))
    assert "32470123456" not in str(post.rows() + post.rows(db.delivery_event))
    (row,) = post.rows()
    assert (row.state, row.reason) == ("failed", "no (number)")
    # The second time it said the same, it was heard before.
    assert [each.kind for each in post.rows(db.delivery_event)] == ["sent", "accepted", "failed"]
