"""Infers a schema from records with TFDV, without a pipeline."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Literal

import apache_beam as beam
import tensorflow_data_validation as tfdv
from apache_beam.options.pipeline_options import PipelineOptions
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.public import tfxio

from tfx_sequences.components.records.framing import check_framing, read_records
from tfx_sequences.components.records.keys import Key, sample_files, stored_kinds
from tfx_sequences.components.records.paths import AnyPath, path_of
from tfx_sequences.components.records.places import place
from tfx_sequences.components.records.well_formed import fault_of_bytes
from tfx_sequences.errors import DataError, shortened
from tfx_sequences.temporary_names import temporary_folder

Record = Literal["SequenceExample", "Example"]


def infer_schema(files: Iterable[str | os.PathLike[str]], *, beam_args: Sequence[str] = ()) -> schema_pb2.Schema:
    """The schema of record files, inferred like in StatisticsGen and SchemaGen.

    Reads all records: statistics by TFDV on Beam, then its `infer_schema` with shapes.

    Args:
        files: TFRecord files, uncompressed or compressed, local or remote, all with one record type.
        beam_args: Options for Beam.

    Returns:
        The schema; feature lists of SequenceExamples are in its struct `##SEQUENCE##`.

    Raises:
        DataError: A file is corrupt, or there are no records; files have different record types;
            a feature is stored with several dtypes.
    """
    paths = [path_of(file) for file in files]
    if not sum(map(check_framing, paths)):
        raise DataError(
            "There are no records to infer a schema from.",
            expected="at least one record",
            received=f"{shortened((path.name for path in paths), 3)}, all empty" if paths else "no files",
            fix="Write records to the files, or use other files.",
        )
    kind = _kind_of_record(paths)
    reader = tfxio.TFSequenceExampleBeamRecord if kind == "SequenceExample" else tfxio.TFExampleBeamRecord
    source = reader(physical_format="memory", telemetry_descriptors=["tfx_sequences", "propose"])
    with temporary_folder("statistics") as folder:
        written = os.path.join(folder, "statistics")
        try:
            with beam.Pipeline(options=PipelineOptions(list(beam_args))) as pipeline:
                _ = (
                    pipeline
                    | "Files" >> beam.Create([str(path) for path in paths])
                    | "Read" >> beam.FlatMap(read_records)
                    | "Decode" >> source.BeamSource()
                    | "Statistics" >> tfdv.GenerateStatistics(tfdv.StatsOptions())
                    | "Write" >> tfdv.WriteStatisticsToBinaryFile(written)
                )
        except Exception:
            # Beam hides the reason, so look for faults of the records here.
            _check_dtypes(paths, kind)
            raise
        statistics = tfdv.load_stats_binary(written)
    return tfdv.infer_schema(statistics, infer_feature_shape=True)


def _kind_of_record(paths: list[AnyPath]) -> Record:
    samples = [sample for sample in sample_files(paths) if sample.records]
    with_lists = [sample.path for sample in samples if sample.has_lists]
    without = [sample.path for sample in samples if not sample.has_lists]
    if with_lists and without:
        raise DataError(
            f"{without[0]} does not have feature lists, but {with_lists[0]} does.",
            expected="records of one type: tf.SequenceExample with feature lists, or tf.Example",
            received=f"{len(with_lists)} files of SequenceExamples, {len(without)} files of what looks like Examples",
            fix="Put them into separate folders.",
        )
    return "SequenceExample" if with_lists else "Example"


def _check_dtypes(paths: list[AnyPath], kind: Record) -> None:
    """Raises for the first feature that is stored with two dtypes, and for the first invalid record."""
    from tensorflow.core.example import example_pb2

    seen: dict[Key, tuple[str, str]] = {}
    for path in paths:
        for index, record in enumerate(read_records(path)):
            fault = fault_of_bytes(record)
            if fault is not None:
                raise fault.error(path, index, None)
            # An Example parses as a SequenceExample without feature lists.
            message = example_pb2.SequenceExample.FromString(record)
            lists = message.feature_lists.feature_list if kind == "SequenceExample" else {}
            sides = ((False, message.context.feature), (True, lists))
            for key, feature in (((is_list, k), f[k]) for is_list, f in sides for k in f):
                for dtype in sorted(stored_kinds(feature)):
                    first, where = seen.setdefault(key, (dtype, place(path, index)))
                    if first != dtype:
                        side = "feature list" if key[0] else "feature"
                        raise DataError(
                            f"The {side} '{key[1]}' is stored with two dtypes.",
                            expected=f"{first}, as in {where}",
                            received=f"{dtype} in {place(path, index)}",
                            fix="Write the feature with one dtype.",
                        )
