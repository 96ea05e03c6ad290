"""Ingestion alone: the records of each split that SequenceExampleGen writes."""

import tensorflow as tf
from tfx.types import artifact_utils, standard_artifacts

from tests.components.stages.artifacts import artifact
from tfx_sequences.components.stages.ingest import Executor as IngestExecutor
from tfx_sequences.components.stages.ingest import SequenceExampleGen


def ingest(data, spec, splits_with_files, output, beam_args=()):
    """The serialized records of each split, after the component has run in this process."""
    component = SequenceExampleGen(str(data), spec, splits_with_files, code_digest="")
    examples = artifact(standard_artifacts.Examples, output)
    arguments = ["--runner=FnApiRunner", *beam_args]
    context = IngestExecutor.Context(beam_pipeline_args=arguments, unique_id="1", tmp_dir=str(output))
    IngestExecutor(context).Do({}, {"examples": [examples]}, component.exec_properties)
    return {
        name: [
            r.numpy()
            for uri in artifact_utils.get_split_uris([examples], name)
            for r in tf.data.TFRecordDataset(tf.io.gfile.glob(f"{uri}/*"), "GZIP")
        ]
        for name in artifact_utils.decode_split_names(examples.split_names)
    }
