"""Counts what became of everything that an attack tried."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from pathlib import Path

OUTCOMES = ("answered", "refused", "counted", "crashed", "lost")


@dataclasses.dataclass
class Tally:
    """How often each route had each outcome.

    `answered`: the route used the input. `refused`: it named the input's fault. `counted`: it left the input out and
    reported that. `crashed`: an exception that is not one of ours, or a process that died. `lost`: no outcome at all.
    """

    counts: dict[str, Counter[str]] = dataclasses.field(default_factory=dict)

    def add(self, route: str, outcome: str, number: int = 1) -> None:
        """Counts a number of inputs.

        Raises:
            ValueError: The outcome is not one of `OUTCOMES`.
        """
        if outcome not in OUTCOMES:
            raise ValueError(f"unknown outcome {outcome!r}")
        self.counts.setdefault(route, Counter())[outcome] += number

    def tried(self, route: str) -> int:
        """How many inputs the route got."""
        return self.counts.get(route, Counter()).total()

    def lines(self) -> list[str]:
        """A table for people, a line for each route."""
        rows = [("route", "tried", *OUTCOMES)]
        rows += [(route, self.tried(route), *(of[name] for name in OUTCOMES)) for route, of in self.counts.items()]
        width = max(len(str(row[0])) for row in rows)
        return [" ".join([str(row[0]).ljust(width), *(str(cell).rjust(9) for cell in row[1:])]) for row in rows]

    def write(self, file: Path) -> None:
        """Writes the counts as JSON."""
        file.write_text(json.dumps(self.counts, indent=1) + "\n", "utf-8")
