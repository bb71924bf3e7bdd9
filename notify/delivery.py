"""A delivery on its way: its states, what counts as reached, when to try again, by which channel. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from enum import StrEnum

from notify.contacts import Contact, addresses


class State(StrEnum):
    """Where a delivery is. The order of ``_PROOF`` is that of what is proven; nothing goes back in it."""

    PLANNED = "planned"
    SENDING = "sending"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    SHOWN = "shown"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"


_PROOF = (State.PLANNED, State.SENDING, State.FAILED, State.ACCEPTED, State.DELIVERED, State.SHOWN)

REACHED = {"sms": State.DELIVERED, "push": State.SHOWN, "mail": State.ACCEPTED}
"""What counts as having reached a person, by channel: an accepted SMS may still be lost, a push that
nobody's telephone shows reaches nobody, and of a mail nothing better is ever heard."""

ATTEMPTS = 10
"""So often something is tried before it is given up: a little more than half an hour."""

FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 600.0


def advances(state: State, news: State) -> bool:
    """Whether a receipt tells more than is known. They come late, twice and out of order.

    A failure counts only as long as nothing better than its being handed over is known: who says
    "delivered" and then "failed" has delivered.
    """
    if state is State.WITHDRAWN:
        return False
    if news is State.FAILED:
        return state in (State.SENDING, State.ACCEPTED)
    if news is State.ACCEPTED:
        return state is State.SENDING
    return _PROOF.index(news) > _PROOF.index(state)


def reached(channel: str, state: State) -> bool:
    """Whether the person is reached, so far as anybody can know."""
    if state not in _PROOF or channel not in REACHED:
        return False
    return _PROOF.index(state) >= _PROOF.index(REACHED[channel])


def pause_s(attempt: int, wished_s: float, luck: float) -> float:
    """How long to wait after so many attempts, in real seconds; ``luck`` from 0 to 1 spreads retries.

    Doubling from :data:`FIRST_PAUSE_S`, half of it by chance, never less than the gateway wished.
    """
    longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** (attempt - 1))
    return max(min(wished_s, LONGEST_PAUSE_S), longest * (0.5 + 0.5 * luck))


_PERSONAL = (
    (re.compile(r"[^\s<>\"',;:]+@[^\s<>\"',;]+"), "(address)"),
    (re.compile(r"\+?\d{8,}"), "(number)"),
    # An SMPP receipt ends in the beginning of what was sent.
    (re.compile(r"\btext:.*", re.IGNORECASE | re.DOTALL), "text:(left out)"),
)


def impersonal(code: str) -> str:
    """What a gateway said without the addresses and texts that some of them repeat: it is kept for years."""
    for pattern, instead in _PERSONAL:
        code = pattern.sub(instead, code)
    return code[:200]


def address(contact: Contact | None, channel: str) -> str | None:
    """Where a person is reached through a channel, if at all."""
    return None if contact is None else addresses(contact).get(channel)


def usable(
    contact: Contact | None, order: Sequence[str], used: Collection[str], opted_out: Collection[str]
) -> list[str]:
    """The channels that are left for a person, best first.

    Their own order counts before the site's; where a channel is named as safe it is the only one, or there
    is none. None is used twice for one message, and none whose address wants no messages.
    """
    if contact is None:
        return []
    if contact.safe is not None:
        wanted: Sequence[str] = () if contact.safe == "none" else (contact.safe,)
    else:
        wanted = contact.channels or order
    return [
        channel
        for channel in wanted
        if channel not in used and (to := address(contact, channel)) is not None and to not in opted_out
    ]
