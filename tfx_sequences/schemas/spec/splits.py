"""How records are assigned to splits: file patterns, and rules for splits without files."""

from __future__ import annotations

from typing import Annotated

import pydantic

from tfx_sequences.schemas.columns.base import Declared

Moment = Annotated[int | float | str, pydantic.Field(union_mode="smart")]

# Usual file names of a split. The first pattern is the default; the others are tried if it matches no file.
USUAL_PATTERNS = {
    "train": ("train*",),
    "valid": ("valid*", "val[!a-z]*", "dev*", "eval*"),
    "test": ("test*",),
}


class Splits(Declared):
    """The files of each split: glob patterns below the data folder.

    A split without files is held back from the training records: by a hash of the record, by a hash of its `group`, or
    by its `time`. The same records are held back in every run.

    >>> Splits(time="written", test_from="2024-06-01").bounds
    {'test': '2024-06-01'}
    """

    train: str = "train*"
    """Also matches `training-0`, `train0093` and the like."""
    valid: str = "valid*"
    """Also matches `validation-0` and `validate0001`. Where no file matches this default, `val-*`, `dev*` and
    `eval*` are tried, in this order."""
    test: str = "test*"
    """Also matches `testing-0`, `test0001` and the like."""
    valid_fraction: float = pydantic.Field(0.1, gt=0, lt=0.5)
    """Fraction of the training records that is held back for early stopping if no file matches `valid`."""
    test_fraction: float = pydantic.Field(0.1, gt=0, lt=0.5)
    """Fraction of the training records that is held back for the test if no file matches `test`."""
    group: str | None = None
    """Context feature, such as a user's key: all training records with the same value are in one split. The fractions
    above are then fractions of the groups."""
    time: str | None = None
    """Feature with the time of the record (for a sequence feature, the time of its last step): a number, or text that
    sorts by time, such as ISO dates. Later records are held back. It cannot be combined with `group`."""
    valid_from: Moment | None = None
    """With `time`: records from this time on, and before `test_from`, are `valid`. Omit it if `valid` has files."""
    test_from: Moment | None = None
    """With `time`: records from this time on are `test`. Omit it if `test` has files."""

    @pydantic.model_validator(mode="after")
    def _check(self) -> Splits:
        bounds = self.bounds
        if self.group is not None and self.time is not None:
            raise ValueError("splits: records are divided by `group` or by `time`, not by both")
        if self.time is None and bounds:
            raise ValueError(f"splits.{next(iter(bounds))}_from needs `time`, the key of the records' time")
        if self.time is not None and not bounds:
            raise ValueError("splits.time needs `valid_from` or `test_from`")
        if self.valid_from is not None and self.test_from is not None:
            kinds = {isinstance(bound, str) for bound in bounds.values()}
            if len(kinds) > 1:
                raise ValueError("splits: valid_from and test_from must both be numbers, or both be text")
            if not self.valid_from < self.test_from:  # type: ignore[operator]
                raise ValueError("splits: valid_from must be before test_from")
        return self

    @property
    def bounds(self) -> dict[str, int | float | str]:
        """The first time of each split that is selected by time."""
        given = {"valid": self.valid_from, "test": self.test_from}
        return {name: bound for name, bound in given.items() if bound is not None}
