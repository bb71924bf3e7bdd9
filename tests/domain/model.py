"""A second, independent telling of the rules of the hall, to judge the first one by.

Written from the design's text and importing nothing of the server. Where the server sorts by one
key, this model lines people up class by class; where the server restores a snapshot, this model
tells the whole day anew without the act that was undone. What both get wrong they must get wrong
twice, in two different ways.

Moments are integers in microseconds, durations integers in seconds.
"""

from __future__ import annotations

import copy

from domain.order import Line, S
from domain.telling import Act, Hall, Person, Post, Slot, Told, happen


class No(Exception):
    """Refused; ``code`` is the stable code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Model(Line):
    """A day in the hall. Every method either tells what happens or raises :class:`No`.

    Methods return the list of the verbs that happened, in the journal's words.
    """

    def __init__(self, hall: Hall, slots: dict[str, Slot] | None = None) -> None:
        self.hall = hall
        self.first = copy.deepcopy(slots or {})
        self.story: list[Act] = []
        self.now: Told = self._blank()
        self.undoable: dict[str, tuple[Act, dict[str, Person]]] = {}

    # --- telling ---------------------------------------------------------------------------------

    def _blank(self) -> Told:
        return Told(slots=copy.deepcopy(self.first), posts={name: Post() for name in self.hall.desks})

    def _tell(self, verb: str, at: int, **words: object) -> list[str]:
        act = Act(verb, at, words)
        before = {k: copy.copy(p) for k, p in self.now.people.items()}
        self.story.append(act)
        happen(self.now, act)
        if "counter" in words:
            touched = {k: copy.copy(p) for k, p in self.now.people.items() if before.get(k) != p}
            if "person" in words:
                touched[str(words["person"])] = copy.copy(self.now.people[str(words["person"])])
            self.undoable[str(words["counter"])] = (act, touched)
        return [verb]

    def undo(self, counter: str, now: int) -> list[str]:
        self._day(now)
        self._desk(counter)
        if counter not in self.undoable:
            raise No("nothing-to-undo")
        act, touched = self.undoable[counter]
        if now - act.at > self.hall.undo * S:
            raise No("undo-too-late")
        if any(self.now.people[k] != p for k, p in touched.items()):
            raise No("undo-moved-on")
        story = [a for a in self.story if a is not act]
        told = self._blank()
        for a in story:
            happen(told, a)
        if told.posts[counter].mode == "closed" and self._sent_to(counter):
            raise No("undo-moved-on")
        self.story, self.now = story, told
        del self.undoable[counter]
        return ["undone"]

    def _sent_to(self, counter: str) -> list[Person]:
        away = ("waiting", "parked", "not-present")
        return [p for p in self.now.people.values() if p.only_counter == counter and p.where in away]

    def _day(self, now: int) -> None:
        if self.now.over or not self.hall.begins <= now < self.hall.until:
            raise No("day-over")

    def _desk(self, counter: str) -> Post:
        if counter not in self.hall.desks:
            raise No("unknown-counter")
        return self.now.posts[counter]

    # --- arriving --------------------------------------------------------------------------------

    def draw(self, service: str) -> tuple[str, int]:
        work = self.hall.works[service]
        letter = work.range
        drawn = {w.range: 0 for w in self.hall.works.values() if not w.discreet}
        for p in self.now.people.values():
            drawn[p.letter] = drawn.get(p.letter, 0) + 1
        if work.discreet:
            sharing = {
                r: sum(w.range == r and not w.discreet for w in self.hall.works.values()) for r in drawn
            }
            best = max(drawn.values())
            candidates = [r for r in drawn if drawn[r] == best]
            most = max(sharing[r] for r in candidates)
            letter = min(r for r in candidates if sharing[r] == most)
        taken = [p.number for p in self.now.people.values() if p.letter == letter]
        return letter, max(taken, default=0) + 1

    def walk_in(self, id: str, service: str, now: int, then: tuple[str, ...] = (), priority: bool = False):
        self._day(now)
        for name in (service, *then):
            if name not in self.hall.works:
                raise No("unknown-service")
            if not self.hall.works[name].walk_ins:
                raise No("service-takes-no-walk-ins")
        if not any(a - self.hall.start * S <= now < b - self.hall.stop * S for a, b in self.hall.openings):
            raise No("house-closed")
        letter, number = self.draw(service)
        person = Person(id, letter, number, service, now, then=then, priority=priority)
        return self._tell("visit-reported", now, newcomer=person)

    def report(self, id: str, ref: str, now: int, priority: bool = False) -> list[str]:
        self._day(now)
        slot = self.now.slots[ref]
        if slot.state == "cancelled":
            raise No("appointment-cancelled")
        if not self.hall.begins <= slot.at < self.hall.until:
            raise No("appointment-not-today")
        if slot.state == "reported":
            return []
        letter, number = self.draw(slot.service)
        warned = slot.late is not None
        told = slot.told
        person = Person(id, letter, number, slot.service, now, slot.at, warned, told, priority=priority)
        return self._tell("visit-reported", now, newcomer=person, ref=ref)

    # --- appointments ----------------------------------------------------------------------------

    def _ahead(self, slot: Slot) -> None:
        if slot.state == "reported":
            raise No("appointment-reported")
        if slot.state == "never":
            raise No("appointment-over")

    def book(self, ref: str, service: str, at: int, now: int) -> list[str]:
        if not self.hall.works[service].appointments:
            raise No("service-takes-no-appointments")
        known = self.now.slots.get(ref)
        if known is not None:
            if known.state != "cancelled" and (known.service, known.at) == (service, at):
                return []
            self._ahead(known)
        today = self.hall.begins <= at < self.hall.until
        if at < now and (self.now.over or not today):
            raise No("slot-past")
        if self.now.over and today:
            raise No("day-over")
        if known is None:
            return self._tell("appointment-booked", now, ref=ref, slot=Slot(service, at))
        moved = known.at != at
        state = "confirmed" if known.state == "confirmed" and not moved else "booked"
        call = known.call and not moved and known.state != "cancelled"
        slot = Slot(service, at, state, None if moved else known.late, call=call)
        slot.told = None if moved else known.told
        return self._tell("appointment-rebooked", now, ref=ref, slot=slot)

    def cancel(self, ref: str, now: int) -> list[str]:
        slot = self.now.slots[ref]
        if slot.state == "cancelled":
            return []
        self._ahead(slot)
        return self._tell("appointment-cancelled", now, ref=ref)

    def confirm(self, ref: str, now: int) -> list[str]:
        slot = self.now.slots[ref]
        if slot.state == "cancelled":
            raise No("appointment-cancelled")
        self._ahead(slot)
        return [] if slot.state == "confirmed" else self._tell("appointment-confirmed", now, ref=ref)

    def announce_late(self, ref: str, late: int, now: int) -> list[str]:
        slot = self.now.slots[ref]
        if slot.state == "cancelled":
            raise No("appointment-cancelled")
        self._ahead(slot)
        return [] if slot.late == late else self._tell("appointment-announced-late", now, ref=ref, late=late)

    def delay(self, ref: str, to: int, now: int) -> list[str]:
        slot = self.now.slots[ref]
        if slot.state == "cancelled":
            raise No("appointment-cancelled")
        self._ahead(slot)
        if not self.hall.begins <= slot.at < self.hall.until:
            raise No("appointment-not-today")
        if slot.told is not None or to <= slot.at:
            return []
        return self._tell("appointment-delayed", now, ref=ref, to=to)

    def ask_call_back(self, ref: str, now: int) -> list[str]:
        slot = self.now.slots[ref]
        if slot.state == "cancelled":
            raise No("appointment-cancelled")
        self._ahead(slot)
        return [] if slot.call else self._tell("appointment-call-back-asked", now, ref=ref)

    def note_called_back(self, ref: str, now: int) -> list[str]:
        return self._tell("appointment-called-back", now, ref=ref) if self.now.slots[ref].call else []

    def note_came(self, ref: str, now: int) -> list[str]:
        slot = self.now.slots[ref]
        if slot.state == "cancelled":
            raise No("appointment-cancelled")
        if slot.state == "reported" or slot.came:
            return []
        return self._tell("appointment-came", now, ref=ref)

    # --- while they wait -------------------------------------------------------------------------

    def find(self, ticket: str) -> Person:
        for p in self.now.people.values():
            if ticket in (p.ticket, p.id):
                return p
        raise No("unknown-ticket")

    def come_back(self, ticket: str, now: int) -> list[str]:
        self._day(now)
        p = self.find(ticket)
        if p.where == "waiting" and p.again:
            return []
        if p.where not in ("parked", "not-present"):
            raise No("not-away")
        return self._tell("visit-returned", now, person=p.id)

    def leave(self, ticket: str, now: int) -> list[str]:
        self._day(now)
        p = self.find(ticket)
        if p.where == "left":
            return []
        if p.where not in ("waiting", "parked"):
            raise No("not-waiting")
        return self._tell("visit-left", now, person=p.id)

    def prioritise(self, ticket: str, priority: bool, now: int) -> list[str]:
        self._day(now)
        p = self.find(ticket)
        if p.where not in ("waiting", "called", "serving", "parked"):
            raise No("visit-over")
        if p.priority == priority:
            return []
        return self._tell("visit-prioritised", now, person=p.id, priority=priority)

    def bind(self, ticket: str, staff: str | None, now: int) -> list[str]:
        self._day(now)
        p = self.find(ticket)
        if p.where not in ("waiting", "called", "serving", "parked"):
            raise No("visit-over")
        if p.only_staff == staff:
            return []
        return self._tell("visit-bound", now, person=p.id, staff=staff)

    # --- counters --------------------------------------------------------------------------------

    def open(self, counter: str, staff: str | None, now: int) -> list[str]:
        self._day(now)
        post = self._desk(counter)
        who = staff if staff is not None else post.staff
        if post.mode == "open" and post.staff == who:
            return []
        return self._tell("counter-opened", now, counter=counter, staff=who)

    def pause(self, counter: str, now: int) -> list[str]:
        self._day(now)
        post = self._desk(counter)
        if post.mode == "closed":
            raise No("counter-not-open")
        return [] if post.mode == "paused" else self._tell("counter-paused", now, counter=counter)

    def close(self, counter: str, now: int) -> list[str]:
        self._day(now)
        post = self._desk(counter)
        if post.mode == "closed":
            return []
        if post.person is not None:
            raise No("counter-busy")
        return self._tell("counter-closed", now, counter=counter)

    def _free(self, counter: str) -> Post:
        post = self._desk(counter)
        if post.person is not None:
            raise No("counter-busy")
        if post.mode != "open":
            raise No("counter-not-open")
        return post

    def next(self, counter: str, now: int) -> tuple[str, str, list[str]] | None:
        """(ticket, rule, passed), or None where nobody waits."""
        self._day(now)
        self._free(counter)
        line = self.order(counter, now)
        if not line:
            return None
        ticket, rule = line[0]
        p = self.find(ticket)
        passed = self.passed(counter, p, now)
        self._tell("called", now, counter=counter, person=p.id, rule=rule)
        return ticket, rule, passed

    def call(self, counter: str, ticket: str, now: int) -> tuple[str, str, list[str]]:
        self._day(now)
        self._free(counter)
        p = self.find(ticket)
        if p.where not in ("waiting", "parked", "not-present"):
            raise No("not-waiting")
        if not self.serves(counter, p) and not self.helps(counter, p):
            raise No("not-this-counter")
        passed = self.passed(counter, p, now)
        self._tell("called", now, counter=counter, person=p.id, rule="asked")
        return p.ticket, "asked", passed

    def _at(self, counter: str, now: int, *, called: bool = False) -> Person:
        self._day(now)
        post = self._desk(counter)
        if post.person is None:
            raise No("nobody-at-counter")
        p = self.now.people[post.person]
        if called and p.where != "called":
            raise No("not-called")
        return p

    def recall(self, counter: str, now: int) -> list[str]:
        p = self._at(counter, now, called=True)
        return self._tell("recalled", now, counter=counter, person=p.id)

    def start(self, counter: str, now: int) -> list[str]:
        p = self._at(counter, now, called=True)
        return self._tell("service-started", now, counter=counter, person=p.id)

    def finish(self, counter: str, now: int) -> list[str]:
        p = self._at(counter, now)
        return self._tell("service-finished", now, counter=counter, person=p.id)

    def no_show(self, counter: str, now: int) -> list[str]:
        p = self._at(counter, now, called=True)
        if p.recalls < self.hall.recalls:
            raise No("recall-first")
        return self._tell("not-present", now, counter=counter, person=p.id)

    def park(self, counter: str, now: int) -> list[str]:
        p = self._at(counter, now)
        return self._tell("parked", now, counter=counter, person=p.id)

    def transfer(
        self, counter: str, now: int, service: str | None, to: str | None, staff: str | None
    ) -> list[str]:
        p = self._at(counter, now)
        if (service is None) == (to is None):
            raise No("bad-transfer")
        if service is not None and service not in self.hall.works:
            raise No("unknown-service")
        if to is not None:
            if to not in self.hall.desks:
                raise No("unknown-counter")
            if to == counter:
                raise No("bad-transfer")
            if self.now.posts[to].mode == "closed":
                raise No("counter-not-open")
        return self._tell(
            "transferred", now, counter=counter, person=p.id, service=service, to=to, staff=staff
        )

    # --- the end ---------------------------------------------------------------------------------

    def end_day(self, now: int) -> list[str]:
        if self.now.over or now < self.hall.ends:
            return []
        self.undoable.clear()
        return self._tell("day-ended", now)
