"""The errors of this package. Every message has four parts: what, expected, received, fix."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class TfxSequencesError(Exception):
    """Base class of all errors that this package raises deliberately.

    The command line turns it into one message and `exit_code`, without a
    traceback.
    """

    exit_code = 3


class UserInputError(TfxSequencesError, ValueError):
    """Something the user gave (spec, data, folder, machine) is not valid.

    Args:
        what: What happened, with the feature, file and record where known.
        expected: What would have been accepted.
        received: What was found instead.
        fix: What to do about it.

    Example:

    >>> print(UserInputError("No such folder.", expected="a folder", received="'x'", fix="Check --data."))
    No such folder.
      expected: a folder
      received: 'x'
      fix:      Check --data.
    """

    exit_code = 2

    def __init__(
        self,
        what: str,
        *,
        expected: str | None = None,
        received: str | None = None,
        fix: str | None = None,
    ) -> None:
        self.what = what
        self.expected = expected
        self.received = received
        self.fix = fix
        super().__init__(four_parts(what, expected, received, fix))

    # Beam and multiprocessing pickle exceptions; keyword-only arguments need help there.
    def __reduce__(self) -> tuple[object, ...]:
        state = {"expected": self.expected, "received": self.received, "fix": self.fix}
        return _rebuild, (type(self), self.what, state)


def _rebuild(cls: type[UserInputError], what: str, state: dict[str, str | None]) -> UserInputError:
    return cls(what, **state)


class SpecError(UserInputError):
    """A `SequenceSpec` that cannot be used as written."""


class DataError(UserInputError):
    """Records that cannot be read, or that do not match the spec."""


class EnvironmentNotSupportedError(UserInputError):
    """The interpreter, the C library or Keras is not supported."""


def four_parts(what: str, expected: str | None, received: str | None, fix: str | None) -> str:
    """The message: what happened, followed by one line for each given part.

    >>> print(four_parts("No such folder.", None, "'x'", "Check --data."))
    No such folder.
      received: 'x'
      fix:      Check --data.
    """
    parts = (("expected", expected), ("received", received), ("fix", fix))
    return "\n".join([what, *(f"  {name + ':':<9} {text}" for name, text in parts if text)])


def closest_name(name: object, candidates: Iterable[object]) -> str | None:
    """The candidate most similar to `name`, or None if none is close.

    >>> closest_name("shpe", ["shape", "dtype"])
    'shape'
    """
    matches = difflib.get_close_matches(str(name), [str(c) for c in candidates], n=1, cutoff=0.6)
    return matches[0] if matches else None


def did_you_mean(name: object, candidates: Iterable[object]) -> str:
    """`" Did you mean 'x'?"` for the closest candidate, or an empty string.

    >>> did_you_mean("shpe", ["shape", "dtype"])
    " Did you mean 'shape'?"
    >>> did_you_mean("zzz", ["shape", "dtype"])
    ''
    """
    match = closest_name(name, candidates)
    return f" Did you mean '{match}'?" if match else ""


def shortened(names: Iterable[object], most: int = 8) -> str:
    """Names joined for a message: the first `most` of them and the number of the rest.

    >>> shortened("abcd", most=2)
    "'a', 'b' and 2 more"
    """
    listed = [f"'{n}'" for n in names]
    rest = len(listed) - most
    return ", ".join(listed[:most]) + (f" and {rest} more" if rest > 0 else "")
