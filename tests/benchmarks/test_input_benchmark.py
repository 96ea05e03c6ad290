"""The input benchmark runs, and its routes all read the same records."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
RECORDS = 300
# Those that need nothing but the project's own environment.
ROWS = ("ours-prepared", "textbook", "sequence-example-textbook", "raw-read", "sequence-example-raw-read")


@pytest.fixture
def input_data(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import input_data

    return input_data


@pytest.mark.slow
def test_every_row_reads_all_records_and_the_report_says_so(tmp_path, input_data):
    only = [word for row in ROWS for word in ("--only", row)]
    sizes = ["--records", str(RECORDS), "--rounds", "1"]
    places = ["--cache", str(tmp_path), "--output", str(tmp_path / "report.json")]
    command = [sys.executable, str(BENCHMARKS / "input.py"), *sizes, *places, *only]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    report = json.loads((tmp_path / "report.json").read_text())
    assert not report["problems"]
    assert sorted(report["runs"]) == sorted(ROWS)
    lengths = np.concatenate([input_data.columns(i, n).lengths for i, n in enumerate(input_data.file_sizes(RECORDS))])
    for name, (run,) in report["runs"].items():
        assert run["records"] == RECORDS, name
        assert run["wall_seconds"] > 0 and run["cpu_seconds"] >= 0 and run["peak_bytes"] > 2**20
        if not name.endswith("raw-read"):
            assert run["real_steps"] == lengths.sum(), name
    by_name = {row["row"]: row for row in report["rows"]}
    assert by_name["textbook"]["wall_ratio"] == 1
    assert all(by_name[row]["padded_to_real"] >= 1 for row in ROWS if not row.endswith("raw-read"))
    assert "prepared store" in printed and "padded/real" in printed


@pytest.mark.slow
def test_a_peer_that_is_missing_is_a_row_that_says_so(tmp_path):
    # A Python without site-packages of its own has no peers; uv is not on this PATH.
    command = [sys.executable, str(BENCHMARKS / "input.py"), "--records", "20", "--rounds", "1"]
    words = ["--cache", str(tmp_path), "--only", "grain", "--only", "raw-read", "--output", str(tmp_path / "r.json")]
    done = subprocess.run([*command, *words], capture_output=True, text=True, check=True, env={"PATH": "/nowhere"})
    report = json.loads((tmp_path / "r.json").read_text())
    assert list(report["problems"]) == ["grain"]
    assert "not run" in done.stdout and "uv" in done.stdout
    assert [row["row"] for row in report["rows"]] == ["raw-read"]


def test_generated_records_hold_the_columns(tmp_path, input_data):
    import tensorflow as tf

    data = input_data.columns(1, 10)
    ends = np.cumsum(data.lengths)
    transformed, raw = (input_data.write(tmp_path, 20, kind)[1] for kind in ("transformed", "raw"))
    pairs = zip(tf.data.TFRecordDataset(str(transformed)), tf.data.TFRecordDataset(str(raw)), strict=True)
    for row, (flat, nested) in enumerate(pairs):
        steps = slice(ends[row] - data.lengths[row], ends[row])
        features = tf.train.Example.FromString(flat.numpy()).features.feature
        np.testing.assert_array_equal(features["sequence.item$ragged_values"].int64_list.value, data.item[steps])
        vectors = np.reshape(features["sequence.vector$ragged_values"].float_list.value, [-1, 4])
        np.testing.assert_array_equal(vectors, data.vector[steps])
        assert features["sequence_length"].int64_list.value == [data.lengths[row]]
        record = tf.train.SequenceExample.FromString(nested.numpy())
        lists = record.feature_lists.feature_list
        assert [f.bytes_list.value[0].decode() for f in lists["item"].feature] == [
            f"item_{i}" for i in data.item[steps]
        ]
        terms = [f.bytes_list.value[0].decode() for f in lists["category"].feature]
        assert terms == [f"c{i}" for i in data.category[steps]]
        np.testing.assert_array_equal([f.float_list.value for f in lists["vector"].feature], data.vector[steps])
        np.testing.assert_array_equal([f.float_list.value[0] for f in lists["price"].feature], data.price[steps])
        assert record.context.feature["label"].int64_list.value == [data.label[row]]
    assert row == 9
    lengths = input_data.columns(0).lengths
    assert (np.median(lengths), lengths.max()) == (30, 500)
    assert 40 < lengths.mean() < 42


@pytest.mark.parametrize("batches", [0, 31, 32, 33])
def test_a_route_ends_whatever_the_number_of_its_batches(input_data, batches):
    import input_routes
    import tensorflow as tf

    dataset = tf.data.Dataset.range(batches).map(lambda i: (tf.fill([i + 1], i), tf.zeros([i + 1, 2])))
    taken = sum(input_routes._taken(dataset, lambda lengths, feature: (lengths, feature))())
    rows = [i + 1 for i in range(batches)]
    steps = sum(i * (i + 1) for i in range(batches))
    assert taken.tolist() == [batches, sum(rows), steps, 2 * sum(rows)]
