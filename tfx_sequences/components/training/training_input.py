"""The trainer's input of the training split: from the transformed records, or from a prepared store of them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import tensorflow as tf
from absl import logging

from tfx_sequences.components.input.epoch_source import EpochSource
from tfx_sequences.components.input.record_formats import Features, transformed_records
from tfx_sequences.components.input.sequence_input import SequenceInput
from tfx_sequences.components.prepared.epochs import PreparedInput
from tfx_sequences.components.prepared.format import StoreIdentity
from tfx_sequences.components.prepared.prepared_input import PreparedStore, Worker
from tfx_sequences.components.prepared.store import write_prepared_store
from tfx_sequences.components.training.strategies import distributed
from tfx_sequences.schemas.features.bucket_plan import BucketPlan
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.spec_io import TRANSFORM_SECTIONS, fingerprint
from tfx_sequences.temporary_names import temporary_folder


@contextlib.contextmanager
def training_input(
    files: Sequence[str],
    spec: SequenceSpec,
    feature_spec: Features,
    plan: BucketPlan,
    transform_output: str,
    strategy: tf.distribute.Strategy | None = None,
) -> Iterator[EpochSource]:
    """The input; it is valid inside the context.

    Args:
        files: Transformed records of the training split.
        spec: The spec; `batching.prepared` selects a prepared store.
        feature_spec: `make_parse_transformed_spec(spec)`.
        plan: The bucket plan.
        transform_output: The transform graph's folder.
        strategy: The strategy whose replicas share the batches. Each process prepares a separate store.

    Yields:
        The input; each pass over its `dataset` gives the next epoch.
    """
    strategy = strategy or tf.distribute.get_strategy()
    if not spec.batching.prepared:
        parsed = transformed_records(spec, feature_spec)
        yield distributed(
            strategy,
            lambda workers, worker: SequenceInput(
                files, spec, parsed, plan, training=True, num_workers=workers, worker=worker
            ),
        )
        return
    # The same process writes and reads the store, so the graph's folder identifies the graph.
    identity = StoreIdentity(fingerprint(spec, TRANSFORM_SECTIONS), transform_output)
    with temporary_folder("prepared") as scratch:
        folder = Path(scratch) / "store"
        header = write_prepared_store(list(files), spec, feature_spec, folder, identity)
        records = sum(part.records for part in header.parts)
        logging.info("Prepared %d records in %d parts", records, len(header.parts))
        store = PreparedStore(folder, spec, identity)
        yield distributed(strategy, lambda workers, worker: PreparedInput(store, Worker(worker, workers)))
