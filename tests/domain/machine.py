"""Random commands on a day, told to the server's rules and to the model at once.

After every command both must have said the same (the same events, or the same refusal), stand
alike, and have the same order at every counter. At the end the day ends, and a journal that went
through JSON must fold to exactly the day that was lived.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace

from domain.days import MINUTE, THURSDAY_HALL, Played, S, appointment, house_of, utc
from domain.model import Model, No
from domain.telling import Slot
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from server.domain import commands as co
from server.domain import events as ev
from server.domain.appointment import Appointment
from server.domain.day import IN_HOUSE, Day
from server.domain.refusal import Refused

HALL = THURSDAY_HALL
COUNTERS = tuple(HALL.desks)
STARTS = tuple(utc(f"2026-11-26 {at}") for at in ("06:50", "08:00", "09:30", "11:20", "13:30", "15:00"))

counters = st.sampled_from(COUNTERS)
services = st.sampled_from(tuple(HALL.works))
staffs = st.sampled_from((None, None, None, "anna", "bert"))
seldom = st.integers(0, 5).map(lambda n: n == 0)
picks = st.integers(0, 100)
ABOUT = ("cancel", "confirm", "came", "late", "late", "told", "move", "same", "call", "called")
steps = st.sampled_from((0, 0, 1, 20, 60, 121, 240, 299, 300, 301, 600, 1200, 1201))
slots = st.tuples(st.sampled_from(("burger", "burger", "wonen", "snel", "fjc")), st.integers(-6, 8))
comers = st.tuples(services, seldom, seldom, picks)
"""Who comes: a service, whether marked, whether for two services; or the appointment picked."""
GAPS = (0, 0, 1, 60, 301)
"""Seconds between two who come: none at all is common, so that ties are."""

ACTS = (
    *("next",) * 5,
    *("finish",) * 3,
    *("recall", "no_show", "park", "start", "call", "undo", "to_service", "to_counter", "to_nobody"),
    *("open", "open", "pause", "close"),
)
acts = st.lists(st.tuples(st.sampled_from(ACTS), picks), min_size=2, max_size=8)


def people(day: Day) -> dict[str, tuple[object, ...]]:
    """Everybody of the server's day, in plain values."""
    return {
        v.id: (
            *(v.ticket, v.service, v.status.value, v.then, v.priority, v.again, v.to_counter, v.staff),
            *(
                v.counter,
                v.rule,
                v.recalls,
                v.reported_at,
                v.slot_at,
                v.announced_late,
                v.told_at,
                v.first_called_at,
            ),
        )
        for v in day.visits.values()
    }


def told_people(model: Model) -> dict[str, tuple[object, ...]]:
    """Everybody of the model's day, in the same plain values."""
    return {
        p.id: (
            *(p.ticket, p.service, p.where, p.then, p.priority, p.again, p.only_counter, p.only_staff),
            *(p.counter, p.rule, p.recalls, p.reported, p.slot, p.warned, p.told, p.first_called),
        )
        for p in model.now.people.values()
    }


