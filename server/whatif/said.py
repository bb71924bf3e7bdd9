"""The answer for people at a terminal: two tables, and the sentence that pages say too."""

from __future__ import annotations

from pathlib import Path

import jinja2

import displays
from server.domain.house import House
from server.whatif.result import Figure, Group, Result, Spread
from server.words import words

_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(displays.__file__).parent / "pages"),
    undefined=jinja2.StrictUndefined,
)

FIGURES = {
    "visitors": "people",
    "mean_wait_s": "mean wait",
    "p50_wait_s": "half wait at most",
    "p90_wait_s": "nine in ten wait at most",
    "long_waits": "wait longer than 20 min",
    "left": "leave without being called",
    "not_served": "not served before closing",
    "called_on_time": "appointments called within 5 min",
    "late_or_missed": "appointments late or never reported",
    "counter_hours": "counter hours",
}

GROUPS = {"all": "all", "asked": "those it is for", "appointments": "appointments", "walk-ins": "walk-ins"}

Lines = list[list[str]]


def sentence(house: House, made: Result, language: str = "en") -> str:
    """The sentence of an answer, in a language of the pages."""
    said = words("whatif", language)
    names = {name: service.name for name, service in house.services.items()}
    template = _templates.get_template("parts/verdict.html")
    return template.render(verdict=made.verdict, services=names, **said.context()).strip()


def figures(made: Result) -> Lines:
    """The figures of everybody, heads first. A wait is in minutes; the range is that of nine runs in ten."""
    group = made.groups[0].figures
    past = [] if made.planned else ["recorded", "replayed"]
    lines = [["", *past, "without", "with", "difference (95 %)"]]
    for key, name in FIGURES.items():
        figure = group[key]
        times = [] if made.planned else [_value(figure.recorded, figure), _value(figure.replayed, figure)]
        lines.append([name, *times, *_runs(figure)])
    return lines


def by_group(made: Result) -> Lines:
    """The wait that nine in ten stay under, for each group of people, heads first."""
    lines = [["nine in ten wait at most", "people", "without", "with", "difference (95 %)"]]
    for group in made.groups:
        people = group.figures["visitors"].without.mean
        lines.append([_name(group), f"{people or 0:.0f}", *_runs(group.figures["p90_wait_s"])])
    return lines


def _name(group: Group) -> str:
    return GROUPS.get(group.id, group.name)


def _runs(figure: Figure) -> list[str]:
    return [
        _spread(figure.without, figure),
        _spread(figure.with_change, figure),
        _spread(figure.difference, figure, sign=True) if figure.told else "none that could be told",
    ]


def _spread(spread: Spread, figure: Figure, *, sign: bool = False) -> str:
    if spread.mean is None:
        return "-"
    ends = f" ({_value(spread.low, figure, sign)} to {_value(spread.high, figure, sign)})"
    return _value(spread.mean, figure, sign) + ("" if spread.low is None else ends)


def _value(value: float | None, figure: Figure, sign: bool = False) -> str:
    if value is None:
        return "-"
    plus = "+" if sign else ""
    if figure.unit == "seconds":
        text = f"{value / 60:{plus}.1f}"
    elif figure.unit == "share":
        text = f"{100 * value:{plus}.0f} %"
    else:
        text = f"{value:{plus}.0f}" if figure.unit == "count" else f"{value:{plus}.1f}"
    # What rounds to nought lies on no side of it.
    return text if text.strip("+-0. %") else text.lstrip("+-")
