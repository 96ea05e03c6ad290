"""A small spec for each type of records, good records, and an exported model of random weights."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np

from tests.attack.record_mutators import mutated
from tests.attack.wire import EXAMPLE, SEQUENCE_EXAMPLE
from tests.records import example, sequence_example, write_records
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

KINDS = {"SequenceExample": SEQUENCE_EXAMPLE, "Example": EXAMPLE}
GOOD = 200


@functools.cache
def spec_of(kind: str) -> SequenceSpec:
    """A spec with features of all dtypes, of records and of steps."""
    sequence = {
        "lpc": {"type": "numeric", "shape": (3,)},
        "token": {"type": "categorical"},
        "code": {"type": "categorical", "dtype": "int64"},
    }
    if kind == "SequenceExample":
        sequence["genres"] = {"type": "categorical", "multi_valued": True}
    return SequenceSpec(
        name="attacked",
        record=kind,
        id_key="id",
        context={
            "age": {"type": "numeric", "default_value": 50.0},
            "city": {"type": "categorical"},
            "tags": {"type": "categorical", "multi_valued": True},
        },
        sequence=sequence,
        label={"key": "label", "classes": ("a", "b")},
        model={"units": (4,)},
    )


@functools.cache
def good_records(kind: str) -> tuple[bytes, ...]:
    """Records of one to five steps, with features that the spec does not use."""
    random, found = np.random.default_rng(0), []
    for index in range(GOOD):
        steps = index % 5 + 1
        context = {
            "id": f"r{index}",
            "label": "ab"[index % 2],
            "age": 20.0 + index % 60,
            "city": ["Rome", "Oslo"][index % 2],
            "tags": ["x", "y"][: index % 3],
            "unused": [1.5, 2.5],
        }
        lpc = random.random((steps, 3)).round(3).tolist()
        of_steps = {"token": [f"t{i}" for i in range(steps)], "code": [i * 1000 for i in range(steps)]}
        if kind == "SequenceExample":
            genres = [["g", "h"][: i % 3] for i in range(steps)]
            lists = {"lpc": lpc, **of_steps, "genres": genres, "other": [0.5] * steps}
            found.append(sequence_example(context, lists).SerializeToString())
        else:
            flat = [value for step in lpc for value in step]
            found.append(example({**context, "lpc": flat, **of_steps}).SerializeToString())
    return tuple(found)


def mutants(kind: str, random: np.random.Generator, number: int) -> list[bytes]:
    """Mutated records."""
    good = good_records(kind)
    return [mutated(good[int(random.integers(len(good)))], KINDS[kind], random)[1] for _ in range(number)]


def exported(kind: str, folder: Path) -> Path:
    """The folder of an exported model, which has been analyzed but not trained."""
    import keras

    from tfx_sequences.components.network.model import build_model
    from tfx_sequences.components.serving.exported_model import RawRecordModel, export
    from tfx_sequences.components.training.split_statistics import task_statistics
    from tfx_sequences.components.transform.split_analysis import analyze_split
    from tfx_sequences.components.transform.transform_output import TransformOutput

    spec = spec_of(kind)
    file = write_records(folder / "train.tfrecord", good_records(kind))
    analyze_split(spec, [str(file)], str(folder / "graph"))
    output = TransformOutput(str(folder / "graph"))
    statistics = task_statistics(spec, output, None)
    keras.utils.set_random_seed(0)
    model = build_model(spec, statistics, use_cudnn=False)
    raw = RawRecordModel(model, output.transform_savedmodel_dir, spec, statistics)
    export(raw, str(folder / "model" / "7"), spec, statistics)
    return folder / "model" / "7"