class Hallway(RuleBasedStateMachine):
    """One day in a hall, lived twice."""

    @initialize(
        k=st.sampled_from((1, 2, 3)),
        recalls=st.sampled_from((0, 1, 2)),
        start=st.sampled_from(STARTS),
        slots=st.lists(slots, min_size=3, max_size=8),
        crowd=st.lists(comers, min_size=6, max_size=12),
    )
    def open_the_day(
        self,
        k: int,
        recalls: int,
        start: int,
        slots: list[tuple[str, int]],
        crowd: list[tuple[str, bool, bool, int]],
    ) -> None:
        hall = replace(HALL, k=k, recalls=recalls)
        booked = {f"a{n}": (service, start + step * 5 * MINUTE) for n, (service, step) in enumerate(slots, 1)}
        self.model = Model(hall, {ref: Slot(service, at) for ref, (service, at) in booked.items()})
        self.real = Played(
            house_of(hall), start, tuple(appointment(ref, *slot) for ref, slot in booked.items())
        )
        self.now = start
        self.fresh = 0
        self.calls: set[str] = set()
        self.first_read: dict[str, Appointment] = {}
        for counter in COUNTERS:
            self.act(counter, "open", 3 if counter == "3" else 0)
        self.arrive(crowd=crowd)

    # --- both at once ----------------------------------------------------------------------------

    def both(self, command: co.Command, tell: Callable[[], list[str]]) -> tuple[ev.Event, ...]:
        """The command to the server, the same in the model's words to the model: they must agree."""
        try:
            expected: list[str] | str = tell()
        except No as no:
            expected = no.code
        happened: tuple[ev.Event, ...] = ()
        try:
            happened = self.real.at(self.now).do(command)
            said: list[str] | str = [ev.KIND_OF[type(event)] for event in happened]
        except Refused as refused:
            said = refused.code.value
        assert said == expected, command
        for event in happened:
            if isinstance(event, ev.Called | ev.Recalled):
                assert event.call not in self.calls, "a call id was used twice"
                self.calls.add(event.call)
        return happened

    def calling(self, command: co.Command, tell: Callable[[], tuple[str, str, list[str]] | None]) -> None:
        """A call: who, by which rule and past whom must be the model's answer."""
        answer: list[tuple[str, str, list[str]]] = []

        def told() -> list[str]:
            chosen = tell()
            if chosen is None:
                return []
            answer.append(chosen)
            return ["called"]

        happened = self.both(command, told)
        for event, chosen in zip(happened, answer, strict=True):
            assert isinstance(event, ev.Called)
            called = self.real.day.visits[event.visit].ticket
            assert (called, event.rule, list(event.overtook)) == chosen

    def fresh_id(self) -> str:
        self.fresh += 1
        return f"v{self.fresh}"

    def ticket(self, pick: int) -> str:
        tickets = list(self.real.day.tickets)
        return tickets[pick % len(tickets)]

    def known(self, pick: int) -> tuple[str, Appointment]:
        """An appointment, now and then as a row that was read long ago."""
        refs = list(self.real.day.appointments)
        ref = refs[pick % len(refs)]
        newest = self.real.day.appointments[ref]
        first = self.first_read.setdefault(ref, newest)
        return ref, first if pick % 3 == 0 else newest

    def somebody(self) -> bool:
        return bool(self.real.day.visits)

    def booked(self) -> bool:
        return bool(self.real.day.appointments)

    # --- arriving --------------------------------------------------------------------------------

    @rule(step=steps)
    def time_goes_on(self, step: int) -> None:
        self.now += step * S
        self.both(co.EndDay(), lambda: self.model.end_day(self.now))

    @rule(crowd=st.lists(comers, min_size=1, max_size=5))
    def arrive(self, crowd: list[tuple[str, bool, bool, int]]) -> None:
        for service, priority, twice, pick in crowd:
            visit = self.fresh_id()
            if self.booked() and pick % 2:
                ref, known = self.known(pick // 2)
                self.both(
                    co.Report(known=known, visit=visit, priority=priority),
                    lambda v=visit, r=ref, p=priority: self.model.report(v, r, self.now, p),
                )
                self.now += GAPS[pick % len(GAPS)] * S
                continue
            then = ("burger",) if twice else ()
            self.both(
                co.WalkIn(visit=visit, service=service, then=then, priority=priority),
                lambda v=visit, s=service, t=then, p=priority: self.model.walk_in(v, s, self.now, t, p),
            )
            self.now += GAPS[pick % len(GAPS)] * S

    @rule(slot=slots)
    def book(self, slot: tuple[str, int]) -> None:
        ref, (service, step) = f"b{self.fresh_id()}", slot
        at = self.now + step * 5 * MINUTE
        self.both(
            co.Book(appointment=ref, service=service, at=at, known=None),
            lambda: self.model.book(ref, service, at, self.now),
        )

    @precondition(booked)
    @rule(pick=picks, what=st.sampled_from(ABOUT))
    def about_an_appointment(self, pick: int, what: str) -> None:
        ref, known = self.known(pick)
        if what == "cancel":
            self.both(co.Cancel(known=known, by="citizen"), lambda: self.model.cancel(ref, self.now))
        elif what == "confirm":
            self.both(co.Confirm(known=known), lambda: self.model.confirm(ref, self.now))
        elif what == "came":
            self.both(co.NoteCame(known=known), lambda: self.model.note_came(ref, self.now))
        elif what == "call":
            self.both(co.AskCallBack(known=known), lambda: self.model.ask_call_back(ref, self.now))
        elif what == "called":
            self.both(co.NoteCalledBack(known=known), lambda: self.model.note_called_back(ref, self.now))
        elif what == "late":
            self.both(
                co.AnnounceLate(known=known, late_s=600),
                lambda: self.model.announce_late(ref, 600, self.now),
            )
        elif what == "told":
            to = known.at + (pick % 5 - 1) * 10 * MINUTE
            self.both(co.Delay(known=known, to=to), lambda: self.model.delay(ref, to, self.now))
        else:
            at = known.at if what == "same" else self.now + (pick % 7 - 2) * 5 * MINUTE
            self.both(
                co.Book(appointment=ref, service=known.service, at=at, known=known),
                lambda: self.model.book(ref, known.service, at, self.now),
            )

    # --- while they wait -------------------------------------------------------------------------

    @precondition(somebody)
    @rule()
    def all_come_back(self) -> None:
        for visit in list(self.real.day.visits.values()):
            if visit.status.value in ("parked", "not-present"):
                self.both(co.Return(visit=visit.id), lambda v=visit.id: self.model.come_back(v, self.now))

    @precondition(somebody)
    @rule(
        pick=picks,
        what=st.sampled_from(("return", "leave", "prioritise", "prioritise", "ordinary", "bind")),
        staff=staffs,
    )
    def about_somebody(self, pick: int, what: str, staff: str | None) -> None:
        ticket = self.ticket(pick)
        if what == "return":
            self.both(co.Return(visit=ticket), lambda: self.model.come_back(ticket, self.now))
        elif what == "leave":
            self.both(co.Leave(visit=ticket), lambda: self.model.leave(ticket, self.now))
        elif what == "bind":
            self.both(co.Bind(visit=ticket, staff=staff), lambda: self.model.bind(ticket, staff, self.now))
        else:
            marked = what == "prioritise"
            self.both(
                co.Prioritise(visit=ticket, priority=marked),
                lambda: self.model.prioritise(ticket, marked, self.now),
            )

    # --- counters --------------------------------------------------------------------------------

    @rule(counter=counters, acts=acts, step=steps)
    def work(self, counter: str, acts: list[tuple[str, int]], step: int) -> None:
        """A counter at work for a while."""
        for what, pick in acts:
            if what == "next" and self.real.day.counter(counter).visit is not None:
                self.act(counter, "finish", pick)
            self.act(counter, what, pick)
            self.alike()
        self.now += step * S

    @rule(counter=counters)
    def undo(self, counter: str) -> None:
        self.act(counter, "undo", 0)

    def act(self, counter: str, what: str, pick: int) -> None:
        """One command of a counter; ``pick`` says whom, which or where."""
        c, now, model = counter, self.now, self.model
        staff = (None, None, "bert", "anna")[pick % 4]
        service, to = tuple(HALL.works)[pick % len(HALL.works)], COUNTERS[pick % len(COUNTERS)]
        if what == "next":
            self.calling(co.CallNext(counter=c), lambda: model.next(c, now))
        elif what == "call":
            ticket = self.ticket(pick) if self.somebody() else "A001"
            self.calling(co.CallTicket(counter=c, ticket=ticket), lambda: model.call(c, ticket, now))
        elif what == "open":
            self.both(co.OpenCounter(counter=c, staff=staff), lambda: model.open(c, staff, now))
        elif what == "pause":
            self.both(co.PauseCounter(counter=c), lambda: model.pause(c, now))
        elif what == "close":
            self.both(co.CloseCounter(counter=c), lambda: model.close(c, now))
        elif what == "recall":
            self.both(co.Recall(counter=c), lambda: model.recall(c, now))
        elif what == "start":
            self.both(co.Start(counter=c), lambda: model.start(c, now))
        elif what == "finish":
            self.both(co.Finish(counter=c), lambda: model.finish(c, now))
        elif what == "no_show":
            self.both(co.NoShow(counter=c), lambda: model.no_show(c, now))
        elif what == "park":
            self.both(co.Park(counter=c), lambda: model.park(c, now))
        elif what == "undo":
            self.both(co.Undo(counter=c), lambda: model.undo(c, now))
        else:
            self.transfer(c, {"to_service": service}.get(what), {"to_counter": to}.get(what), staff, pick)

    def transfer(self, c: str, service: str | None, to: str | None, staff: str | None, pick: int) -> None:
        """Send on; with neither a service nor a counter, or with both, it must be refused."""
        if pick % 19 == 0:
            service, to = "nothing", None
        if pick % 23 == 0:
            service, to = None, "99"
        self.both(
            co.Transfer(counter=c, to_service=service, to_counter=to, staff=staff, accompanied=pick % 2 == 0),
            lambda: self.model.transfer(c, self.now, service, to, staff),
        )

    def strangers(self) -> None:
        """Names that nobody knows."""
        self.both(co.Leave(visit="Q999"), lambda: self.model.leave("Q999", self.now))
        self.both(co.PauseCounter(counter="99"), lambda: self.model.pause("99", self.now))
        self.both(
            co.WalkIn(visit="nobody", service="nothing"),
            lambda: self.model.walk_in("nobody", "nothing", self.now),
        )

    # --- what must always hold -------------------------------------------------------------------

    @invariant()
    def alike(self) -> None:
        day, told = self.real.day, self.model.now
        assert people(day) == told_people(self.model)
        assert {
            ref: (
                a.service,
                a.at,
                a.state.value,
                a.late_s,
                a.told_at,
                a.visit,
                a.came,
                a.call_back_at is not None,
            )
            for ref, a in day.appointments.items()
        } == {
            ref: (s.service, s.at, s.state, s.late, s.told, s.person, s.came, s.call)
            for ref, s in told.slots.items()
            if HALL.begins <= s.at < HALL.until
        }
        for name, post in told.posts.items():
            counter = day.counter(name)
            assert (counter.mode.value, counter.staff, counter.visit) == (post.mode, post.staff, post.person)
            assert self.real.at(self.now).order(name) == self.model.order(name, self.now)
        assert [(call.ticket, call.counter, call.at) for call in day.calls] == told.shown

    @invariant()
    def nobody_is_lost_or_in_two_places(self) -> None:
        """From the server's day alone, without the model."""
        day = self.real.day
        tickets = [visit.ticket for visit in day.visits.values()]
        assert len(set(tickets)) == len(tickets)
        reported = [e.event.visit for e in self.real.journal if isinstance(e.event, ev.VisitReported)]
        assert list(day.visits) == reported
        held = [counter.visit for counter in day.counters.values() if counter.visit is not None]
        assert len(set(held)) == len(held)
        at_counter = {v.id for v in day.visits.values() if v.status.value in ("called", "serving")}
        assert at_counter == set(held)

    def teardown(self) -> None:
        # A failure on the way must not be hidden by those that it leads to here.
        if not hasattr(self, "real") or sys.exc_info()[0] is not None:
            return
        self.strangers()
        self.now = max(self.now, HALL.ends)
        self.both(co.EndDay(), lambda: self.model.end_day(self.now))
        self.alike()
        assert not any(visit.status in IN_HOUSE for visit in self.real.day.visits.values())
        for counter in COUNTERS:
            self.act(counter, "next", 0)
            self.act(counter, "undo", 0)
        self.arrive(crowd=[("snel", False, False, 0), ("burger", False, False, 1)])
        self.strangers()
        self.alike()
        assert self.real.retold() == self.real.day
        served_once(self.real.journal)


def served_once(journal: list[ev.Entry]) -> None:
    """From the journal alone: nobody is called while at a counter, or after they were served."""
    undone: set[int] = set()
    last: dict[str, int] = {}
    for entry in journal:
        counter = getattr(entry.event, "counter", None)
        if isinstance(entry.event, ev.Undone):
            undone.add(last[entry.event.counter])
        elif counter is not None:
            last[counter] = entry.seq
    where: dict[str, str] = {}
    for entry in journal:
        event = entry.event
        if entry.seq in undone:
            continue
        if isinstance(event, ev.Called):
            assert event.visit not in where, f"{event.visit} is {where[event.visit]} and called"
            where[event.visit] = f"at counter {event.counter}"
        elif isinstance(event, ev.ServiceFinished) and event.goes_on is None:
            assert where[event.visit] == f"at counter {event.counter}"
            where[event.visit] = "served"
        elif isinstance(event, ev.ServiceFinished | ev.NotPresent | ev.Parked | ev.Transferred):
            assert where.pop(event.visit) == f"at counter {event.counter}"
