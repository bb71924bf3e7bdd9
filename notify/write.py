"""Writing a message: what is known of an appointment or visit, as the text that goes to a channel."""

from __future__ import annotations

import msgspec

from notify import alert_text, messages, recipients, sms_text
from notify.calendar import appointment_file
from notify.channels import Message, addresses
from notify.channels.console import masked
from notify.ledger import Claim
from notify.messages import Kind, Text, Values
from notify.planner import REMINDER
from notify.worker import Written
from server.domain.house import House
from server.domain.schedule import SECOND
from server.keys import Keys

CALLS_BACK = frozenset({"sms", "push"})
"""Channels of which more is heard than that a message was accepted."""


class Kept(msgspec.Struct):
    """What is kept, sealed, of a message that went out: ``to`` is shortened."""

    to: str
    subject: str
    text: str


class Writer:
    """Makes messages. ``two_way`` says whether the sender of SMS can receive what people answer."""

    def __init__(self, keys: Keys, public_url: str, *, two_way: bool) -> None:
        self._keys = keys
        self._url = public_url
        self._two_way = two_way

    def __call__(self, claim: Claim, house: House, now: int) -> Written:
        """The message of a claim. Raises ``BadTemplate``."""
        link = self.link(claim)
        safe = claim.contact.safe is not None
        if claim.kind in recipients.KINDS:
            link = f"{self._url}/{house.site}/management"
            over = claim.kind == recipients.OVER
            text = alert_text.render(house, claim.about, claim.channel, link, over=over)
        else:
            text = self._text(claim, house, link, safe=safe)
        message = Message(
            delivery=claim.id,
            attempt=claim.attempt,
            to=claim.to,
            text=text.plain,
            subject=text.subject,
            html=text.html,
            link=link,
            language=text.language,
            calendar=self._calendar(claim, house, text, link, now),
            receipt_url=addresses.of_delivery(self._keys, self._url, claim.channel, claim.id)
            if claim.channel in CALLS_BACK
            else "",
            ttl_s=max(1, (claim.until - now) // SECOND),
        )
        parts = sms_text.count(text.plain).parts if claim.channel == "sms" else None
        return Written(message, msgspec.json.encode(Kept(masked(claim.to), text.subject, text.plain)), parts)

    def link(self, claim: Claim) -> str:
        """The citizen's own page: that of the ticket once there is one, else that of the appointment."""
        if claim.visit is not None:
            return f"{self._url}/t/{self._keys.visit_secret(claim.subject)}"
        if claim.appointment is None:
            return ""
        return f"{self._url}/a/{self._keys.appointment_secret(claim.appointment.id)}"

    def _text(self, claim: Claim, house: House, link: str, *, safe: bool) -> Text:
        appointment, visit, about = claim.appointment, claim.visit, claim.about
        values = Values(
            service=visit.service if visit else appointment.service if appointment else None,
            at=visit.slot_at if visit else appointment.at if appointment else None,
            step=claim.step if claim.kind == REMINDER else None,
            ticket=visit.ticket if visit else None,
            counter=about.counter,
            ahead=about.ahead,
            minutes=about.minutes,
            later=about.later,
            link=link,
            replies=self._two_way and claim.channel == "sms",
        )
        own = (visit.language if visit else None) or (appointment.language if appointment else None)
        return messages.render(
            house,
            Kind(claim.kind),
            claim.channel,
            values,
            language=own,
            safe=safe,
            wording=claim.wording,
        )

    def _calendar(self, claim: Claim, house: House, text: Text, link: str, now: int) -> bytes | None:
        """The file for the person's own calendar, with a reminder by mail."""
        appointment = claim.appointment
        if claim.channel != "mail" or claim.kind != REMINDER or appointment is None:
            return None
        service = house.services.get(appointment.service)
        moved_at = appointment.booked_at if appointment.rebooked_at is None else appointment.rebooked_at
        return appointment_file(
            appointment=appointment.id,
            public_url=self._url,
            # Rises with each move, whoever writes and however often: seconds since the booking.
            sequence=max(0, moved_at - appointment.booked_at) // SECOND,
            stamp=now,
            at=appointment.at,
            target_s=service.target_s if service else 600,
            summary=text.subject,
            place=house.messages.place or house.name,
            link=link,
            attendee=claim.to,
        )
