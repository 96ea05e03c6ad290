"""Forward and backward pass of `SequenceFeatures` against that of tf_keras, on the same columns and sparse features.

    python benchmarks/sequence_features.py

Each round times both, one after the other and in turn first, as graphs (`tf.function`); the
ratio is the median over the rounds of theirs to ours, so above 1 ours is faster. The outputs are compared
before anything is timed.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import rich.table
import tensorflow as tf
import tf_keras
from printed_table import print_table

import tfx_sequences as tfs

fc = tf.feature_column
TERMS = tuple(f"term{i}" for i in range(1000))


@dataclasses.dataclass(frozen=True)
class Case:
    """The same columns twice, and the keys and kinds of their features."""

    theirs: Callable[[], list[Any]]
    ours: Callable[[], list[Any]]
    features: dict[str, str]


def _embedded(column: Any, dimension: int = 16) -> Any:
    return fc.embedding_column(column, dimension)


CASES = {
    "numeric": Case(
        lambda: [fc.sequence_numeric_column("x")], lambda: [tfs.sequence_numeric_column("x")], {"x": "numbers"}
    ),
    "numeric of 8": Case(
        lambda: [fc.sequence_numeric_column("v", shape=8)],
        lambda: [tfs.sequence_numeric_column("v", shape=8)],
        {"v": "vectors"},
    ),
    "identity, embedding": Case(
        lambda: [_embedded(fc.sequence_categorical_column_with_identity("i", 50_000))],
        lambda: [tfs.embedding_column(tfs.sequence_categorical_column_with_identity("i", 50_000), 16)],
        {"i": "ids"},
    ),
    "identity, indicator": Case(
        lambda: [fc.indicator_column(fc.sequence_categorical_column_with_identity("i", 50))],
        lambda: [tfs.indicator_column(tfs.sequence_categorical_column_with_identity("i", 50))],
        {"i": "few ids"},
    ),
    "vocabulary list, embedding": Case(
        lambda: [_embedded(fc.sequence_categorical_column_with_vocabulary_list("t", TERMS, num_oov_buckets=1))],
        lambda: [
            tfs.embedding_column(
                tfs.sequence_categorical_column_with_vocabulary_list("t", TERMS, num_oov_buckets=1), 16
            )
        ],
        {"t": "terms"},
    ),
    "hash, embedding": Case(
        lambda: [_embedded(fc.sequence_categorical_column_with_hash_bucket("t", 1000))],
        lambda: [tfs.embedding_column(tfs.sequence_categorical_column_with_hash_bucket("t", 1000), 16)],
        {"t": "terms"},
    ),
    "several ids, mean": Case(
        lambda: [_embedded(fc.sequence_categorical_column_with_identity("s", 5_000))],
        lambda: [
            tfs.embedding_column(tfs.sequence_categorical_column_with_identity("s", 5_000, multi_valued=True), 16)
        ],
        {"s": "several ids"},
    ),
    "six columns": Case(
        lambda: [
            fc.sequence_numeric_column("x"),
            fc.sequence_numeric_column("v", shape=8),
            _embedded(fc.sequence_categorical_column_with_identity("i", 50_000)),
            _embedded(fc.sequence_categorical_column_with_vocabulary_list("t", TERMS, num_oov_buckets=1)),
            fc.indicator_column(fc.sequence_categorical_column_with_identity("k", 50)),
            _embedded(fc.sequence_categorical_column_with_identity("s", 5_000)),
        ],
        lambda: [
            tfs.sequence_numeric_column("x"),
            tfs.sequence_numeric_column("v", shape=8),
            tfs.embedding_column(tfs.sequence_categorical_column_with_identity("i", 50_000), 16),
            tfs.embedding_column(
                tfs.sequence_categorical_column_with_vocabulary_list("t", TERMS, num_oov_buckets=1), 16
            ),
            tfs.indicator_column(tfs.sequence_categorical_column_with_identity("k", 50)),
            tfs.embedding_column(tfs.sequence_categorical_column_with_identity("s", 5_000, multi_valued=True), 16),
        ],
        {"x": "numbers", "v": "vectors", "i": "ids", "t": "terms", "k": "few ids", "s": "several ids"},
    ),
}


def make_features(kinds: dict[str, str], rows: int, seed: int) -> dict[str, tf.SparseTensor]:
    """Sparse features of `rows` rows with log-normal lengths (median 30)."""
    random = np.random.default_rng(seed)
    lengths = np.clip(random.lognormal(np.log(30), 0.6, rows), 1, 200).astype(int)
    return {key: _feature(kind, lengths, random) for key, kind in kinds.items()}


def _feature(kind: str, lengths: np.ndarray, random: np.random.Generator) -> tf.SparseTensor:
    steps = int(lengths.sum())
    if kind == "several ids":
        values = random.integers(0, 5_000, (steps, 3))
        ragged = tf.RaggedTensor.from_row_lengths(tf.RaggedTensor.from_tensor(tf.constant(values)), lengths)
        return ragged.to_sparse()
    made = {
        "numbers": lambda: random.normal(size=steps).astype("float32"),
        "vectors": lambda: random.normal(size=steps * 8).astype("float32"),
        "ids": lambda: random.integers(0, 50_000, steps),
        "few ids": lambda: random.integers(0, 50, steps),
        "terms": lambda: np.array([f"term{i}" for i in random.integers(0, 1_100, steps)]),
    }[kind]()
    return tf.RaggedTensor.from_row_lengths(made, lengths * (8 if kind == "vectors" else 1)).to_sparse()


def make_passes(case: Case, features: dict[str, tf.SparseTensor]) -> dict[str, tuple[Any, Any]]:
    """For each pass, theirs and ours, as functions without arguments; equal in what they give."""
    theirs, ours = tf_keras.experimental.SequenceFeatures(case.theirs()), tfs.SequenceFeatures(case.ours())
    expected, _ = theirs(features)
    ours(features)
    tfs.load_sequence_features_weights(ours, theirs)
    np.testing.assert_allclose(ours(features)[0], expected, atol=1e-5)
    weigh = tf.constant(np.random.default_rng(0).normal(size=expected.shape[-1]).astype("float32"))

    def of(layer: Any, weights: list[Any]) -> tuple[Any, Any]:
        @tf.function
        def forward(features: Any) -> Any:
            return layer(features)

        @tf.function
        def backward(features: Any) -> Any:
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(layer(features)[0] * weigh)
            return tape.gradient(loss, weights)

        return (lambda: forward(features)), (lambda: backward(features))

    their_passes = of(theirs, theirs.trainable_variables)
    our_passes = of(ours, [weight.value for weight in ours.trainable_variables])
    passes = {"forward": (their_passes[0], our_passes[0])}
    if theirs.trainable_variables:
        passes["forward and backward"] = (their_passes[1], our_passes[1])
    return passes


def time_pair(pair: tuple[Any, Any], rounds: int, seconds: float) -> tuple[list[float], list[float]]:
    """Seconds per call of each, once per round, in turn first."""
    for function in pair:
        function()
    start = time.perf_counter()
    pair[0]()
    repeats = max(1, int(seconds / max(time.perf_counter() - start, 1e-5)))
    taken: tuple[list[float], list[float]] = ([], [])
    for turn in range(rounds):
        for index in (0, 1) if turn % 2 else (1, 0):
            start = time.perf_counter()
            for _ in range(repeats):
                result = pair[index]()
            tf.nest.map_structure(lambda x: tf.convert_to_tensor(x).numpy(), result)
            taken[index].append((time.perf_counter() - start) / repeats)
    return taken


def main() -> None:
    """Times all cases and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1024, help="rows of a batch")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=0.1, help="time of one round of one side")
    parser.add_argument("--only", choices=list(CASES), action="append")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    table = rich.table.Table("columns", "pass", "tf_keras ms", "ours ms", "ratio", "lowest", "highest")
    figures = []
    for name in options.only or CASES:
        case = CASES[name]
        for step, pair in make_passes(case, make_features(case.features, options.rows, seed=1)).items():
            theirs, ours = time_pair(pair, options.rounds, options.seconds)
            ratios = [a / b for a, b in zip(theirs, ours, strict=True)]
            row = {
                "columns": name,
                "pass": step,
                "tf_keras_ms": 1e3 * statistics.median(theirs),
                "ours_ms": 1e3 * statistics.median(ours),
                "ratio": statistics.median(ratios),
                "lowest": min(ratios),
                "highest": max(ratios),
            }
            figures.append(row)
            table.add_row(name, step, *(f"{row[k]:.2f}" for k in list(row)[2:]))
    print_table(table)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
