"""Statistics from Transform's output that determine the settings a spec leaves to the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tfx_sequences.components.input.bucket_planning import make_plan
from tfx_sequences.components.input.record_formats import transformed_records
from tfx_sequences.components.input.sequence_input import SequenceInput
from tfx_sequences.components.numbers.chosen import normalizers_of, read_choices
from tfx_sequences.components.records.opening import record_dataset
from tfx_sequences.components.training.later_features import later_features
from tfx_sequences.components.training.split_statistics import task_statistics
from tfx_sequences.components.transform.length_histogram import read_histogram
from tfx_sequences.components.transform.transform_output import TransformOutput
from tfx_sequences.schemas.columns.column import Column
from tfx_sequences.schemas.columns.column_base import IdColumn, size_of
from tfx_sequences.schemas.features.record_scales import network_spec
from tfx_sequences.schemas.features.transformed_features import make_parse_transformed_spec
from tfx_sequences.schemas.spec.auto_settings import SplitStatistics
from tfx_sequences.schemas.spec.label import Label
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def split_statistics(
    spec: SequenceSpec,
    transformed: TransformOutput,
    train_files: Sequence[str],
    held_back_files: Sequence[str] = (),
) -> SplitStatistics:
    """The statistics of the training split.

    Args:
        spec: The spec.
        transformed: Transform's output.
        train_files: Transformed records of the training split.
        held_back_files: Transformed records of the training split that are held back for validation.
    """
    lengths = read_histogram(transformed).as_batched(spec.batching)
    read = network_spec(spec, normalizers_of(read_choices(transformed.transform_savedmodel_dir)))
    records = transformed_records(read, make_parse_transformed_spec(spec))
    plan = make_plan(read_histogram(transformed), spec.batching)
    known = task_statistics(spec, transformed, None)
    return SplitStatistics(
        records=int(lengths.counts.sum()),
        steps=int((lengths.lengths * lengths.counts).sum()),
        depth=sum(_depth(name, column, known.num_ids) for name, column in spec.columns.items()),
        outputs=sum(_outputs(label, len(known.heads[name].classes)) for name, label in spec.heads.items()),
        terms=max(known.num_ids.values(), default=0),
        held_back=sum(int(record_dataset(file).reduce(0, lambda count, _: count + 1)) for file in held_back_files),
        later_features=later_features(spec, SequenceInput(train_files, read, records, plan, training=False)),
    )


def _depth(name: str, column: Column, num_ids: Mapping[str, int]) -> int:
    """The depth of a column's vector for a step or a record."""
    if isinstance(column, IdColumn):
        return column.width(num_ids[name])
    return size_of(column.shape)


def _outputs(label: Label, classes: int) -> int:
    return classes if label.has_classes else size_of(label.shape)
