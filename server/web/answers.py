"""What an appointment's secret link gives a citizen: its page, and one tap to say whether and when they come.

Only a POST changes anything: programs that open every link of a message cancel nobody.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs

import msgspec
import sqlalchemy as sa
from babel.dates import format_date
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from displays import appointment
from displays.views import AppointmentView
from notify import contacts, ledger
from notify.contacts import Contact
from notify.messages import locale_of
from server import database as db
from server import live
from server.clock import real_now
from server.domain import commands as co
from server.domain.appointment import Appointment
from server.domain.hall import late_limit_s
from server.domain.refusal import Code, Refused
from server.domain.schedule import SECOND, iso, to_datetime, to_instant
from server.keys import BadKey
from server.ledger import appointment_of
from server.live import Decided, Key, Site
from server.web import bodies, pages
from server.web.endpoint import Parts, answered, check_own_page, idempotency_key, parse, read_body
from server.web.errors import Problem
from server.web.tickets import asked_language, language_of, with_language
from server.words import offered

ANSWERS = ("confirm", "late", "cancel", "call-back")
"""What a citizen may say about an appointment."""

TOLD = frozenset(
    {
        *(Code.APPOINTMENT_CANCELLED, Code.APPOINTMENT_REPORTED, Code.APPOINTMENT_OVER),
        *(Code.APPOINTMENT_MOVED, Code.LATE_TOO_LONG, Code.LATE_TOO_EARLY, Code.LATE_TOO_LATE),
    }
)
"""Refusals that the page tells in words of its own, by their codes."""

Also = Callable[[sa.Connection, Decided], None]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a citizen says: one of :data:`ANSWERS`, ``late_s`` of "late", about the slot that they saw."""

    kind: str
    late_s: int = 0
    slot_at: int | None = None

    def command(self, known: Appointment | None) -> co.Command:
        """The command, about the appointment as it stands when it is decided."""
        if known is None:
            raise Refused(Code.UNKNOWN_APPOINTMENT)
        if self.slot_at is not None and iso(known.at) != iso(self.slot_at):  # as it was shown: milliseconds
            raise Refused(Code.APPOINTMENT_MOVED, at=iso(known.at))
        if self.kind == "confirm":
            return co.Confirm(known=known)
        if self.kind == "late":
            return co.AnnounceLate(known=known, late_s=self.late_s, keeps=True)
        if self.kind == "cancel":
            return co.Cancel(known=known, by="citizen")
        return co.AskCallBack(known=known)


async def execute(
    parts: Parts,
    site: str,
    subject: str,
    answer: Answer,
    *,
    key: Key | None = None,
    also: Also | None = None,
    accepted: float | None = None,
) -> bytes:
    """Carry out what a citizen says about an appointment, by our own id. Saying it twice changes nothing.

    ``also`` writes further rows in the same transaction. Raises ``Refused``, ``Unavailable``.
    """

    def note(connection: sa.Connection, decided: Decided) -> None:
        if decided.events:
            ledger.answered(connection, subject, answer.kind, decided.now, real_now())
        if also is not None:
            also(connection, decided)

    def told(decided: Decided) -> bytes:
        return msgspec.json.encode(bodies.Booked(decided.day.seq, subject, bool(decided.events)))

    return await parts.live.execute(
        live.Request(
            site,
            answer.command,
            told,
            key=key,
            also=note,
            accepted=accepted or time.monotonic(),
            appointment=subject,
        )
    )


@dataclass(frozen=True, slots=True)
class Found:
    """An appointment by its link: its site, how it stands, and what is kept of its person."""

    site: Site
    known: Appointment
    contact: Contact | None
    messages: bool | None
    """Whether they are written to; None where nothing is kept to write to."""


