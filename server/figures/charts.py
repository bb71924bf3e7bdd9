"""Charts of figures, as SVG: what a table says, for people who would rather look.

Drawn by matplotlib with the house's typeface as outlines, so that a picture looks the same in a page, in
print and in a mail. No chart tells anything by colour alone, and each stands beside its table. The words in
them come from whoever asks, in their language.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import fontpkg_fira_sans
import numpy as np
from matplotlib import dates, font_manager, rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

# The colours of static/css/tokens.css; on paper all of them have 4.5:1 or more, but for the fills.
PAPER, LINEN, THREAD, BORDER = "#ffffff", "#f1f4f7", "#c5d0da", "#64788a"
INK, SLATE, HARBOUR, BRICK, SUN = "#0b2034", "#43566a", "#0a4c86", "#9a1b1b", "#ffd034"

WIDTH_IN = 9.0
"""A picture's width in inches of 72 points: as wide as a page of paper between its margins."""

_HEAT = LinearSegmentedColormap.from_list("heat", ["#eef3f8", "#9dbedb", HARBOUR])

_ABOVE: dict[str, Any] = {
    "loc": "lower left",
    "bbox_to_anchor": (0, 1),
    "frameon": False,
    "borderaxespad": 0.2,
}
"""A legend over the picture, where it hides nothing."""


@dataclass(frozen=True, slots=True)
class Bar:
    """So many appointments that reported from ``from_min`` minutes after their slot on (before: negative)."""

    from_min: int
    count: int
    kind: str


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Arrival against slot, in bars of ``width_min`` minutes. ``never`` have no minute to stand at.

    A bar's ``kind`` is ``early``, ``on-time``, ``grace`` or ``late``, and ``names`` says these and ``never``
    in words, as it says ``minutes`` and ``appointments`` for the axes.
    """

    bars: Sequence[Bar]
    never: int
    width_min: int
    names: dict[str, str]


@dataclass(frozen=True, slots=True)
class Heat:
    """A value for each row and column, None where there is nothing to tell; ``label`` says what it counts."""

    rows: Sequence[str]
    columns: Sequence[str]
    values: Sequence[Sequence[float | None]]
    label: str


@dataclass(frozen=True, slots=True)
class Waited:
    """Somebody who reported at a moment and waited so many seconds."""

    at: datetime
    wait_s: float
    appointment: bool


@dataclass(frozen=True, slots=True)
class DayWaits:
    """The waits of a day over the counters that were open: ``counters`` are moments from which so many were.

    ``names`` says ``minutes``, ``counters``, ``appointment`` and ``walk-in`` in words.
    """

    waits: Sequence[Waited]
    counters: Sequence[tuple[datetime, int]]
    names: dict[str, str]


def arrivals(told: Arrivals) -> bytes:
    """The distribution of arrival against slot, with those who never came beside it."""
    looks = {"early": (THREAD, ""), "on-time": (HARBOUR, ""), "grace": (SUN, ".."), "late": (BRICK, "//")}
    with _drawing(3.6) as (figure, made):
        axes = figure.add_gridspec(1, 2, width_ratios=[12, 1], wspace=0.06)
        main, beside = figure.add_subplot(axes[0]), figure.add_subplot(axes[1])
        for bar in told.bars:
            colour, hatch = looks[bar.kind]
            drawn = main.bar(
                bar.from_min,
                bar.count,
                width=told.width_min * 0.92,
                align="edge",
                color=colour,
                hatch=hatch,
                edgecolor=PAPER if bar.kind != "grace" else INK,
                linewidth=0,
            )
            drawn[0].set_gid(f"from{bar.from_min}")
        main.axvline(0, color=INK, linewidth=1.2)
        main.set_xlabel(told.names["minutes"])
        main.set_ylabel(told.names["appointments"])
        main.yaxis.set_major_locator(MaxNLocator(integer=True))
        beside.bar(0, told.never, width=0.6, color=PAPER, edgecolor=BRICK, hatch="xx", linewidth=1.2)
        beside.set_xticks([0], [told.names["never"]])
        beside.set_xlim(-0.6, 0.6)
        beside.text(0, told.never, f" {told.never}", ha="center", va="bottom", color=INK)
        for each in (main, beside):
            _plain(each)
        beside.spines["left"].set_visible(False)
        beside.yaxis.set_visible(False)
        top = max([bar.count for bar in told.bars] + [told.never, 1]) * 1.08
        main.set_ylim(0, top)
        beside.set_ylim(0, top)
        present = {bar.kind for bar in told.bars if bar.count}
        handles = [
            Patch(
                facecolor=colour,
                hatch=hatch,
                edgecolor=INK if kind == "grace" else PAPER,
                label=told.names[kind],
            )
            for kind, (colour, hatch) in looks.items()
            if kind in present
        ]
        if handles:
            main.legend(handles=handles, **_ABOVE, ncols=len(handles))
    return made()


def heat(told: Heat) -> bytes:
    """Rows by columns as a heat map, each value written into its cell."""
    values = np.array([[np.nan if v is None else v for v in row] for row in told.values], dtype=float)
    with _drawing(0.9 + 0.42 * len(told.rows)) as (figure, made):
        axes = figure.add_subplot()
        top = float(np.nanmax(values)) if np.isfinite(values).any() else 1.0
        axes.pcolormesh(
            np.arange(len(told.columns) + 1),
            np.arange(len(told.rows) + 1),
            np.ma.masked_invalid(values),
            cmap=_HEAT,
            vmin=0,
            vmax=top or 1.0,
            edgecolors=PAPER,
            linewidth=1.5,
        )
        for (row, column), value in np.ndenumerate(values):
            if np.isfinite(value):
                dark = value > 0.75 * top
                axes.text(
                    column + 0.5,
                    row + 0.5,
                    f"{value:.0f}",
                    ha="center",
                    va="center",
                    color=PAPER if dark else INK,
                    fontsize=9,
                )
        axes.set_xticks(np.arange(len(told.columns)) + 0.5, told.columns)
        axes.set_yticks(np.arange(len(told.rows)) + 0.5, told.rows)
        axes.invert_yaxis()
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.set_title(told.label, loc="left", fontsize=10, color=SLATE)
    return made()


def day_waits(told: DayWaits) -> bytes:
    """Each person's wait at the moment they reported, over how many counters were open."""
    with _drawing(4.6) as (figure, made):
        grid = figure.add_gridspec(2, 1, height_ratios=[3, 1], hspace=0.12)
        above = figure.add_subplot(grid[0])
        below = figure.add_subplot(grid[1], sharex=above)
        for by_appointment, marker, colour in ((False, "o", SUN), (True, "D", HARBOUR)):
            of = [each for each in told.waits if each.appointment is by_appointment]
            above.scatter(
                [dates.date2num(each.at) for each in of],
                [each.wait_s / 60 for each in of],
                s=20 if marker == "o" else 16,
                marker=marker,
                color=colour,
                edgecolors=INK,
                linewidths=0.5,
                label=told.names["appointment" if by_appointment else "walk-in"],
            )
        above.set_ylabel(told.names["minutes"])
        above.set_ylim(bottom=0)
        above.yaxis.set_major_locator(MaxNLocator(integer=True))
        if told.waits:
            above.legend(**_ABOVE, ncols=2, handletextpad=0.2)
        if told.counters:
            moments = [dates.date2num(at) for at, _ in told.counters]
            below.fill_between(
                moments, [count for _, count in told.counters], step="post", color=THREAD, linewidth=0
            )
            below.step(moments, [count for _, count in told.counters], where="post", color=INK, linewidth=1.2)
            zone = told.counters[0][0].tzinfo
            below.xaxis.set_major_locator(dates.HourLocator(tz=zone))
            below.xaxis.set_major_formatter(dates.DateFormatter("%-H:%M", tz=zone))
        below.set_ylabel(told.names["counters"])
        below.set_ylim(bottom=0)
        below.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
        above.tick_params(labelbottom=False)
        for each in (above, below):
            _plain(each)
    return made()


