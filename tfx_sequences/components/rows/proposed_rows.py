"""Proposes a whole spec, with `rows`, for a table: group, order, sessions, label, and a column for each feature."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from tfx_sequences.compat import joined_tables
from tfx_sequences.components.rows.column_facts import ColumnFacts
from tfx_sequences.components.rows.cutting import CutRules, cut_rows
from tfx_sequences.components.rows.frames import Frames, frames_of
from tfx_sequences.components.rows.row_times import order_kind, order_values
from tfx_sequences.errors import DataError, SpecError, did_you_mean, shortened
from tfx_sequences.schemas.columns.base import declared
from tfx_sequences.schemas.columns.group_names import is_group_name, is_id_name, words_of
from tfx_sequences.schemas.proposal.proposal import Note, Proposal
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

_LABEL_WORDS = frozenset(("label", "labels", "target", "class", "outcome", "y", "churned", "converted"))
_ORDER_WORDS = frozenset(
    ("time", "timestamp", "ts", "date", "datetime", "t", "step", "seq", "position", "index", "order")
)
_MOST_CLASSES = 50
_TEXT_WORDS = 4
# Rows may differ in a few groups for which the value is wrong somewhere, or has changed.
_CHANGES = 0.05
# Gaps between sessions: those after the greatest relative jump between gaps, if it is at least this factor.
_JUMP = 8.0
_GAPS = {
    "1m": 60,
    "5m": 300,
    "10m": 600,
    "30m": 1800,
    "1h": 3600,
    "2h": 7200,
    "6h": 21_600,
    "12h": 43_200,
    "1d": 86_400,
}


def propose_rows(
    rows: Frames,
    *,
    label: str | None = None,
    group_by: Sequence[str] = (),
    order_by: str | None = None,
    name: str = "proposed",
) -> Proposal:
    """Proposes a spec with `rows` for a table.

    Args:
        rows: Some rows, see `records_from_rows`; enough of them that groups are whole.
        label: The column of the label; None: known from its name.
        group_by: The columns of groups; empty: one column, known from its name and values.
        order_by: The column with the time; None: known from its values and name.
        name: Name of the spec.

    Raises:
        DataError: The table is empty.
        SpecError: Group or label are not known, or a column that is named does not exist.

    >>> rows = [{"user_id": u, "ts": t, "page": "ab"[t % 2], "label": "yn"[u]} for u in (0, 1) for t in (1, 2, 3)]
    >>> spec = propose_rows(rows).spec
    >>> spec.rows.group_by, spec.rows.order_by, list(spec.sequence), spec.label.key
    (('user_id',), 'ts', ['ts', 'page'], 'label')
    """
    table = joined_tables(list(frames_of(rows))).combine_chunks()
    if not table.num_rows:
        raise DataError("The table is empty.", expected="some groups of rows", received="0 rows", fix="Give more rows.")
    facts = {column: ColumnFacts.of(column, _array(table, column)) for column in table.column_names}
    for column in (*group_by, *((order_by,) if order_by else ()), *((label,) if label else ())):
        if column not in facts:
            raise SpecError(
                f"The table does not have the column '{column}'.",
                expected=f"one of {shortened(facts, 12)}",
                received=f"'{column}'",
                fix=f"Correct the name.{did_you_mean(column, facts)}",
            )
    notes: list[Note] = []
    keys = tuple(group_by) or (_group(facts, table.num_rows, {label, order_by}, notes),)
    order = order_by or _order(facts, {*keys, label}, notes)
    groups = _groups(facts, keys)
    section: dict[str, Any] = {"group_by": keys}
    if order is not None:
        section["order_by"] = order
        gap = _session_gap(_array(table, order), groups, notes)
        if gap is not None:
            section["session_gap"], seconds = gap
            groups = _sessions(_array(table, order), groups, seconds)
    target = _label(facts, {*keys, order}, groups, label, notes)
    context, sequence, left_out = _columns(facts, {*keys, target["key"]}, order, groups, table.num_rows, notes)
    if not sequence:
        raise SpecError(
            "No column changes within a group, so there is nothing to read step by step.",
            expected="a group with several rows, and a column that differs between them",
            received=f"the group {shortened(keys)}",
            fix="Name the columns of the group with --group.",
        )
    if len(keys) == 1:
        is_integer = facts[keys[0]].kind == "int64"
        fields: dict[str, Any] = {"id_key": keys[0], **({"id_dtype": "int64"} if is_integer else {})}
    else:
        fields = {}
    fields |= {"name": name, "context": context, "sequence": sequence, "label": target, "rows": section}
    return Proposal(declared(SequenceSpec, **fields), tuple(notes), tuple(left_out))


def _array(table: pa.Table, name: str) -> pa.Array:
    column = table.column(name)
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _group(facts: Mapping[str, ColumnFacts], rows: int, taken: set[str | None], notes: list[Note]) -> str:
    """The column whose values are groups: by its name: of several, the one with the most values."""
    able = [
        fact
        for fact in facts.values()
        if fact.kind in ("int64", "string") and fact.name not in taken and fact.distinct <= rows / 2
    ]
    for is_named in (is_group_name, is_id_name):
        named = [fact for fact in able if is_named(fact.name)]
        if named:
            best = max(named, key=lambda fact: fact.distinct)
            others = [fact.name for fact in named if fact is not best]
            also = f"; also possible: {', '.join(others)}" if others else ""
            notes.append(Note("rows.group_by", f"guessed by its name{also}"))
            return best.name
    raise SpecError(
        "The column of the groups cannot be guessed from its name.",
        expected="the column whose rows belong together, such as user_id",
        received=f"the columns {shortened(facts, 12)}",
        fix=f"Name it: --group {max(able, key=lambda fact: fact.distinct).name if able else 'COLUMN'}",
    )


def _order(facts: Mapping[str, ColumnFacts], taken: set[str | None], notes: list[Note]) -> str | None:
    able = [fact for fact in facts.values() if fact.name not in taken and fact.filled]
    times = [fact for fact in able if fact.kind == "time"]
    numbers = [fact for fact in able if fact.is_number and _ORDER_WORDS & set(words_of(fact.name))]
    for why, found in (("its values are times", times), ("by its name", numbers)):
        if found:
            best = max(found, key=lambda fact: (bool(_ORDER_WORDS & set(words_of(fact.name))), fact.distinct))
            notes.append(Note("rows.order_by", f"guessed: {why}"))
            return best.name
    notes.append(Note("rows", "no column with a time was found, so rows keep the order of the files"))
    return None


def _groups(facts: Mapping[str, ColumnFacts], keys: Sequence[str]) -> np.ndarray:
    return np.unique(np.stack([facts[key].codes for key in keys]), axis=1, return_inverse=True)[1].ravel()


def _seconds(column: pa.Array) -> np.ndarray | None:
    kind = order_kind(column)
    if kind is None:
        return None
    values, _ = order_values(column, kind, "UTC")
    if kind == "time":
        return values / 1e9
    fact = ColumnFacts.of("", column)
    return values / {"s": 1, "ms": 1e3, "us": 1e6, "ns": 1e9}[fact.unit] if fact.unit else None


def _session_gap(column: pa.Array, groups: np.ndarray, notes: list[Note]) -> tuple[str, int] | None:
    """The gap between sessions, if gaps within groups are of two clearly different sizes."""
    seconds = _seconds(column)
    if seconds is None:
        return None
    order = np.lexsort((seconds, groups))
    same = groups[order][1:] == groups[order][:-1]
    gaps = np.sort(np.maximum(np.diff(seconds[order])[same], 1.0))
    if len(gaps) < _MOST_CLASSES:
        return None
    logs = np.log(gaps)
    # Sessions have several rows, so most gaps are within them; single outliers are not sessions.
    first, last = len(gaps) // 2, len(gaps) - max(2, len(gaps) // 200)
    jumps = np.diff(logs)[first:last]
    if not len(jumps) or jumps.max() < math.log(_JUMP):
        return None
    at = first + int(jumps.argmax())
    middle = (logs[at] + logs[at + 1]) / 2
    text, length = min(_GAPS.items(), key=lambda item: abs(math.log(item[1]) - middle))
    if not gaps[at] < length < gaps[at + 1]:
        return None
    share = 1 - (at + 1) / len(gaps)
    notes.append(
        Note(
            "rows.session_gap",
            f"guessed: {share:.1%} of the times between rows of a group are {gaps[at + 1]:,.0f} s or more, all others "
            f"{gaps[at]:,.0f} s or less",
        )
    )
    return text, length


def _sessions(column: pa.Array, groups: np.ndarray, gap: int) -> np.ndarray:
    seconds = _seconds(column)
    cuts = cut_rows(groups, seconds, None, np.arange(len(groups)), CutRules(session_gap=gap))
    found = np.empty(len(groups), np.int64)
    found[cuts.order] = np.repeat(np.arange(len(cuts.starts)), cuts.stops - cuts.starts)
    return found


def _label(
    facts: Mapping[str, ColumnFacts], taken: set[str | None], groups: np.ndarray, key: str | None, notes: list[Note]
) -> dict[str, Any]:
    able = [fact for fact in facts.values() if fact.name not in taken and fact.kind in ("int64", "float32", "string")]
    if key is None:
        named = [fact.name for fact in able if _LABEL_WORDS & set(words_of(fact.name))]
        if len(named) != 1:
            few = [fact.name for fact in able if 2 <= fact.distinct <= _MOST_CLASSES]
            raise SpecError(
                "The label cannot be guessed from its name.",
                expected="the column that the model is to predict",
                received=f"the columns {shortened(fact.name for fact in able)}",
                fix="Add one of: " + ", ".join(f"--label {name}" for name in named or few or ["COLUMN"]),
            )
        [key] = named
        notes.append(Note("label", "guessed by its name"))
    fact = facts[key]
    classes = fact.kind == "string" or (fact.kind == "int64" and fact.distinct <= _MOST_CLASSES)
    fields: dict[str, Any] = {"key": key}
    if not classes:
        fields["type"] = "regression"
    elif fact.kind == "int64":
        fields["dtype"] = "int64"
    if fact.changes(groups) > _CHANGES:
        fields["per_step"] = True
        notes.append(
            Note(
                "label",
                "its values differ between the rows of a record, so each step has one; for one label per record, "
                "remove per_step: then it is that of the last row, or see rows.label_from",
            )
        )
    return fields


def _columns(
    facts: Mapping[str, ColumnFacts],
    taken: set[str],
    order: str | None,
    groups: np.ndarray,
    rows: int,
    notes: list[Note],
) -> tuple[dict[str, Any], dict[str, Any], list[Note]]:
    context: dict[str, Any] = {}
    sequence: dict[str, Any] = {}
    left_out: list[Note] = []
    for name, fact in facts.items():
        if name in taken:
            continue
        of_steps = name == order or fact.changes(groups) > _CHANGES
        column, why = _column(fact, of_steps, rows)
        if column is None:
            left_out.append(Note(name, why))
            continue
        (sequence if of_steps else context)[name] = column
        if why:
            notes.append(Note(f"{'sequence' if of_steps else 'context'}.{name}", why))
    return context, sequence, left_out


def _column(fact: ColumnFacts, of_steps: bool, rows: int) -> tuple[dict[str, Any] | None, str]:
    """The fields of a column and a note; without a column, the reason."""
    if fact.kind == "nothing":
        return None, "it has no values"
    if fact.distinct == 1 and fact.filled == rows:
        return None, "it has the same value in all rows"
    if fact.kind == "time":
        return {"type": "time", **({"unit": fact.unit} if fact.unit else {})}, ""
    if fact.kind == "list":
        if fact.size is not None:
            return {"type": "numeric", "shape": (fact.size,)}, ""
        if fact.item == "string":
            return {"type": "categorical", "multi_valued": True}, ""
        return None, "lists of numbers with different lengths"
    if is_id_name(fact.name) and fact.distinct > rows / 2:
        return None, "an id that differs from row to row"
    missing = {} if of_steps or fact.filled == rows else {"default_value": 0.0}
    note = "it may be missing; 0 replaces a missing value" if missing else ""
    if fact.kind == "float32":
        return {"type": "numeric", **missing}, note
    if fact.kind == "int64":
        if is_id_name(fact.name):
            return {"type": "categorical", "dtype": "int64"}, "integers, treated as ids because of the name"
        quantities = "integers, treated as quantities; if they are codes, use {type: categorical, dtype: int64}"
        return {"type": "numeric", "dtype": "int64", **missing}, f"{quantities}{'; ' + note if note else ''}"
    if fact.words >= _TEXT_WORDS and not of_steps:
        return {"type": "text"}, ""
    if fact.distinct > rows / 2:
        return None, "text that differs from row to row"
    return {"type": "categorical"}, ""