class Answers:
    """The handlers behind an appointment's link: its secret is the right to them, and to it alone."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def page(self, request: Request) -> Response:
        """``/a/{secret}``: it changes nothing; who has reported goes on to the page of the ticket."""
        return await self._page(request, sure=False)

    async def cancel(self, request: Request) -> Response:
        """``/a/{secret}/cancel``: GET asks whether one is sure, POST cancels and leads back to the page."""
        if request.method != "POST":
            return await self._page(request, sure=True)
        return await self._by_form(request, "cancel")

    async def confirm(self, request: Request) -> Response:
        """``POST /a/{secret}/confirm``: the citizen will come."""
        return await self._by_form(request, "confirm")

    async def late(self, request: Request) -> Response:
        """``POST /a/{secret}/late``: so many minutes later, and the place is kept."""
        return await self._by_form(request, "late")

    async def call_back(self, request: Request) -> Response:
        """``POST /a/{secret}/call-back``: the citizen wishes to be called back."""
        return await self._by_form(request, "call-back")

    async def messages(self, request: Request) -> Response:
        """``POST /a/{secret}/messages``: the citizen wants no more messages, or wants them after all."""
        found = await self._found(request)
        check_own_page(request, self._parts.public_url)
        fields = parse_qs((await read_body(request)).decode("latin-1"), max_num_fields=10)
        wanted, contact, keys = fields.get("wanted") == ["yes"], found.contact, self._parts.keys

        def keep(connection: sa.Connection) -> None:
            if contact is not None and wanted:
                contacts.opt_in(connection, keys, contact)
            elif contact is not None:
                contacts.opt_out(connection, keys, contact, "citizen")

        await self._parts.database.write(keep)
        query = with_language(asked_language(request, found.site.house))
        return RedirectResponse(f"/a/{request.path_params['secret']}{query}", 303, pages.HEADERS)

    async def seen(self, request: Request) -> Response:
        """``POST /a/{secret}/seen``: the page's script says that somebody really looks at it."""
        found = await self._found(request)
        check_own_page(request, self._parts.public_url)
        now, subject = self._parts.clock.now(), found.known.id
        await self._parts.database.write(lambda c: ledger.clicked(c, subject, now, real_now()))
        return Response(None, 204, {"Cache-Control": "no-store"})

    async def view(self, request: Request) -> Response:
        """``/api/v1/appointments/{secret}``: what the page shows, for programs."""
        found = await self._found(request)
        return answered(self._view(found, language_of(request, found.site.house, found.known.language)))

    async def confirm_by_api(self, request: Request) -> Response:
        """``POST /api/v1/appointments/{secret}/confirm``."""
        return await self._by_api(request, "confirm", bodies.Reply)

    async def late_by_api(self, request: Request) -> Response:
        """``POST /api/v1/appointments/{secret}/late``."""
        return await self._by_api(request, "late", bodies.LateReply)

    async def cancel_by_api(self, request: Request) -> Response:
        """``POST /api/v1/appointments/{secret}/cancel``."""
        return await self._by_api(request, "cancel", bodies.Reply)

    async def call_back_by_api(self, request: Request) -> Response:
        """``POST /api/v1/appointments/{secret}/call-back``."""
        return await self._by_api(request, "call-back", bodies.Reply)

    # --- how ---------------------------------------------------------------------------------------

    async def _by_form(self, request: Request, kind: str) -> Response:
        found = await self._found(request)
        check_own_page(request, self._parts.public_url)
        fields = parse_qs((await read_body(request)).decode("latin-1"), max_num_fields=10)
        query = with_language(asked_language(request, found.site.house))
        there = f"/a/{request.path_params['secret']}{query}"
        try:
            answer = Answer(
                kind,
                60 * _minutes(fields.get("minutes", [""])[0]) if kind == "late" else 0,
                _slot(fields.get("slot", [""])[0]),
            )
            # Without a key: what is so stays so, and a second time changes nothing.
            await self._execute(request, found, answer, None)
        except Refused as refused:
            if refused.code not in TOLD:
                raise
            there += f"{'&' if query else '?'}refused={refused.code.value}"
        return RedirectResponse(there, 303, pages.HEADERS)

    async def _by_api(self, request: Request, kind: str, shape: type[bodies.Reply]) -> Response:
        found = await self._found(request)
        check_own_page(request, self._parts.public_url)
        raw = await read_body(request)
        body = parse(request, raw, shape)
        assert isinstance(body, bodies.Reply)
        late_s = 60 * body.minutes if isinstance(body, bodies.LateReply) else 0
        answer = Answer(kind, late_s, None if body.slot is None else to_instant(body.slot))
        key = idempotency_key(request, found.known.id, raw)
        return answered(await self._execute(request, found, answer, key))

    async def _execute(self, request: Request, found: Found, answer: Answer, key: Key | None) -> bytes:
        if answer.kind == "call-back" and not _may_be_called(found.contact):
            raise Problem(409, "no-number", "No telephone number is known that may be called.")
        return await execute(
            self._parts,
            found.site.house.site,
            found.known.id,
            answer,
            key=key,
            accepted=request.scope.get("onthaal.accepted"),
        )

    async def _page(self, request: Request, *, sure: bool) -> Response:
        found = await self._found(request)
        site, known = found.site, found.known
        house = site.house
        asked = asked_language(request, house)
        query = with_language(asked)
        if known.visit in site.day.visits:
            secret = self._parts.keys.visit_secret(known.visit or "")
            return RedirectResponse(f"/t/{secret}{query}", 303, pages.HEADERS)
        language = language_of(request, house, known.language)
        view = self._view(found, language)
        zone = house.calendar.zone

        def hour(after_s: int = 0) -> str:
            return f"{to_datetime(known.due_at + after_s * SECOND, zone):%H:%M}"

        answer = pages.page(
            "appointment",
            language,
            view=view,
            day=format_date(to_datetime(known.at, zone), "full", locale_of(language, house.region)),
            hour=f"{to_datetime(known.at, zone):%H:%M}",
            told_time=hour() if known.due_at > known.at else "",
            comes=hour(),
            keeps=hour(late_limit_s(house, known)),
            late_min=(view.late_s or 0) // 60,
            later=[(minutes, hour(minutes * 60)) for minutes in view.late_minutes],
            refused=request.query_params.get("refused", ""),
            house_name=house.name,
            house_language=house.languages[0],
            languages=offered(house.languages),
            here=f"/a/{request.path_params['secret']}",
            query=query,
            sure=sure and "cancel" in view.may,
        )
        answer.headers["Vary"] = "Accept-Language"
        return answer

    def _view(self, found: Found, language: str) -> AppointmentView:
        house_now = self._parts.publisher.model(found.site).house_now
        return appointment.page(
            found.site.house,
            house_now,
            found.known,
            self._parts.clock.now(),
            language,
            neutral=found.contact is not None and found.contact.safe is not None,
            phone=_may_be_called(found.contact),
            messages=found.messages,
        )

    async def _found(self, request: Request) -> Found:
        """The appointment of the secret. Raises a 404, told in the language of who asks."""
        sites = self._parts.live.sites
        request.scope["onthaal.language"] = language_of(request, next(iter(sites.values())).house)
        subject = self._parts.keys.appointment_of(request.path_params["secret"])
        found = None
        if subject is not None:
            name = subject
            found = await self._parts.database.read(lambda connection: self._read(connection, name))
        if found is None or found[0] not in sites:
            raise Problem(404, "unknown-appointment", "No appointment is known under this link.")
        return Found(sites[found[0]], *found[1:])

    def _read(
        self, connection: sa.Connection, subject: str
    ) -> tuple[str, Appointment, Contact | None, bool | None] | None:
        row = connection.execute(
            sa.select(db.appointment).where(db.appointment.c.id == subject)
        ).one_or_none()
        if row is None:
            return None
        contact, messages = None, None
        with contextlib.suppress(BadKey):
            contact = contacts.get(connection, self._parts.keys, subject)
        if contact is not None and (had := contacts.channels(contact)):
            messages = contacts.opted_out(connection, self._parts.keys, contact).keys() != had
        return row.site, appointment_of(row), contact, messages


def _may_be_called(contact: Contact | None) -> bool:
    """Whether there is a number, and calling it puts nobody in danger."""
    return contact is not None and contact.phone is not None and contact.safe is None


def _minutes(written: str) -> int:
    try:
        return msgspec.convert(written, bodies.Minutes, strict=False)
    except msgspec.ValidationError:
        raise Problem(422, "invalid-body", "minutes: say how many.", field="minutes") from None


def _slot(written: str) -> int:
    try:
        return to_instant(msgspec.convert(written, bodies.Slot))
    except (msgspec.ValidationError, OverflowError):
        raise Problem(422, "invalid-body", "slot: the form is not whole.", field="slot") from None
