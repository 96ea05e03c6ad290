"""The figures that TFX's Evaluator computes: TFMA with our configuration and extractors, as the component runs it."""

from __future__ import annotations

import os


def tfma_figures(model: str, serialized: list[bytes], spec, output: str, baseline: str | None = None) -> dict:
    """What `read_figures` reads from an evaluation of these records, one record per call of the model.

    Args:
        model: Folder of the exported model.
        serialized: Records of the spec's type.
        spec: The spec.
        output: Folder for TFMA's output.
        baseline: Folder of the last blessed model.
    """
    import apache_beam as beam
    import tensorflow_model_analysis as tfma
    from tfx_bsl.public import tfxio
    from tfx_bsl.tfxio import tensor_adapter

    from tfx_sequences.components.evaluation.config import make_eval_config
    from tfx_sequences.components.evaluation.extractors import custom_extractors
    from tfx_sequences.components.evaluation.names import tfma_name_of_head
    from tfx_sequences.components.evaluation.result import read_figures
    from tfx_sequences.components.records.paths import path_of
    from tfx_sequences.components.serving.model_card import read_card
    from tfx_sequences.schemas.features.tfmd import make_schema

    config = tfma.utils.update_eval_config_with_defaults(
        make_eval_config(spec), has_baseline=baseline is not None, rubber_stamp=True
    )
    shared = [
        tfma.default_eval_shared_model(
            eval_saved_model_path=baseline if each.is_baseline else model, model_name=each.name, eval_config=config
        )
        for each in config.model_specs
    ]
    models = shared[0] if len(shared) == 1 else shared
    reader = tfxio.TFExampleBeamRecord if spec.payload == "Example" else tfxio.TFSequenceExampleBeamRecord
    source = reader(
        physical_format="memory",
        telemetry_descriptors=["tests"],
        schema=make_schema(spec),
        raw_record_column_name=tfma.constants.ARROW_INPUT_COLUMN,
    )
    adapter = tensor_adapter.TensorAdapterConfig(
        arrow_schema=source.ArrowSchema(), tensor_representations=source.TensorRepresentations()
    )
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        _ = (
            pipeline
            | beam.Create(serialized)
            | source.BeamSource(batch_size=1)
            | tfma.ExtractEvaluateAndWriteResults(
                eval_shared_model=models,
                eval_config=config,
                output_path=os.path.join(output, "evaluation"),
                extractors=custom_extractors(models, config, adapter),
                tensor_adapter_config=adapter,
            )
        )
    classes = {tfma_name_of_head(spec, head): names for head, names in read_card(path_of(model))["classes"].items()}
    return read_figures(os.path.join(output, "evaluation"), classes)
