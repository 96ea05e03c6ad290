"""Ingestion alone: the records of each split that SequenceExampleGen writes."""

import tensorflow as tf
from tfx.types import artifact_utils, standard_artifacts

from tests.components.stages.artifacts import artifact
from tfx_sequences.components.stages.ingest import Executor as IngestExecutor
from tfx_sequences.components.stages.ingest import SequenceExampleGen
from tfx_sequences.components.stages.ingest_rows import Executor as RowsExecutor
from tfx_sequences.components.stages.ingest_rows import SequenceRowsGen


def ingest(data, spec, splits_with_files, output, beam_args=()):
    """The serialized records of each split, after the component has run in this process."""
    component = SequenceExampleGen(str(data), spec, splits_with_files, code_digest="")
    return _written(component, IngestExecutor, output, ["--runner=FnApiRunner", *beam_args])


def ingest_rows(data, spec, output, beam_args=("--runner=FnApiRunner",)):
    """The same of rows, with SequenceRowsGen."""
    return _written(SequenceRowsGen(str(data), spec, ("train",), code_digest=""), RowsExecutor, output, beam_args)


def _written(component, executor, output, beam_args):
    examples = artifact(standard_artifacts.Examples, output)
    context = executor.Context(beam_pipeline_args=[*beam_args], unique_id="1", tmp_dir=str(output))
    executor(context).Do({}, {"examples": [examples]}, component.exec_properties)
    return {
        name: [
            r.numpy()
            for uri in artifact_utils.get_split_uris([examples], name)
            for r in tf.data.TFRecordDataset(sorted(tf.io.gfile.glob(f"{uri}/*")), "GZIP")
        ]
        for name in artifact_utils.decode_split_names(examples.split_names)
    }
