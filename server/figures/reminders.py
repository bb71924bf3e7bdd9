"""``onthaal report reminders``: what was sent and whom it reached, and of each experiment what it found.

What became of people is never set against what they got: that is no effect, whoever reads it. Only arms that
were drawn are compared, and only once the experiment is over. docs/experiment.md says how to read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import sqlalchemy as sa

from server import database as db
from server.domain.house import House
from server.figures import comparisons
from server.figures.experiments import Trial, trials
from server.figures.report import BadQuestion, Column, Report, Table, Unit

KIND = "reminders"
DIMENSIONS = ("step", "channel")

MICRO = 1_000_000

_REACHED = {"sms": ("delivered", "shown"), "push": ("shown",), "mail": ("accepted", "delivered", "shown")}
"""The states that count as having reached somebody: those of ``notify.delivery``, held to it by a test."""
_SENT = ("accepted", "delivered", "shown", "failed")


def report(
    connection: sa.Connection, house: House, first: date, last: date, by: Sequence[str], now: int
) -> Report:
    """The reminders that were due from ``first`` to ``last``, and the experiments of any of these days.

    ``by`` is of :data:`DIMENSIONS`, none for both; experiments are told whole, whatever days are asked for.
    ``now`` is house time. Raises :class:`BadQuestion`.
    """
    for name in by:
        if name not in DIMENSIONS:
            why = "an experiment is told of everybody in it, never of a part that is chosen afterwards"
            raise BadQuestion(f"{name!r}: reminders are told by {' and '.join(DIMENSIONS)} only; {why}")
    if last < first:
        raise BadQuestion("the last day lies before the first")
    running = [
        trial for trial in trials(connection, house, now) if trial.begins <= last and first <= trial.last_slot
    ]
    tables = [
        _reminders(connection, house, first, last, tuple(by) or DIMENSIONS),
        comparisons.drawn(running),
        comparisons.arms(running),
        comparisons.comparisons(running),
        comparisons.needed(connection, house, running),
    ]
    return Report(KIND, house.site, first, last, tuple(tables), _notes(running))


def _reminders(
    connection: sa.Connection, house: House, first: date, last: date, by: tuple[str, ...]
) -> Table:
    """Deliveries by what is asked for. A reminder that went from one channel to the next counts in each."""
    table, calendar = db.delivery.c, house.calendar
    reached = sa.or_(
        *(sa.and_(table.channel == channel, table.state.in_(states)) for channel, states in _REACHED.items())
    )
    sent = sa.and_(table.attempt > 0, table.state.in_(_SENT))

    def count(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.func.sum(sa.case((condition, 1), else_=0))

    names = [table[name] for name in by]
    rows = connection.execute(
        sa.select(
            *names,
            sa.func.count(),
            count(table.rank == 0),
            count(sent),
            count(reached),
            count(table.state == "failed"),
            count(table.state == "withdrawn"),
            count(table.state.in_(("planned", "sending"))),
            sa.func.sum(table.parts),
            sa.func.sum(table.cost),
        )
        .where(
            table.site == house.site,
            table.kind == "reminder",
            table.due_at >= calendar.midnight_before(first),
            table.due_at < calendar.midnight_after(last),
        )
        .group_by(*names)
        .order_by(*names)
    ).all()
    told = []
    for row in rows:
        values = list(row)
        groups = [value or "none yet" for value in values[: len(by)]]
        cost = values[-1]
        told.append((*groups, *values[len(by) : -1], None if cost is None else cost / MICRO))
    return Table(
        "reminders",
        "Reminders that were due",
        (
            *(Column(name, name.capitalize(), Unit.TEXT) for name in by),
            Column("deliveries", "Deliveries", Unit.COUNT),
            Column("reminders", "First tried this way", Unit.COUNT),
            Column("sent", "Sent", Unit.COUNT),
            Column("reached", "Reached somebody", Unit.COUNT),
            Column("failed", "Failed", Unit.COUNT),
            Column("withdrawn", "Withdrawn", Unit.COUNT),
            Column("waiting", "Not sent yet", Unit.COUNT),
            Column("parts", "SMS parts", Unit.COUNT),
            Column("cost", "Cost", Unit.NUMBER),
        ),
        tuple(told),
        () if told else ("No reminder was due in these days.",),
    )


def _notes(running: list[Trial]) -> tuple[str, ...]:
    if not running:
        return ("No experiment ran on these days: whether reminders help cannot be told from this.",)
    notes = [
        "Everybody is told by the arm that was drawn, whether or not a message reached them (intention to "
        "treat), and each person once, by the first of their appointments that was drawn.",
        "Every interval is a 95 % interval of its own. Of many comparisons some look like an effect by "
        "chance: what counts is the one that was written down beforehand.",
    ]
    policies: dict[str, set[str]] = {}
    for trial in running:
        policies.setdefault(trial.id, set()).add(trial.policy)
    for name, under in policies.items():
        if len(under) > 1:
            notes.append(
                f"{name}: its arms or the house's reminders were changed on the way; each of its "
                f"{len(under)} policies is told by itself."
            )
    notes += dict.fromkeys(
        f"{trial.id}: its last day was changed on the way. If anybody had looked at outcomes before, these "
        "intervals are narrower than they should be."
        for trial in running
        if trial.moved_ends
    )
    return tuple(notes)
