"""Digests, of 12 hexadecimal digits, of everything in a run that must be the same, bit for bit, when it is repeated."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from equality_trainer import newest

STAGES = ("constants", "records", "weights", "predictions")
"""The transform graph, the records that Transform wrote, the network, and its answers to records of the test split."""


def run_digests(output: Path) -> dict[str, str]:
    """The digests of the newest run in an output folder, by `STAGES`."""
    artifacts = output / "artifacts"
    model_run = newest(artifacts / "SequenceTrainer" / "model_run")
    return {
        "constants": constants_digest(newest(artifacts / "Transform" / "transform_graph")),
        "records": records_digest(newest(artifacts / "Transform" / "transformed_examples")),
        "weights": json.loads((model_run / "training.json").read_text("utf-8"))["weights_digest"][:12],
        "predictions": arrays_digest(model_run / "trainer_predictions.npz"),
    }


def constants_digest(transform_graph: Path) -> str:
    """Digest of the numbers in a transform graph, and of its vocabularies.

    The digest of the file itself would differ: it holds names of temporary folders.
    """
    import tensorflow as tf
    from tensorflow.core.protobuf import saved_model_pb2

    folder = transform_graph / "transform_fn"
    graphs = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes()).meta_graphs
    bodies = [graph.graph_def.node for graph in graphs]
    bodies += [function.node_def for graph in graphs for function in graph.graph_def.library.function]
    numbers = sorted(
        node.name.encode() + tf.make_ndarray(node.attr["value"].tensor).tobytes()
        for body in bodies
        for node in body
        if node.op == "Const" and node.attr["dtype"].type != tf.string.as_datatype_enum
    )
    vocabularies = (file.name.encode() + file.read_bytes() for file in sorted((folder / "assets").glob("*")))
    return _digest([*numbers, *vocabularies])


def records_digest(transformed: Path) -> str:
    """Digest of the transformed records of all splits, in their order.

    Each record is serialized again, because Transform writes the features of a record in any order.
    """
    import tensorflow as tf

    files = sorted(str(file) for file in transformed.glob("Split-*/*"))
    records = (tf.data.TFRecordDataset(file, "GZIP").as_numpy_iterator() for file in files)
    examples = (tf.train.Example.FromString(record) for of_file in records for record in of_file)
    return _digest(example.SerializeToString(deterministic=True) for example in examples)


def arrays_digest(file: Path) -> str:
    """Digest of the arrays of an `.npz` file."""
    with np.load(file) as arrays:
        return _digest(f"{name}{arrays[name].dtype}".encode() + arrays[name].tobytes() for name in sorted(arrays))


def _digest(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:12]
