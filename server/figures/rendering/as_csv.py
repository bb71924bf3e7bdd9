"""One table of a report as CSV: keys of the columns, then rows; an empty cell where nothing is to tell."""

from __future__ import annotations

import csv
import io

from server.figures.report import Table


def render(table: Table) -> str:
    """The table as RFC 4180 has it, but with plain line ends."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow([column.key for column in table.columns])
    rows.writerows(table.rows)
    return out.getvalue()
