"""Small records of one token per step, specs for them, folders of them, and the errors that the data check raises."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from tests.records import sequence_example, write_records
from tfx_sequences.components.records.data_check import check_data
from tfx_sequences.errors import DataError
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

TOKEN = {"type": "categorical"}
NUMBER = {"type": "numeric"}


def spec_of(**parts: Any) -> SequenceSpec:
    """A spec with one categorical sequence feature and a string label, but for what is given."""
    given = {"name": "test", "id_key": "id", "sequence": {"token": TOKEN}, **parts}
    # Labels that are missing are told, not left out.
    given["label"] = {"missing_label": "error", **parts.get("label", {"key": "class"})}
    return SequenceSpec.model_validate(given)


def record(index: int, context: dict[str, Any] | None = None, **sequence: Any) -> tf.train.SequenceExample:
    """A good record of two or three steps, but for what is given; None leaves a feature out."""
    contexts = {"id": f"r{index}", "class": "ab"[index % 2], **(context or {})}
    lists = {"token": ["x", "y", "z"][: 2 + index % 2], **sequence}
    return sequence_example(
        {k: v for k, v in contexts.items() if v is not None}, {k: v for k, v in lists.items() if v is not None}
    )


def good(count: int = 10, **kwargs: Any) -> list[tf.train.SequenceExample]:
    return [record(i, **kwargs) for i in range(count)]


def write(folder: Path, train: Iterable[Any], test: Iterable[Any] | None = None) -> Path:
    write_records(folder / "train-0.tfrecord.gz", train)
    if test is not None:
        write_records(folder / "test-0.tfrecord", test)
    return folder


def filled(folder: Path) -> Path:
    """The folder, with the training records also as the splits that have no file: so none are held back."""
    for split in ("valid", "test"):
        if not list(folder.glob(f"{split}*")):
            shutil.copy(folder / "train-0.tfrecord.gz", folder / f"{split}-0.tfrecord.gz")
    return folder


def error_of(spec: SequenceSpec, folder: Path, kind: type[Exception] = DataError) -> str:
    with pytest.raises(kind) as caught:
        check_data(spec, folder)
    assert type(caught.value) is kind
    return str(caught.value)


def replaced(records: list[Any], **by_index: Any) -> list[Any]:
    """`records` with some replaced: `_3=...` is the one at 3."""
    records = list(records)
    for name, other in by_index.items():
        records[int(name[1:])] = other
    return records
