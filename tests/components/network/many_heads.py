"""Records with every kind of label and weight, all of whose batches and paddings are known, and one spec for them."""

import numpy as np
import tensorflow as tf

from tfx_sequences.components.batches.label_batches import targets_and_weights
from tfx_sequences.components.network.task_statistics import HeadStatistics, TaskStatistics
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

LENGTHS = np.array([5, 1, 0, 3, 2, 4, 7])
TAGS = ("O", "B-x", "I-x", "B-y", "I-y")
SPEC = SequenceSpec(
    name="s",
    example_weight="weight",
    sequence={"x": {"type": "numeric", "shape": (2,)}},
    labels={
        "tag": {"key": "tag", "per_step": True, "class_weights": {"O": 0.3, "B-y": 2.0}, "step_weight": "sure"},
        "next_keys": {"key": "keys", "type": "multi_label", "per_step": True, "shape": (3,), "shift": 2},
        "words": {"key": "words", "type": "multi_label", "per_step": True, "class_weights": {"b": 3.0}},
        "level": {"key": "level", "type": "regression", "per_step": True},
        "kind": {"key": "kind", "label_smoothing": 0.1, "loss_weight": 0.5},
        "topics": {"key": "topics", "type": "multi_label", "label_smoothing": 0.2},
        "place": {"key": "place", "type": "regression", "shape": (2,), "loss_weight": 2.0},
    },
    model={"units": (4,), "dropout": 0.0},
)
STATISTICS = TaskStatistics(
    {},
    {
        "tag": HeadStatistics(TAGS, (0.3, 1.0, 1.0, 2.0, 1.0), targets=20),
        "next_keys": HeadStatistics(("0", "1", "2"), targets=12),
        "words": HeadStatistics(("a", "b"), (1.0, 3.0), targets=22),
        "level": HeadStatistics(mean=(1.0,), std=(2.0,), targets=22),
        "kind": HeadStatistics(("good", "bad", "ugly"), targets=8.5),
        "topics": HeadStatistics(("u", "v"), targets=8.5),
        "place": HeadStatistics(mean=(0.0, 5.0), std=(1.0, 2.0), targets=8.5),
    },
)
ROWS, LONGEST = len(LENGTHS), LENGTHS.max()


def records():
    """All values of the records; padding has values that would change the results if they were used."""
    random = np.random.default_rng(3)
    real = np.arange(LONGEST) < LENGTHS[:, None]
    several = random.integers(-1, 2, (ROWS, LONGEST, 2))
    return {
        "sequence_length": LENGTHS,
        "example_weight": np.float32([1, 2, 1, 0, 0.5, 1, 3]),
        "x": np.where(real[..., None], random.normal(size=(ROWS, LONGEST, 2)), 9).astype("float32"),
        "step_weight.tag": random.choice([0.0, 0.5, 2.0], (ROWS, LONGEST)).astype("float32"),
        "label.tag": random.integers(0, 5, (ROWS, LONGEST)),
        "label.next_keys": random.integers(0, 2, (ROWS, LONGEST, 3)).astype("float32"),
        "label.words": several,
        "label.level": random.normal(size=(ROWS, LONGEST)).astype("float32"),
        "label.kind": random.integers(0, 3, ROWS),
        "label.topics": np.array([[0, 1], [0, -1], [1, -1], [-1, -1], [1, 0], [1, -1], [0, -1]]),
        "label.place": random.normal(size=(ROWS, 2)).astype("float32"),
    }


PER_STEP = ("x", "step_weight.tag", "label.tag", "label.next_keys", "label.words", "label.level")


def batch(rows, steps, side="right"):
    """Inputs, targets, weights of some rows, padded to `steps` (or cut, as far as that is padding)."""
    rows = list(rows)
    chosen = {}
    for name, values in records().items():
        values = values[rows]
        if name in PER_STEP:
            more = max(steps - LONGEST, 0)
            padding = [(0, 0), (0, more), *[(0, 0)] * (values.ndim - 2)]
            values = np.pad(values, padding, constant_values=1)[:, :steps]
        if name == "x" and side == "left":
            lengths = LENGTHS[rows]
            values = np.stack([np.roll(row, steps - n, axis=0) for row, n in zip(values, lengths, strict=True)])
        chosen[name] = tf.constant(values)
    inputs = {"sequence.x": chosen.pop("x"), "sequence_length": chosen["sequence_length"]}
    return (inputs, *targets_and_weights(chosen, SPEC))
