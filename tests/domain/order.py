"""Who is next, told class by class: the design's rules (1) to (6) and the one in *k*.

Imports nothing of the server. Moments are integers in microseconds, durations integers in seconds.
"""

from __future__ import annotations

from domain.telling import Hall, Person, Told

S = 1_000_000

ORDER = ("again", "priority", "overdue", "appointment", "walk-in", "early", "overflow")
"""The names of the classes, best first."""


class Line:
    """Who may be called to which counter, in which order, and who is passed by it."""

    hall: Hall
    now: Told

    def waiting(self) -> list[Person]:
        return [p for p in self.now.people.values() if p.where == "waiting"]

    def serves(self, counter: str, p: Person) -> bool:
        if p.only_staff is not None and p.only_staff != self.now.posts[counter].staff:
            return False
        if p.only_counter is not None:
            return p.only_counter == counter
        return p.service in self.hall.desks[counter].offers

    def helps(self, counter: str, p: Person) -> bool:
        free = p.only_counter is None and p.only_staff is None
        return free and p.service in self.hall.desks[counter].helps and self.hall.works[p.service].express

    def order(self, counter: str, now: int) -> list[tuple[str, str]]:
        """(ticket, rule) of everybody this counter may call, who is next first."""
        own = [p for p in self.waiting() if self.serves(counter, p)]
        again = [p for p in own if p.again]
        fresh = [p for p in own if not p.again]
        marked = [p for p in fresh if p.priority]
        plain = [p for p in fresh if not p.priority]
        early = [p for p in plain if p.slot is not None and now < p.slot]
        due = [p for p in plain if p.slot is not None and now >= p.slot and self._in_time(p)]
        rest = [p for p in plain if p not in early and p not in due]
        others = [p for p in self.waiting() if p not in own and self.helps(counter, p)]

        by_report = lambda p: p.seniority  # noqa: E731
        by_slot = lambda p: (p.slot, *p.seniority)  # noqa: E731
        too_long = sorted((p for p in rest if self._too_long(p, now)), key=by_report)
        first = too_long[:1] if due and self._may_put_first(counter) else []
        lines: dict[str, list[Person]] = {
            "again": sorted(again, key=by_report),
            "priority": sorted(marked, key=by_report),
            "overdue": first,
            "appointment": sorted(due, key=by_slot),
            "walk-in": sorted((p for p in rest if p not in first), key=by_report),
            "early": sorted(early, key=by_slot),
            "overflow": sorted(others, key=by_report),
        }
        return [(p.ticket, rule) for rule in ORDER for p in lines[rule]]

    def _in_time(self, p: Person) -> bool:
        work = self.hall.works[p.service]
        assert p.slot is not None
        # Who was told a later time by the house is late only from then on.
        expected = p.slot if p.told is None else p.told
        return p.reported - expected <= S * (work.late_limit if p.warned else work.grace)

    def _too_long(self, p: Person, now: int) -> bool:
        since = p.reported if p.slot is None else max(p.slot, p.reported)
        return now - since > S * self.hall.works[p.service].waiting_limit

    def _may_put_first(self, counter: str) -> bool:
        k = self.hall.k
        recent = self.now.posts[counter].history[-(k - 1) :] if k > 1 else []
        return "overdue" not in recent

    def passed(self, counter: str, chosen: Person, now: int) -> list[str]:
        """The tickets this counter might have called that came before the chosen one."""
        could = {ticket for ticket, _ in self.order(counter, now)}
        people = [p for p in self.waiting() if p.ticket in could and p.id != chosen.id]
        return [p.ticket for p in sorted(people, key=lambda p: p.seniority) if p.seniority < chosen.seniority]
