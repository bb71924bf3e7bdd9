"""The telephones of a site's people: which reminders reached them, and what they answer by the link in one.

All of it is learned as any client would learn it: from the list of messages, and from what one of them says
to a role that may read it. Answers go to the address in the message, without any token.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass

from server.domain.schedule import SECOND
from server.simulate.housetime import HouseTime, instant
from server.simulate.outside import Answer as Said
from server.simulate.outside import Outside, Refusal
from server.simulate.plan import Person
from server.simulate.tally import Tally

LOOK_S = 2.0
"""Real seconds between two looks at the list, at most."""

LOOK_HOUSE_S = 300.0
"""House seconds between two looks, where that is sooner, down to :data:`LOOK_AT_LEAST_S`."""
LOOK_AT_LEAST_S = 0.4

BEHIND_S = 5.0
"""Real seconds by which a message may be planned, or change, later than it was due."""

PAGE = 50
REACHED = frozenset({"accepted", "delivered", "shown"})
"""States of a message that has reached a telephone, as far as a list can say."""
OPEN = frozenset({"planned", "sending"})
"""States of a message that is still on its way there."""

LATE_MINUTES = (5, 10, 20)
"""By how much later the page of an appointment lets people come."""

_LIFE = frozenset(
    {
        *("appointment-cancelled", "appointment-reported", "appointment-over", "appointment-moved"),
        *("late-too-long", "late-too-early", "late-too-late"),
    }
)
"""Refusals of answers that life brings with it: too late, or meanwhile it was settled otherwise."""

_LINK = re.compile(r"/a/([A-Za-z0-9_-]+)")


@dataclass(slots=True)
class _Telephone:
    person: Person
    message: str = ""
    reached_at: int | None = None
    secret: str | None = None
    cancelled: bool = False


class Telephones:
    """What reached whom, and the answers; ``follow`` keeps it up to date."""

    def __init__(self, outside: Outside, clock: HouseTime, tally: Tally) -> None:
        self._outside = outside
        self._clock = clock
        self._tally = tally
        self._by_ref: dict[str, _Telephone] = {}
        self._sent: dict[str, int] = {}
        self._since = 0

    def know(self, ref: str, person: Person) -> None:
        """There is an appointment under this reference, and this is its person."""
        self._by_ref[ref] = _Telephone(person)

    def forget(self, refs: Iterable[str]) -> None:
        """These appointments are over."""
        for ref in refs:
            self._by_ref.pop(ref, None)

    def reminded(self, ref: str) -> bool:
        """Whether a reminder reached the person before they would have to leave home."""
        known = self._by_ref.get(ref)
        return (
            known is not None and known.reached_at is not None and known.reached_at <= known.person.leaves_at
        )

    def cancelled(self, ref: str) -> bool:
        """Whether the person has cancelled by the link."""
        known = self._by_ref.get(ref)
        return known is not None and known.cancelled

    async def follow(self) -> None:
        """Look at the list again and again, and answer; one task, until cancelled."""
        async with asyncio.TaskGroup() as answers:
            while True:
                with self._tally.tolerating():
                    for ref, known in await self._look():
                        answers.create_task(self._reply(ref, known), name=f"telephone {ref}")
                await asyncio.sleep(
                    min(LOOK_S, max(LOOK_AT_LEAST_S, LOOK_HOUSE_S / max(self._clock.speed, 1.0)))
                )

    async def late(self, ref: str, minutes: int) -> bool:
        """Say by the link how much later they come; False where there is none, or it does not take that."""
        offered = next((choice for choice in LATE_MINUTES if choice >= minutes), LATE_MINUTES[-1])
        return await self._answer(ref, "late", {"minutes": offered})

    # --- what arrives -----------------------------------------------------------------------------

    async def _look(self) -> list[tuple[str, _Telephone]]:
        """Read the list from its newest entry back to those that cannot have changed; whom one first reached.

        Messages come newest first, by when they are due.
        """
        fresh: list[tuple[str, _Telephone]] = []
        after: dict[str, str | int] = {}
        unsettled: list[int] = []
        newest = self._since
        # By house time a fast house is far ahead of what its server has had the time to do.
        behind = round(max(BEHIND_S * max(self._clock.speed, 1.0), 60.0) * SECOND)
        while True:
            page = await self._outside.get("supervisor", "/messages", limit=PAGE, **after)
            lines = page["messages"]
            for line in lines:
                due = instant(line["due"])
                newest = max(newest, due)
                if line["state"] in OPEN:
                    unsettled.append(due)
                if (first := self._take(line, due)) is not None:
                    fresh.append(first)
            if not page["more"] or instant(lines[-1]["due"]) < self._since:
                break
            after = {"after": lines[-1]["message"]}
        # A message that nothing more is heard of does not keep the whole list open for ever.
        oldest = min([due for due in unsettled if due > newest - 10 * behind], default=newest)
        self._since = max(self._since, min(oldest, newest) - behind)
        self._sent = {name: due for name, due in self._sent.items() if due >= self._since}
        return fresh

    def _take(self, line: Said, due: int) -> tuple[str, _Telephone] | None:
        """Note what a line of the list tells; the telephone that it was the first reminder of."""
        moments = [instant(line[name]) for name in sorted(REACHED) if line[name] is not None]
        if moments and due >= self._since and line["message"] not in self._sent:
            self._sent[line["message"]] = due
            self._tally.messages += 1
        known = self._by_ref.get(line["ref"] or "")
        if known is None or line["kind"] != "reminder" or line["state"] not in REACHED or not moments:
            return None
        first = known.reached_at is None
        known.message = line["message"]
        known.reached_at = min(moments) if known.reached_at is None else min(known.reached_at, *moments)
        return (line["ref"], known) if first else None

    # --- what is answered -------------------------------------------------------------------------

    async def _reply(self, ref: str, known: _Telephone) -> None:
        """Answer the first reminder, a while later, if this person answers at all."""
        person = known.person
        says = "cancel" if person.cancels and person.by_link else person.says
        if says is None or known.reached_at is None:
            return
        await self._clock.until(known.reached_at + round(person.reply_after_s * SECOND))
        if ref in self._by_ref and await self._answer(ref, says) and says == "cancel":
            known.cancelled = True

    async def _answer(self, ref: str, says: str, body: Said | None = None) -> bool:
        """Say something by the link; whether it was taken."""
        known = self._by_ref.get(ref)
        if known is None or (secret := await self._secret(known)) is None:
            return False
        try:
            await self._outside.answer(secret, says, body)
        except Refusal as refusal:
            if refusal.code not in _LIFE:
                self._tally.refused(refusal)
            return False
        self._tally.answers[says] += 1
        return True

    async def _secret(self, known: _Telephone) -> str | None:
        """What the link in the message ends with; None where it has none, or may not be read."""
        if known.secret is None and known.message:
            try:
                content = (await self._outside.get("supervisor", f"/messages/{known.message}"))["content"]
            except Refusal:
                return None
            found = None if content is None else _LINK.search(content["text"])
            known.secret = None if found is None else found[1]
        return known.secret
