"""Predictions as files: JSON lines, Parquet or TFRecords, depending on the file's suffix."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO

from tfx_sequences.components.records.framing import framed
from tfx_sequences.schemas.kinds.declared_kind import CLASSES, SCORES
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

_ROWS = 4_096
Row = Mapping[str, Any]


def writer_for(
    path: Path | None, spec: SequenceSpec, top_k: int | None = None
) -> Callable[[Iterable[Row], BinaryIO], None]:
    """The function that writes rows of `predict_files` to an open file of this name.

    `.parquet`: one column per output; scores are lists of structs of `class` and `score`, which pandas reads too;
    outputs of steps are lists; several labels are structs called `NAME`. `.tfrecord`, `.tfrecord.gz`: SequenceExamples,
    with predictions for records in the context and those for steps as feature lists (`NAME_scores` and so on with
    several labels), and the `classes` of the scores. All other names: JSON lines.

    Args:
        path: The file; None for standard output, which gets JSON lines.
        spec: The model's spec.
        top_k: That of the rows: with it, each step has classes of its own, which TFRecords have as a feature list.
    """
    name = path.name.lower() if path else ""
    if name.endswith(".parquet"):
        return _write_parquet
    if name.endswith((".tfrecord", ".tfrecord.gz", ".tfrecords", ".tfrecords.gz")):
        ranked = bool(top_k)
        return lambda rows, file: _write_tfrecords(rows, file, spec, ranked=ranked, packed=name.endswith(".gz"))
    return _write_lines


def _write_lines(rows: Iterable[Row], file: BinaryIO) -> None:
    for row in rows:
        file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")


def _write_parquet(rows: Iterable[Row], file: BinaryIO) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    groups = _groups(rows)
    first = next(groups, [])
    # An output of steps may be empty in every row so far; then its name determines the type.
    kind: Any = None
    for row in first:
        kind = _merged(kind, row)
    schema = pa.schema([(name, _arrow(its, name)) for name, its in (kind or {"id": str}).items()])
    with pq.ParquetWriter(file, schema) as writer:
        for group in chain([first] if first else [], groups):
            columns = [pa.array([_for_arrow(row[f.name], f.type) for row in group], f.type) for f in schema]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))


def _merged(kind: Any, value: Any, name: str = "") -> Any:
    """The structure of values: a type, a list `[kind]`, or kinds by key; None if it is not known yet."""
    if isinstance(value, Mapping):
        if name == SCORES:
            return dict
        return {key: _merged((kind or {}).get(key), its, key) for key, its in value.items()}
    if isinstance(value, list):
        inner = kind[0] if kind else None
        for each in value:
            inner = _merged(inner, each, name)
        return [inner]
    return type(value) if isinstance(value, str | int) else float


def _arrow(kind: Any, name: str) -> Any:
    import pyarrow as pa

    scores = pa.list_(pa.struct([("class", pa.string()), ("score", pa.float64())]))
    if kind is None:
        return scores if name == SCORES else pa.float64() if name == "prediction" else pa.string()
    if isinstance(kind, list):
        return pa.list_(_arrow(kind[0], name))
    if isinstance(kind, Mapping):
        return pa.struct([(key, _arrow(its, key)) for key, its in kind.items()])
    return scores if kind is dict else pa.string() if kind is str else pa.int64() if kind is int else pa.float64()


def _for_arrow(value: Any, kind: Any) -> Any:
    """The value in the form that Arrow needs for its type."""
    import pyarrow as pa

    if pa.types.is_list(kind):
        if isinstance(value, Mapping):
            return [{"class": name, "score": score} for name, score in value.items()]
        return [_for_arrow(its, kind.value_type) for its in value]
    return (
        {field.name: _for_arrow(value[field.name], field.type) for field in kind} if pa.types.is_struct(kind) else value
    )


def _write_tfrecords(rows: Iterable[Row], file: BinaryIO, spec: SequenceSpec, *, ranked: bool, packed: bool) -> None:
    import gzip

    stream: Any = gzip.GzipFile(fileobj=file, mode="wb", mtime=0) if packed else file
    for row in rows:
        stream.write(framed(_record(row, spec, ranked).SerializeToString()))
    if packed:
        stream.close()


def _record(row: Row, spec: SequenceSpec, ranked: bool) -> Any:
    from tensorflow.core.example import example_pb2

    record = example_pb2.SequenceExample()
    context, lists = record.context.feature, record.feature_lists.feature_list
    _fill(context["id"], row["id"])
    for head, label in spec.heads.items():
        prefix = spec.output_prefix(head)
        answers = {name: its for name, its in row.items() if name != "id"} if spec.label is not None else row[head]
        for name, value in answers.items():
            if label.per_step:
                steps = lists[prefix + name]
                for step in value:
                    _fill(steps.feature.add(), step)
            else:
                _fill(context[prefix + name], value)
            if name == SCORES and label.per_step and ranked:
                for step in value:
                    _fill(lists[prefix + CLASSES].feature.add(), list(step))
            elif name == SCORES and (scores := value[:1] if label.per_step else [value]):
                _fill(context[prefix + CLASSES], list(scores[0]))
    return record


def _fill(feature: Any, value: Any) -> None:
    values = list(value.values()) if isinstance(value, Mapping) else value if isinstance(value, list) else [value]
    if values and isinstance(values[0], str):
        feature.bytes_list.value.extend(v.encode() for v in values)
    else:
        feature.float_list.value.extend(values)


def _groups(rows: Iterable[Row]) -> Iterator[list[Row]]:
    rows = iter(rows)
    while group := list(islice(rows, _ROWS)):
        yield group
