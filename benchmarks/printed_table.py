"""Tables that are whole in a file too."""

from __future__ import annotations

import rich.console
import rich.measure
import rich.table

_WIDEST = 10_000


def print_table(table: rich.table.Table) -> None:
    """Prints a table to standard output: where that is not a terminal, as wide as its cells need.

    rich takes a file for a terminal of 80 columns, and cuts off what does not fit.
    """
    console = rich.console.Console()
    if not console.is_terminal:
        options = console.options.update(width=_WIDEST)
        console.width = rich.measure.Measurement.get(console, options, table).maximum
    console.print(table)
