"""Records in the layout of YouTube-8M's frames, from `propose` to predictions of the pushed model."""

import json

import numpy as np
import pytest

from tests.records import sequence_example, write_records
from tfx_sequences.components.serving.prediction import predict_files
from tfx_sequences.pipeline.commands.cli import main
from tfx_sequences.schemas.spec.spec_io import load_spec

SHARDS = {"train0093": 400, "validate3844": 24, "test0001": 24}


def frame_records(count, seed):
    """The brightness of `rgb` decides both labels; `audio` is noise."""
    random = np.random.default_rng(seed)
    for index in range(count):
        label, frames = int(random.integers(0, 5)), int(random.integers(4, 12))
        rgb = np.clip(random.normal(70 + 28 * label, 30, (frames, 1024)), 0, 255).astype(np.uint8)
        audio = random.integers(0, 256, (frames, 128)).astype(np.uint8)
        steps = {"rgb": [frame.tobytes() for frame in rgb], "audio": [frame.tobytes() for frame in audio]}
        labels = [label] if label % 2 else [label, 5]
        yield sequence_example({"id": f"{seed}-{index}", "labels": labels}, steps)


@pytest.mark.slow
def test_from_records_to_a_model_that_knows_the_labels(tmp_path, capfd):
    data, spec_file, output = tmp_path / "yt8m", tmp_path / "spec.yaml", tmp_path / "out"
    for seed, (name, count) in enumerate(SHARDS.items()):
        write_records(data / f"{name}.tfrecord", frame_records(count, seed))
    assert main(["propose", str(data), "--label", "labels", "-o", str(spec_file)]) == 0
    spec = load_spec(spec_file)
    assert spec.id_key == "id" and spec.label.type == "multi_label" and spec.label.dtype == "int64"
    for name, size in (("rgb", 1024), ("audio", 128)):
        column = spec.sequence[name]
        assert (column.encoding, column.shape, column.dequantize.min, column.dequantize.max) == (
            "uint8",
            (size,),
            -2,
            2,
        )
    # Everything but the length of the training is as proposed.
    spec_file.write_text(spec_file.read_text() + "model: {units: [32]}\ntraining: {epochs: 20}\n")
    assert main(["run", str(spec_file), "--data", str(data), "--output", str(output)]) == 0, capfd.readouterr().err
    report = json.loads((output / "report.json").read_text())
    assert report["metrics"]["auc"] > 0.95
    rows = list(predict_files(report["pushed_model"], data / "test0001.tfrecord"))
    assert len(rows) == SHARDS["test0001"] and set(rows[0]["scores"]) == {"0", "1", "2", "3", "4", "5"}
