"""The pipeline of a spec, built from stock TFX components wherever possible."""

from __future__ import annotations

import os

from tfx import types
from tfx.components.example_validator.component import ExampleValidator
from tfx.components.schema_gen.component import SchemaGen
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.common import resolver
from tfx.dsl.input_resolution.strategies.latest_blessed_model_strategy import LatestBlessedModelStrategy
from tfx.orchestration import pipeline as tfx_pipeline
from tfx.orchestration.data_types import RuntimeParameter
from tfx.proto import trainer_pb2, transform_pb2
from tfx.types import standard_artifacts

from tfx_sequences.code_digest import code_digest
from tfx_sequences.components.evaluation.config import EXTRACTORS_MODULE, make_eval_config
from tfx_sequences.components.serving import fresh_process
from tfx_sequences.components.stages import (
    evaluation_check,
    ingest,
    ingest_rows,
    model_check,
    schema_curation,
    steady_transform,
)
from tfx_sequences.components.stages import pusher as pusher_component
from tfx_sequences.components.stages import trainer as trainer_component
from tfx_sequences.components.stages.bulk_inference import bulk_inference
from tfx_sequences.components.stages.evaluation_check import EvaluationCheck
from tfx_sequences.components.stages.ingest import SequenceExampleGen
from tfx_sequences.components.stages.ingest_rows import rows_gen
from tfx_sequences.components.stages.model_check import ModelCheck
from tfx_sequences.components.stages.pusher import SequencePusher
from tfx_sequences.components.stages.schema_curation import AnomalyGate, SchemaCurator
from tfx_sequences.components.stages.steady_reading import SteadyEvaluator, SteadyStatisticsGen
from tfx_sequences.components.stages.steady_transform import SteadyTransform
from tfx_sequences.components.stages.trainer import RUN_FN, SequenceTrainer
from tfx_sequences.schemas.spec.function_paths import function_modules
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.spec_io import TRAIN_SECTIONS, TRANSFORM_SECTIONS, fingerprint, spec_to_json
from tfx_sequences.schemas.spec.splits import Splits

# Given by path: TFX imports them where they run.
PREPROCESSING_FN = "tfx_sequences.components.transform.preprocessing.preprocessing_fn"
TUNER_FN = "tfx_sequences.components.training.tuner.tuner_fn"


