"""A report as tables in a terminal, by rich."""

from __future__ import annotations

import io

from rich.console import Console
from rich.table import Column, Table

from server.figures.rendering.words import heading, is_number, said, turned
from server.figures.report import Report
from server.figures.report import Table as Figures


def render(made: Report, width: int | None = None) -> str:
    """The report for so many characters a line; as wide as it needs if none are given, as for a pipe."""
    out = io.StringIO()
    console = Console(file=out, highlight=False, markup=False, width=width or 1000)
    console.print(heading(made))
    for note in made.notes:
        console.print(note)
    for table in made.tables:
        console.print()
        console.print(table.title)
        if table.rows:
            console.print(_turned(table) if turned(table) else _upright(table))
        else:
            console.print("nothing to tell")
        for note in table.notes:
            console.print(note)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _upright(table: Figures) -> Table:
    heads = (
        Column(each.name, justify="right" if is_number(each) else "left", overflow="fold")
        for each in table.columns
    )
    shown = Table(*heads, box=None, pad_edge=False)
    for row in table.rows:
        shown.add_row(*(said(value, column) for value, column in zip(row, table.columns, strict=True)))
    return shown


def _turned(table: Figures) -> Table:
    heads = [Column("", overflow="fold"), *(Column("", justify="right", overflow="fold") for _ in table.rows)]
    shown = Table(*heads, box=None, pad_edge=False, show_header=False)
    for place, column in enumerate(table.columns):
        shown.add_row(column.name, *(said(row[place], column) for row in table.rows))
    return shown
