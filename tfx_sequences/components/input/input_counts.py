"""Counts of records that an epoch read, truncated and dropped: nothing is dropped silently."""

from __future__ import annotations

import dataclasses
from typing import Any

_MOST_NAMED = 10


@dataclasses.dataclass
class Noted:
    """The number of records with the same fate, and the names of the first ten."""

    count: int = 0
    first: list[str] = dataclasses.field(default_factory=list)

    def __str__(self) -> str:
        rest = self.count - len(self.first)
        return f"{self.count} ({', '.join(self.first)}{f' and {rest} more' if rest else ''})"


@dataclasses.dataclass
class InputCounts:
    """The counts of one epoch.

    Attributes:
        epoch: The epoch, counted from 0.
        records: Number of records in batches.
        batches: Number of batches, over all workers.
        real_steps: Steps of the records, as batched.
        padded_steps: Steps of the batches, with padding.
        truncated: Records truncated to `max_length`.
        too_short: Records dropped by `drop_shorter_than`.
        too_long: Records dropped by `drop_longer_than`.
        malformed: Records dropped because they cannot be parsed.

    >>> counts = InputCounts(0, records=8, batches=2, real_steps=30, padded_steps=40)
    >>> counts.note("too_short", 3, ["a.gz:1", "a.gz:2", "a.gz:9"])
    >>> print(counts)
    epoch 0: 8 records in 2 batches, 25.0% padding; too short, dropped: 3 (a.gz:1, a.gz:2, a.gz:9)
    """

    epoch: int
    records: int = 0
    batches: int = 0
    real_steps: int = 0
    padded_steps: int = 0
    truncated: Noted = dataclasses.field(default_factory=Noted)
    too_short: Noted = dataclasses.field(default_factory=Noted)
    too_long: Noted = dataclasses.field(default_factory=Noted)
    malformed: Noted = dataclasses.field(default_factory=Noted)

    @property
    def padding_share(self) -> float:
        """The padding ratio: the fraction of computed steps that are padding, in `[0, 1)`."""
        return 1 - self.real_steps / self.padded_steps if self.padded_steps else 0.0

    @property
    def noted(self) -> dict[str, Noted]:
        """The attributes that note records, by name."""
        return {name: value for name, value in vars(self).items() if isinstance(value, Noted)}

    def note(self, what: str, count: int, names: list[str]) -> None:
        """Adds `count` records to the attribute `what`; `names` are those of the first ones."""
        noted: Noted = getattr(self, what)
        noted.count += count
        noted.first += names[: _MOST_NAMED - len(noted.first)]

    def wanted_names(self, what: str) -> int:
        """Number of names that `note` can still store."""
        return _MOST_NAMED - len(getattr(self, what).first)

    def to_dict(self) -> dict[str, Any]:
        """Converts to plain data, for reports and for the state of an input."""
        return dataclasses.asdict(self)

    def copy(self) -> InputCounts:
        """A copy with the same counts."""
        return self.from_dict(self.to_dict())

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> InputCounts:
        """The inverse of `to_dict`."""
        values: dict[str, Any] = {}
        for name, value in data.items():
            values[name] = Noted(value["count"], list(value["first"])) if isinstance(value, dict) else value
        return cls(**values)

    def __str__(self) -> str:
        line = f"epoch {self.epoch}: {self.records} records in {self.batches} batches, {self.padding_share:.1%} padding"
        labels = {
            "truncated": "truncated",
            "too_short": "too short, dropped",
            "too_long": "too long, dropped",
            "malformed": "malformed, dropped",
        }
        parts = [f"{label}: {getattr(self, name)}" for name, label in labels.items() if getattr(self, name).count]
        return "; ".join([line, *parts])
