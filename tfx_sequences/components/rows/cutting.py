"""Which rows make which record: groups, their order, sessions and windows, with NumPy over all rows at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from tfx_sequences.schemas.spec.rows import RowWindow


@dataclasses.dataclass(frozen=True)
class CutRules:
    """How groups are cut into records.

    Attributes:
        session_gap: A greater difference of times begins a record; None: no difference does.
        window: Cuts sessions; None: a session is a record.
        min_steps: Shorter sessions are cut.
        label_at: `first`, `last`, `next` or `as_of`.
        label_after: With `as_of`, what is added to a record's last time.
    """

    session_gap: float | None = None
    window: RowWindow | None = None
    min_steps: int = 1
    label_at: str = "last"
    label_after: float = 0


@dataclasses.dataclass(frozen=True)
class Piece:
    """Which rows of a long group are cut, if they are not all of them.

    Attributes:
        begun: The first row belongs to a session that has records of earlier pieces.
        covered: Number of its first rows that are in records of earlier pieces.
        more: Later rows of the same group and split follow.
    """

    begun: bool = False
    covered: int = 0
    more: bool = False


WHOLE = Piece()


@dataclasses.dataclass(frozen=True)
class Cuts:
    """Records as ranges of sorted rows.

    Attributes:
        order: int `[N]`: the rows, sorted by group, split and time.
        starts: int `[R]`: the first place in `order` of each record.
        stops: int `[R]`: the place after its last.
        labels: int `[R]`: the place of the row with its label.
        begins: bool `[R]`: whether it is the first record of its session.
        groups: Number of groups.
        ties: Number of rows with the group and time of the row before.
        tied: int: their places in `order`.
        backwards: Number of rows that were read after a later row of their group.
        covered: Number of rows that are in a record.
        cut: Number of rows that are in none, by reason.
        done: The place of the first row that later records may need, where the next piece begins. Rows from there on
            are not counted yet.
        rest: What the next piece is, apart from `more`.
    """

    order: np.ndarray
    starts: np.ndarray
    stops: np.ndarray
    labels: np.ndarray
    begins: np.ndarray
    groups: int
    ties: int
    tied: np.ndarray
    backwards: int
    covered: int
    cut: dict[str, int]
    done: int
    rest: Piece


def cut_rows(
    groups: np.ndarray,
    times: np.ndarray | None,
    splits: np.ndarray | None,
    rows: np.ndarray,
    rules: CutRules,
    piece: Piece = WHOLE,
    uncut: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Cuts:
    """Sorts rows and cuts them into records.

    Args:
        groups: int `[N]`: the rank of each row's group.
        times: int64 or float64 `[N]`; None: rows keep the order in which they were read.
        splits: int `[N]`: the split of each row, where rows are divided by time; a record has rows of one split.
        rows: int `[N]`: the place of each row in what was read.
        rules: How to cut.
        piece: With `more`, the rows are of one group and split, and records that could depend on later rows are not
            made: they begin at `done`.
        uncut: Says by the last row of each session which are not cut into windows; None: all are.

    >>> cuts = cut_rows(np.array([1, 0, 1]), np.array([7, 5, 3]), None, np.arange(3), CutRules())
    >>> cuts.order.tolist(), cuts.starts.tolist(), cuts.stops.tolist()
    ([1, 2, 0], [0, 1], [1, 3])
    """
    count = len(groups)
    keys = [rows] if times is None else [rows, times]
    order = np.lexsort((*keys, *([] if splits is None else [splits]), groups))
    group = groups[order]
    new_group = np.ones(count, bool)
    new_group[1:] = group[1:] != group[:-1]
    new_part = new_group.copy()
    if splits is not None:
        split = splits[order]
        new_part[1:] |= split[1:] != split[:-1]
    tied, backwards = np.zeros(0, int), 0
    new_session = new_part.copy()
    time = None if times is None else times[order]
    if time is not None:
        tied = np.flatnonzero(~new_part[1:] & (time[1:] == time[:-1])) + 1
        backwards = _read_backwards(group, time, rows[order])
        if rules.session_gap is not None:
            new_session[1:] |= time[1:] - time[:-1] > rules.session_gap
    starts = np.flatnonzero(new_session)
    stops = np.append(starts[1:], count) if count else starts
    short = stops - starts < rules.min_steps
    short[:1] &= not piece.begun
    last, unfinished = (int(starts[-1]), bool(short[-1])) if count else (0, True)
    short_starts, short_stops = starts[short], stops[short]
    starts, stops = starts[~short], stops[~short]
    window = rules.window
    if window is not None:
        left = np.zeros(len(starts), bool) if uncut is None else uncut(order[stops - 1])
        first, end = windows(starts[~left], stops[~left], window)
        window = None if left[-1:].any() and not unfinished else window
        starts, stops = np.concatenate([starts[left], first]), np.concatenate([stops[left], end])
        ordered = np.argsort(starts, kind="stable")
        starts, stops = starts[ordered], stops[ordered]
    done = count
    if piece.more:
        done = _done(last, None if unfinished else window, starts, stops, count, time, rules)
        starts, stops = starts[starts < done], stops[starts < done]
    cut: dict[str, int] = {}
    too_short = int(np.maximum(0, np.minimum(short_stops, done) - short_starts).sum())
    if too_short:
        cut[f"in sessions of fewer than {rules.min_steps} rows"] = too_short
    covered = _covered(starts, stops, done, piece)
    if done - too_short > covered:
        cut["outside of all windows"] = done - too_short - covered
    begins = new_session[starts]
    begins[:1] &= not piece.begun
    labels, has_label = _labels(starts, stops, new_part, time, rules)
    if not has_label.all():
        starts, stops, labels, begins = (its[has_label] for its in (starts, stops, labels, begins))
        kept = _covered(starts, stops, done, piece)
        if covered > kept:
            cut["in records without a next row for their label"] = covered - kept
        covered = kept
    tied = tied[tied <= done]
    begun = piece.begun if not done else done < count and not new_session[done]
    rest = Piece(begun, max(0, piece.covered - done, int(stops.max(initial=0)) - done))
    return Cuts(
        order, starts, stops, labels, begins, int(new_group.sum()), len(tied), tied, backwards, covered, cut, done, rest
    )


def _done(
    session: int,
    window: RowWindow | None,
    starts: np.ndarray,
    stops: np.ndarray,
    count: int,
    time: np.ndarray | None,
    rules: CutRules,
) -> int:
    """The place from which on records may depend on later rows.

    Args:
        session: The first row of the last session.
        window: How it is cut; None if it is not, or does not have records so far.
        starts: int `[R]`: the first place of each record, if no later rows followed.
        stops: int `[R]`: the place after its last.
        count: Number of rows.
        time: `[N]`.
        rules: How to cut.
    """
    done = session
    if window is not None:
        # A window is final if a row follows it, and the next window has a row.
        length = count - session
        final = min(-(-(length - window.steps) // window.step_between), -(-length // window.step_between) - 1)
        done = session + max(0, final) * window.step_between
    if rules.label_at == "as_of" and time is not None:
        # Its label may be a row that is not here yet.
        late = _limit(time[stops - 1], rules.label_after) >= time[-1]
        done = min([done, *starts[late][:1].tolist()])
    return done


def windows(starts: np.ndarray, stops: np.ndarray, window: RowWindow) -> tuple[np.ndarray, np.ndarray]:
    """The windows of sessions.

    Args:
        starts: int `[S]`: the first row of each session.
        stops: int `[S]`: the row after its last.
        window: Number of rows and stride.

    Returns:
        First rows and rows after the last, int `[R]`.

    >>> windows(np.array([0]), np.array([7]), RowWindow(steps=4, stride=2))
    (array([0, 2, 4]), array([4, 6, 7]))
    """
    lengths, steps, stride = stops - starts, window.steps, window.step_between
    if window.partial == "drop":
        counts = np.maximum(0, (lengths - steps) // stride + 1)
    elif stride < steps:
        # The last window begins where the one before it does not reach the end.
        counts = 1 + np.maximum(0, -(-(lengths - steps) // stride))
    else:
        counts = -(-lengths // stride)
    session = np.repeat(np.arange(len(starts)), counts)
    number = np.arange(len(session)) - np.repeat(np.cumsum(counts) - counts, counts)
    first = starts[session] + number * stride
    return first, np.minimum(first + steps, stops[session])


def _covered(starts: np.ndarray, stops: np.ndarray, done: int, piece: Piece) -> int:
    """Number of rows before `done` that are in at least one range, or in records of earlier pieces."""
    stops = np.minimum(stops, done)
    depth = np.bincount(starts, minlength=done + 1) - np.bincount(stops, minlength=done + 1)
    depth[0] += piece.covered > 0
    depth[min(piece.covered, done)] -= piece.covered > 0
    return int((np.cumsum(depth) > 0).sum())


def _read_backwards(groups: np.ndarray, times: np.ndarray, rows: np.ndarray) -> int:
    read = np.lexsort((rows, groups))
    group, time = groups[read], times[read]
    return int(((group[1:] == group[:-1]) & (time[1:] < time[:-1])).sum())


def _labels(
    starts: np.ndarray, stops: np.ndarray, new_part: np.ndarray, time: np.ndarray | None, rules: CutRules
) -> tuple[np.ndarray, np.ndarray]:
    """The place of each record's label, and whether it has one."""
    everywhere = np.ones(len(starts), bool)
    if rules.label_at == "first":
        return starts, everywhere
    if rules.label_at == "last":
        return stops - 1, everywhere
    first_of_part = np.append(np.flatnonzero(new_part), len(new_part))
    part_end = first_of_part[np.searchsorted(first_of_part, stops - 1, side="right")]
    if rules.label_at == "next":
        return np.minimum(stops, len(new_part) - 1), stops < part_end
    if time is None:
        raise ValueError("an as-of label needs times")
    return _as_of(stops - 1, part_end, time, rules.label_after), everywhere


def _as_of(last: np.ndarray, part_end: np.ndarray, time: np.ndarray, after: float) -> np.ndarray:
    """The latest row up to `part_end` whose time is not after that of `last` plus `after`: a binary search of all."""
    limit = _limit(time[last], after)
    low, high = last.copy(), part_end - 1
    while (low < high).any():
        middle = (low + high + 1) // 2
        reached = time[middle] <= limit
        low, high = np.where(reached, middle, low), np.where(reached, high, middle - 1)
    return low


def _limit(time: np.ndarray, after: float) -> np.ndarray:
    return np.asarray(time + (int(after) if time.dtype.kind == "i" else after))
