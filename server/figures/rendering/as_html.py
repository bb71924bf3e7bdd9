"""A report as one page that needs nothing else: to be opened, printed, or sent on."""

from __future__ import annotations

from pathlib import Path

import jinja2

from server.figures.rendering.words import UNITS, heading, is_number, labels, said, turned
from server.figures.report import Report


def render(made: Report) -> str:
    """The page. Every column's unit and the place of its definition stand under its table."""
    text = (Path(__file__).parent / "report.html").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    page = environment.from_string(text).render(
        report=made,
        heading=heading(made),
        said=said,
        is_number=is_number,
        units=UNITS,
        turned=turned,
        labels=labels,
    )
    return page + "\n"
