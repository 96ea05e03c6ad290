"""The trainer's own answers to a whole split, for `equality.py`.

The network is built and padded batches are made as in training; the weights are those that the trainer wrote, the
records those that Transform wrote. No exported graph has a part in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def trainers_answers(
    output: Path, model: Path, records: list[bytes], spec: SequenceSpec, batch: int, *, fused: bool
) -> Iterator[dict[str, np.ndarray]]:
    """What `served` makes of the fitted network's outputs, in batches of the raw records' order.

    Args:
        output: The output folder of a run.
        model: The folder of its exported model.
        records: Raw records of the test split; their ids tell which of Transform's records they are.
        spec: The spec, which has an `id_key`.
        batch: Records at a time.
        fused: With the kernels of training, or with those that are exported.
    """
    import tensorflow as tf
    import tensorflow_transform as tft

    from tfx_sequences.components.input.bucket_planning import make_plan
    from tfx_sequences.components.input.record_formats import transformed_records
    from tfx_sequences.components.input.sequence_input import SequenceInput
    from tfx_sequences.components.network.model import build_model
    from tfx_sequences.components.network.named_weights import read_weights, weights_by_name
    from tfx_sequences.components.numbers.chosen import normalizers_of
    from tfx_sequences.components.records.framing import read_records
    from tfx_sequences.components.records.keys import record_id
    from tfx_sequences.components.serving.served_outputs import served
    from tfx_sequences.components.training.split_statistics import task_statistics
    from tfx_sequences.components.transform.length_histogram import read_histogram
    from tfx_sequences.schemas.features.record_scales import network_spec

    tft_output = tft.TFTransformOutput(str(newest(output / "artifacts" / "Transform" / "transform_graph")))
    transformed = newest(output / "artifacts" / "Transform" / "transformed_examples")
    form = transformed_records(spec, tft_output.transformed_feature_spec())
    train_files = [str(file) for file in sorted((transformed / "Split-train").iterdir())]
    plan = make_plan(read_histogram(tft_output), spec.batching)
    statistics = task_statistics(spec, tft_output, SequenceInput(train_files, spec, form, plan, training=True))
    # What the network reads also depends on the statistics: on which normalizers `auto` chose.
    form = transformed_records(
        network_spec(spec, normalizers_of(statistics.normalizers)), tft_output.transformed_feature_spec()
    )
    network = build_model(spec, statistics, use_cudnn="auto" if fused else False)
    weights = read_weights(str(model))
    if weights is None:
        raise ValueError(f"there are no named weights in {model}")
    for name, variable in weights_by_name(network).items():
        variable.assign(weights.arrays[name])

    by_id = {}
    for file in sorted((transformed / "Split-test").iterdir()):
        by_id |= {form.name(record): record for record in read_records(file)}
    ordered = [by_id[record_id(record, spec)] for record in records]
    if len(by_id) != len(records):
        raise ValueError(f"{len(by_id)} transformed records of {len(records)}")

    @tf.function
    def answers(serialized: tf.Tensor) -> dict[str, tf.Tensor]:
        inputs, _, _ = form.batch(serialized)
        outputs: Any = network(inputs, training=False)
        by_head = outputs if isinstance(outputs, dict) else dict.fromkeys(spec.heads, outputs)
        return served(by_head, inputs, spec, statistics)

    for start in range(0, len(ordered), batch):
        outputs = answers(tf.constant(ordered[start : start + batch], tf.string))
        yield {name: value.numpy() for name, value in outputs.items()}


def newest(folder: Path) -> Path:
    """The artifact of the latest run."""
    return max((f for f in folder.iterdir() if f.name.isdigit()), key=lambda f: int(f.name))
