"""The tables of experiments: who was drawn, what became of them by arm, arm against arm, how many it needs.

An experiment that is not over has neither outcomes nor comparisons here, only the day from which it will.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from server.domain.house import House
from server.figures import trial as statistics
from server.figures.experiments import Arm, Effect, Ended, Trial, missed_before
from server.figures.report import Column, Table, Unit, Value
from server.figures.trial import Counted, Interval, katz, newcombe, wilson

BASE_DAYS = 365
BASE_LEAST = 1000
"""So many appointments tell how many are missed; below that :data:`BASE_STATED` is taken."""
BASE_STATED = 0.07
"""Who did not report, of a hundred, in the house that this was built for (November 2019)."""
RATIOS = (0.75, 0.85)
"""Effects to be able to see: what the first reviews found of a reminder, and what a second one adds."""


_SAID = {
    Effect.MISSED: ("missed it", "missed it"),
    Effect.LATE: ("came late", "come late"),
    Effect.CANCELLED: ("cancelled in time", "cancelled in time"),
}

_NAMED = (Column("experiment", "Experiment", Unit.TEXT), Column("policy", "Policy", Unit.TEXT))


def drawn(running: Sequence[Trial]) -> Table:
    rows: list[tuple[Value, ...]] = []
    for trial in running:
        for arm in trial.arms:
            rows.append(
                (trial.id, trial.policy, arm.id, arm.ladder or "none", arm.probability, arm.drawn, arm.people)
            )
        rows.extend(
            (trial.id, trial.policy, f"not part of it: {reason}", None, None, count, None)
            for reason, count in trial.barred.items()
        )
    return Table(
        "drawn",
        "Who was drawn",
        (
            *_NAMED,
            Column("arm", "Arm", Unit.TEXT),
            Column("ladder", "Reminders", Unit.TEXT),
            Column("probability", "Probability", Unit.SHARE),
            Column("drawn", "Appointments", Unit.COUNT),
            Column("people", "People, by their first appointment", Unit.COUNT),
        ),
        tuple(rows),
    )


def arms(running: Sequence[Trial]) -> Table:
    rows: list[tuple[Value, ...]] = []
    for trial in running:
        for effect in Effect if trial.ended is not None else ():
            for arm in trial.arms:
                ended = _of(trial, arm)
                counted = Counted(ended.effects[effect], ended.told)
                rows.append(
                    (
                        *(trial.id, trial.policy, effect.value, arm.id, arm.people, ended.unknown),
                        *(counted.n, counted.events, *_ends(wilson(counted))),
                    )
                )
    return Table(
        "arms",
        "What became of them, by the arm that was drawn",
        (
            *_NAMED,
            Column("outcome", "Outcome", Unit.TEXT),
            Column("arm", "Arm", Unit.TEXT),
            Column("people", "People drawn", Unit.COUNT),
            Column("unknown", "Outcome never known", Unit.COUNT),
            Column("n", "People", Unit.COUNT),
            Column("events", "It happened to", Unit.COUNT),
            Column("risk", "Share", Unit.SHARE),
            Column("risk_low", "at least", Unit.SHARE),
            Column("risk_high", "at most", Unit.SHARE),
        ),
        tuple(rows),
        tuple(dict.fromkeys(_not_yet(trial) for trial in running if trial.ended is None)),
    )


def comparisons(running: Sequence[Trial]) -> Table:
    rows: list[tuple[Value, ...]] = []
    for trial in running:
        reference = trial.reference
        for effect in Effect:
            for arm in trial.arms:
                if arm is not reference:
                    rows.append(_comparison(trial, effect, arm, reference))
    return Table(
        "comparisons",
        "Arm against arm",
        (
            *_NAMED,
            Column("outcome", "Outcome", Unit.TEXT),
            Column("arm", "Arm", Unit.TEXT),
            Column("reference", "Compared with", Unit.TEXT),
            Column("difference", "Risk difference", Unit.NUMBER),
            Column("difference_low", "at least", Unit.NUMBER),
            Column("difference_high", "at most", Unit.NUMBER),
            Column("ratio", "Risk ratio", Unit.NUMBER),
            Column("ratio_low", "at least", Unit.NUMBER),
            Column("ratio_high", "at most", Unit.NUMBER),
            Column("words", "In words", Unit.TEXT),
        ),
        tuple(rows),
    )


def _comparison(trial: Trial, effect: Effect, arm: Arm, reference: Arm) -> tuple[Value, ...]:
    named = (trial.id, trial.policy, effect.value, arm.id, reference.id)
    if trial.ended is None:
        return (*named, *_ends(None), *_ends(None), _not_yet(trial))
    one, other = _of(trial, arm), _of(trial, reference)
    mine, theirs = Counted(one.effects[effect], one.told), Counted(other.effects[effect], other.told)
    difference = newcombe(mine, theirs)
    said = words(effect, arm.id, reference.id, difference)
    return (*named, *_ends(difference), *_ends(katz(mine, theirs)), said)


def words(effect: Effect, arm: str, reference: str, difference: Interval | None) -> str:
    """A comparison as a sentence: an effect, or between what it could be; counted in a hundred people."""
    if difference is None:
        return f"Not known: nobody was drawn into {arm}, or nobody into {reference}."
    happened, happen = _SAID[effect]
    low, high = 100 * difference.low, 100 * difference.high
    if low <= 0 <= high:
        return (
            f"Not known: of 100 people, between {_by(low)} and {_by(high)} could have {happen} in {arm} "
            f"than in {reference} (95 % interval)."
        )
    least, most = sorted((abs(low), abs(high)))
    return (
        f"Of 100 people, {_by(100 * difference.value)} {happened} in {arm} than in {reference} "
        f"(95 % interval: {least:.1f} to {most:.1f})."
    )


def _by(of_hundred: float) -> str:
    return f"{abs(of_hundred):.1f} {'fewer' if of_hundred < 0 else 'more'}"


def _not_yet(trial: Trial) -> str:
    return (
        f"{trial.id}: not yet known. What became of whom is shown from {trial.known_on} on, when the last "
        "day on which people are drawn and all of their appointments are over. It may become later only."
    )


def needed(connection: sa.Connection, house: House, running: Sequence[Trial]) -> Table:
    rows: list[tuple[Value, ...]] = []
    for trial in running:
        missed, every = missed_before(connection, house, trial.begins, BASE_DAYS)
        stated = every < BASE_LEAST
        base = BASE_STATED if stated else missed / every
        reference = trial.reference
        for arm in trial.arms:
            if arm is reference:
                continue
            share = reference.probability / (reference.probability + arm.probability)
            for ratio in RATIOS:
                rows.append(
                    (
                        *(trial.id, trial.policy, arm.id, reference.id),
                        *(base, "stated" if stated else "this house"),
                        *(ratio, statistics.needed(base, ratio * base, share), arm.people + reference.people),
                    )
                )
    return Table(
        "needed",
        "How many people it needs",
        (
            *_NAMED,
            Column("arm", "Arm", Unit.TEXT),
            Column("reference", "Compared with", Unit.TEXT),
            Column("base", "Missed without it", Unit.SHARE),
            Column("source", "Known from", Unit.TEXT),
            Column("ratio", "To see a risk ratio of", Unit.NUMBER),
            Column("needed", "People needed in both arms", Unit.COUNT),
            Column("people", "People so far", Unit.COUNT),
        ),
        tuple(rows),
        (
            "Of 100 such experiments 80 see such an effect, at 5 % error, two-sided. How many are missed is "
            f"known from the {BASE_DAYS} days before, or stated where fewer than {BASE_LEAST} are known.",
        )
        if rows
        else (),
    )


def _of(trial: Trial, arm: Arm) -> Ended:
    assert trial.ended is not None
    return trial.ended[arm.id]


def _ends(interval: Interval | None) -> tuple[float | None, float | None, float | None]:
    if interval is None:
        return None, None, None
    return round(interval.value, 6), round(interval.low, 6), round(interval.high, 6)
