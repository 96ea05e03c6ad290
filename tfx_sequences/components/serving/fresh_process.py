"""A standalone program: loads a SavedModel with only TensorFlow and repeats predictions.

The model check runs it as a file, in a fresh interpreter, and never imports it there:

    echo '["MODEL_DIR", "PREDICTIONS_NPZ", "RESULT_JSON"]' | python -I fresh_process.py

TensorFlow is imported before the line is read, so that the process can be started before the model exists. It
rejects any import of TFX, Beam or this package, because a model server does not have them.
"""

import json
import sys
import time

FORBIDDEN = (
    "tfx",
    "tfx_bsl",
    "tfx_sequences",
    "apache_beam",
    "tensorflow_transform",
    "tensorflow_model_analysis",
    "tensorflow_data_validation",
    "ml_metadata",
)


class _Refuse:
    """Raises an error if something imports a package that a model server does not have."""

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in FORBIDDEN:
            raise ImportError(f"the exported model needs '{name}', which a model server does not have")


def main() -> None:
    """Loads, predicts, compares; writes each output's largest difference, relative to its largest number if above 1."""
    sys.meta_path.insert(0, _Refuse())
    import numpy as np
    import tensorflow as tf

    model_dir, predictions, result = json.loads(sys.stdin.readline())
    started = time.monotonic()
    stored = np.load(predictions, allow_pickle=False)
    ends = np.cumsum(stored["record_lengths"])
    data = stored["records"].tobytes()
    records = [data[end - length : end] for end, length in zip(ends, stored["record_lengths"], strict=True)]
    model = tf.saved_model.load(model_dir)
    signature = model.signatures["serving_default"]
    outputs = signature(examples=tf.constant(records, tf.string))
    differences, different = {}, {}
    for key in stored.files:
        if not key.startswith("output."):
            continue
        name, expected = key.removeprefix("output."), stored[key]
        if name not in outputs:
            raise KeyError(f"the exported model has no output '{name}'; it has {sorted(outputs)}")
        received = outputs[name].numpy()
        if received.shape != expected.shape:
            raise ValueError(f"output '{name}' has shape {received.shape}, the trainer's has {expected.shape}")
        if received.dtype == object:
            different[name] = int(np.sum(received.astype(np.bytes_) != np.char.encode(expected, "utf-8")))
        else:
            # Relative to the largest number, because outputs such as forecasts have their own units.
            scale = max(1.0, float(np.max(np.abs(expected), initial=0.0)))
            differences[name] = float(np.max(np.abs(received - expected), initial=0.0)) / scale
    empty = signature(examples=tf.constant([], tf.string))
    report = {
        "records": len(records),
        "largest_difference": differences,
        "different_strings": different,
        "empty_batch_rows": {name: int(value.shape[0]) for name, value in empty.items()},
        "seconds": round(time.monotonic() - started, 2),
    }
    with open(result, "w", encoding="utf-8") as file:
        json.dump(report, file)


if __name__ == "__main__":
    main()