def create_pipeline(
    spec: SequenceSpec,
    *,
    data: str | RuntimeParameter,
    pipeline_root: str,
    push_destination: str,
    backups: str | None = None,
    output_root: str | RuntimeParameter | None = None,
    training_steps: int | RuntimeParameter | None = None,
    name: str | None = None,
    splits_with_files: tuple[str, ...] = ("train", "valid", "test"),
    metadata_connection_config: object | None = None,
    beam_pipeline_args: list[str] | None = None,
    bulk_inference_data: str | None = None,
    patterns: Splits | None = None,
    of_rows: bool = False,
) -> tfx_pipeline.Pipeline:
    """The pipeline of one spec, from ExampleGen to Pusher.

    Each component receives only the sections of the spec that determine its result, and a digest
    of the code it runs. So an edit reruns the components that depend on it, and no others.

    Args:
        spec: The spec.
        data: Folder or URI of the TFRecords.
        pipeline_root: Folder for the artifacts.
        push_destination: Folder to which blessed models are pushed, each as a new version.
        backups: Folder for backups during training; by default `backups` in `pipeline_root`.
        output_root: The folder that `push_destination` and `backups` are relative to, for runners
            that set it only when the pipeline runs.
        training_steps: Maximum number of training steps; None or 0 leaves the limit to the spec.
        name: The pipeline's name; by default the spec's.
        splits_with_files: Which of `train`, `valid`, `test` have files in `data`;
            the records of the others are taken from `train`.
        metadata_connection_config: Connection to ML Metadata; None for runners that bring their own.
        beam_pipeline_args: Beam's options.
        bulk_inference_data: Folder or URI of more TFRecords, which the model predicts if it is blessed.
        patterns: The patterns of the files, where they are not those of the spec; see `with_patterns_found`.
        of_rows: Whether the data are files of rows, or a table or query of BigQuery, as the spec's `rows` say.
    """
    features = spec_to_json(spec, TRANSFORM_SECTIONS)
    trained = spec_to_json(spec, TRAIN_SECTIONS)
    if of_rows:
        example_gen = rows_gen(data, spec, splits_with_files, code_digest(ingest_rows.__name__))
    else:
        example_gen = SequenceExampleGen(data, spec, splits_with_files, code_digest(ingest.__name__), patterns)
    examples = example_gen.outputs["examples"]
    statistics_gen = SteadyStatisticsGen(examples=examples).with_id("StatisticsGen")
    statistics = statistics_gen.outputs["statistics"]
    schema_gen = SchemaGen(statistics=statistics)
    curator = SchemaCurator(
        inferred_schema=schema_gen.outputs["schema"],
        spec=features,
        code_digest=code_digest(schema_curation.__name__),
    )
    curated = curator.outputs["schema"]
    validator = ExampleValidator(statistics=statistics, schema=curated)
    gate = AnomalyGate(
        schema=curated,
        anomalies=validator.outputs["anomalies"],
        code_digest=code_digest(schema_curation.__name__),
    )
    schema = gate.outputs["validated_schema"]
    transform = SteadyTransform(
        examples=examples,
        schema=schema,
        preprocessing_fn=PREPROCESSING_FN,
        splits_config=transform_pb2.SplitsConfig(analyze=["train"], transform=["train", "valid", "test"]),
        disable_statistics=True,
        # The cache pays off where new spans are added to old ones; here it would be written and never read.
        disable_analyzer_cache=True,
        custom_config={
            "spec": features,
            "fingerprint": fingerprint(spec, TRANSFORM_SECTIONS),
            "code_digest": code_digest(_module_of(PREPROCESSING_FN), steady_transform.__name__),
        },
    ).with_id("Transform")
    tuner = _tuner(spec, transform, schema) if spec.tuning else None
    trainer = SequenceTrainer(
        transformed_examples=transform.outputs["transformed_examples"],
        raw_examples=examples,
        transform_graph=transform.outputs["transform_graph"],
        schema=schema,
        spec=trained,
        code_digest=code_digest(trainer_component.__name__, _module_of(RUN_FN), *function_modules(spec)),
        hyperparameters=tuner.outputs["best_hyperparameters"] if tuner else None,
        backups=backups or os.path.join(pipeline_root, "backups"),
        output_root=output_root,
        training_steps=training_steps,
        valid_is_held_back=_may_rotate(spec, splits_with_files),
    )
    model = trainer.outputs["model"]
    baseline = _last_blessed_model() if spec.evaluation.baseline else None
    evaluator = SteadyEvaluator(
        examples=examples,
        example_splits=["test"],
        model=model,
        baseline_model=baseline.outputs["model"] if baseline else None,
        schema=schema,
        eval_config=make_eval_config(spec),
        module_path=EXTRACTORS_MODULE,
        fairness_indicator_thresholds=None,
    ).with_id("Evaluator")
    figures_check = EvaluationCheck(
        evaluation=evaluator.outputs["evaluation"],
        model=model,
        transformed_examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        spec=trained,
        code_digest=code_digest(evaluation_check.__name__),
    )
    check = ModelCheck(
        model=model,
        model_run=trainer.outputs["model_run"],
        spec=trained,
        code_digest=code_digest(model_check.__name__, fresh_process.__name__),
    )
    pusher = SequencePusher(
        model=model,
        model_blessing=evaluator.outputs["blessing"],
        infra_blessing=check.outputs["blessing"],
        folder=push_destination,
        code_digest=code_digest(pusher_component.__name__),
        output_root=output_root,
    ).with_id("Pusher")
    # A model whose metrics were computed wrongly must not be pushed.
    pusher.add_upstream_node(figures_check)
    components = [
        example_gen,
        statistics_gen,
        schema_gen,
        curator,
        validator,
        gate,
        transform,
        *([tuner] if tuner else []),
        trainer,
        *([baseline] if baseline else []),
        evaluator,
        figures_check,
        check,
        pusher,
        *(
            bulk_inference(bulk_inference_data, spec, model, evaluator.outputs["blessing"])
            if bulk_inference_data
            else []
        ),
    ]
    return tfx_pipeline.Pipeline(
        pipeline_name=name or spec.name,
        pipeline_root=pipeline_root,
        components=components,
        enable_cache=True,
        metadata_connection_config=metadata_connection_config,
        beam_pipeline_args=beam_pipeline_args or [],
    )


def _may_rotate(spec: SequenceSpec, splits_with_files: tuple[str, ...]) -> bool:
    """Whether training may divide train and valid otherwise: not where they are apart by group or time."""
    is_divided = spec.splits.group is not None or spec.splits.time is not None
    return "valid" not in splits_with_files and not is_divided


def _module_of(function: str) -> str:
    """The module of a function that is given by its path."""
    return function.rpartition(".")[0]


def _last_blessed_model() -> resolver.Resolver:
    return resolver.Resolver(
        strategy_class=LatestBlessedModelStrategy,
        model=types.Channel(type=standard_artifacts.Model),
        model_blessing=types.Channel(type=standard_artifacts.ModelBlessing),
    ).with_id("LastBlessedModel")


def _tuner(spec: SequenceSpec, transform: SteadyTransform, schema: types.BaseChannel) -> BaseComponent:
    # The import needs keras-tuner, which a spec without a `tuning` section does not.
    from tfx.components.tuner.component import Tuner

    return Tuner(
        examples=transform.outputs["transformed_examples"],
        schema=schema,
        transform_graph=transform.outputs["transform_graph"],
        tuner_fn=TUNER_FN,
        train_args=trainer_pb2.TrainArgs(splits=["train"]),
        eval_args=trainer_pb2.EvalArgs(splits=["valid"]),
        custom_config={
            "spec": spec_to_json(spec, (*TRAIN_SECTIONS, "tuning")),
            "code_digest": code_digest(_module_of(TUNER_FN), *function_modules(spec)),
        },
    )
