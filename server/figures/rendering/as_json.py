"""A report as JSON: what the API answers, and ``--format json``."""

from __future__ import annotations

import msgspec

from server.figures.report import Report


class FigureColumn(msgspec.Struct):
    """A column: ``unit`` says what it counts in, ``figure`` which heading of the documentation defines it."""

    key: str
    name: str
    unit: str
    figure: str


class FigureTable(msgspec.Struct):
    """Rows under columns. A value is null where there is nothing to tell: a share or a wait of nobody."""

    id: str
    title: str
    columns: list[FigureColumn]
    rows: list[list[str | int | float | bool | None]]
    notes: list[str]


class Figures(msgspec.Struct):
    """The figures of the local days from ``from`` to ``to``, both included."""

    kind: str
    site: str
    from_: str = msgspec.field(name="from")
    to: str
    tables: list[FigureTable]
    notes: list[str]


def figures(made: Report) -> Figures:
    """The report as the API has it."""
    return Figures(
        kind=made.kind,
        site=made.site,
        from_=made.first.isoformat(),
        to=made.last.isoformat(),
        tables=[
            FigureTable(
                table.id,
                table.title,
                [FigureColumn(each.key, each.name, each.unit.value, each.figure) for each in table.columns],
                [list(row) for row in table.rows],
                list(table.notes),
            )
            for table in made.tables
        ],
        notes=list(made.notes),
    )


def render(made: Report) -> str:
    """The report as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(figures(made)), indent=2).decode() + "\n"