def _plain(axes: Axes) -> None:
    """Only the lines that help to read a value."""
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(BORDER)
    axes.tick_params(length=0)
    axes.grid(axis="y", color=THREAD, linewidth=0.6)
    axes.set_axisbelow(True)


@contextmanager
def _drawing(height_in: float) -> Iterator[tuple[Figure, Callable[[], bytes]]]:
    """A figure in the house's style, and what makes its SVG: the same bytes for the same figures."""
    with rc_context(_style()):
        figure = Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
        canvas = FigureCanvasSVG(figure)

        def made() -> bytes:
            with rc_context(_style()):
                stream = io.BytesIO()
                canvas.print_svg(stream, metadata={"Date": None, "Creator": None})
                return stream.getvalue()

        yield figure, made


@cache
def _style() -> Any:
    folder = Path(fontpkg_fira_sans.__file__).parent / "files"
    for weight in ("Regular", "SemiBold"):
        font_manager.fontManager.addfont(folder / f"FiraSans-{weight}.ttf")
    return {
        "font.family": "Fira Sans",
        "font.size": 10,
        "text.color": INK,
        "axes.labelcolor": SLATE,
        "axes.facecolor": PAPER,
        "figure.facecolor": PAPER,
        "xtick.color": SLATE,
        "ytick.color": SLATE,
        "hatch.linewidth": 0.8,
        "hatch.color": PAPER,
        "svg.fonttype": "path",
        "svg.hashsalt": "onthaal",
    }
