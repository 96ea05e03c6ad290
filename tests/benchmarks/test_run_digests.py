"""Digests of what a run writes: they see every bit and the order of the records, and nothing that means nothing."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from tests.records import example, write_records


@pytest.fixture(autouse=True)
def _benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))


def graph(folder, value, *, names="temporary/1", words="a\nb\n"):
    """A transform graph that has a number in a function, and the name of a folder."""
    saved = saved_model_pb2.SavedModel()
    body = saved.meta_graphs.add().graph_def.library.function.add()
    for name, constant in (("mean", np.float32(value)), ("file", names)):
        node = body.node_def.add(name=name, op="Const")
        node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(constant))
        node.attr["dtype"].type = node.attr["value"].tensor.dtype
    assets = folder / "transform_fn" / "assets"
    assets.mkdir(parents=True)
    (assets / "vocabulary").write_text(words)
    (folder / "transform_fn" / "saved_model.pb").write_bytes(saved.SerializeToString())
    return folder


def test_constants(tmp_path):
    from run_digests import constants_digest

    first = constants_digest(graph(tmp_path / "1", 1.5))
    assert constants_digest(graph(tmp_path / "2", 1.5, names="temporary/2")) == first
    assert constants_digest(graph(tmp_path / "3", np.nextafter(np.float32(1.5), np.float32(2)))) != first
    assert constants_digest(graph(tmp_path / "4", 1.5, words="b\na\n")) != first


def test_records(tmp_path):
    from run_digests import records_digest

    def digest(name, *records):
        write_records(tmp_path / name / "Split-train" / "r.gz", records)
        return records_digest(tmp_path / name)

    one, two = example({"x": 1.0, "y": 2.0}), example({"x": 1.0})
    turned = one.FromString(example({"y": 2.0}).SerializeToString() + two.SerializeToString())
    first = digest("1", one, two)
    assert digest("2", turned, two) == first
    assert digest("3", two, one) != first
    assert digest("4", one) != first


def test_predictions(tmp_path):
    from run_digests import arrays_digest

    def digest(name, **arrays):
        np.savez(tmp_path / f"{name}.npz", **arrays)
        return arrays_digest(tmp_path / f"{name}.npz")

    first = digest("1", a=np.zeros(2), b=np.ones(2))
    assert digest("2", b=np.ones(2), a=np.zeros(2)) == first
    assert digest("3", a=np.zeros(2), b=-np.ones(2)) != first
    assert digest("4", a=-np.zeros(2), b=np.ones(2)) != first
