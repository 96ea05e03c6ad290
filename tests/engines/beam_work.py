"""The Beam work of a spec's pipeline on any engine, and what it made in a form that engines can be compared by.

Workers finish in any order, so records are compared as multisets, and means to the rounding of their sums. Histograms
are left out: they come from sketches, which depend on how the data was divided.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
import tensorflow_data_validation as tfdv
import tensorflow_transform as tft
from tfx.orchestration import metadata, pipeline
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.artifact import Artifact
from tfx.utils import path_utils

from tfx_sequences.components.evaluation.result import read_figures
from tfx_sequences.components.serving.bulk_prediction import predict_through_beam
from tfx_sequences.components.stages.steady_reading import EvaluatorExecutor
from tfx_sequences.pipeline.create import create_pipeline
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


@dataclasses.dataclass(frozen=True)
class BeamWork:
    """What ingestion, StatisticsGen and Transform made.

    Attributes:
        records: How often each record is in each split, deterministically serialized.
        transformed: The same of the transformed records.
        vocabularies: Lines of each vocabulary file, in order.
        statistics: Exact figures of each split and feature.
        means: Mean and standard deviation of each split's numbers.
        transform_graph: Folder of what Transform decided.
        artifacts: What was made of examples and schema, by the Evaluator's names for them.
        seconds: Wall seconds of each component, by its name.
    """

    records: dict[str, Counter[bytes]]
    transformed: dict[str, Counter[bytes]]
    vocabularies: dict[str, list[bytes]]
    statistics: dict[tuple[str, ...], tuple]
    means: dict[tuple[str, ...], float]
    transform_graph: Path
    artifacts: dict[str, list[Artifact]]
    seconds: dict[str, float]

    def assert_same_as(self, other: BeamWork) -> None:
        """Fails where two engines made something different."""
        assert self.vocabularies == other.vocabularies
        assert self.statistics == other.statistics
        assert self.means == pytest.approx(other.means, rel=1e-9)
        for mine, theirs in ((self.records, other.records), (self.transformed, other.transformed)):
            assert mine.keys() == theirs.keys()
            for split in mine:
                assert mine[split] == theirs[split], split


def do_beam_work(spec: SequenceSpec, data: Path, folder: Path, beam_args: Sequence[str]) -> BeamWork:
    """Runs the spec's own pipeline up to Transform with LocalDagRunner, Beam with the options given."""
    store = metadata.sqlite_metadata_connection_config(str(folder / "metadata.sqlite"))
    whole = _pipeline(spec, data, folder, beam_pipeline_args=[*beam_args], metadata_connection_config=store)
    LocalDagRunner().run(whole, run_options=pipeline.RunOptions(to_nodes=["Transform"]))
    outputs = folder / "artifacts"
    [examples] = outputs.glob("SequenceExampleGen/examples/*")
    [transformed] = outputs.glob("Transform/transformed_examples/*")
    [graph] = outputs.glob("Transform/transform_graph/*")
    [statistics] = outputs.glob("StatisticsGen/statistics/*")
    [schema] = outputs.glob("AnomalyGate/validated_schema/*")
    tft_output = tft.TFTransformOutput(str(graph))
    figures, means = _figures(statistics)
    return BeamWork(
        records=_records(examples, tf.train.SequenceExample if spec.record == "SequenceExample" else tf.train.Example),
        transformed=_records(transformed, tf.train.Example),
        vocabularies={
            file.name: file.read_bytes().splitlines()
            for file in Path(tft_output.transform_savedmodel_dir, "assets").iterdir()
        },
        statistics=figures,
        means=means,
        transform_graph=Path(graph),
        artifacts={"examples": _artifacts(store, examples), "schema": _artifacts(store, schema)},
        seconds=_seconds(store),
    )


def predict_words(model: Path, data: Path, folder: Path, beam_args: Sequence[str]) -> tuple[Counter[str], float]:
    """How often each prediction comes, from the workers of an engine, and the wall seconds."""
    folder.mkdir()
    started = time.monotonic()
    rows = predict_through_beam(model, data, folder, beam_args)
    return Counter(json.dumps(row, sort_keys=True) for row in rows), time.monotonic() - started


def evaluate_words(
    spec: SequenceSpec, work: BeamWork, model: Path, folder: Path, beam_args: Sequence[str]
) -> tuple[dict[tuple[str, ...], float], float]:
    """The figures that the pipeline's Evaluator finds on an engine, by slice and metric, and the wall seconds."""
    served = standard_artifacts.Model()
    served.uri = str(folder / "model")
    Path(served.uri).mkdir(parents=True)
    Path(path_utils.serving_model_dir(served.uri)).symlink_to(model)
    made = {"evaluation": [standard_artifacts.ModelEvaluation()], "blessing": [standard_artifacts.ModelBlessing()]}
    for name, [artifact] in made.items():
        artifact.uri = str(folder / name)
    [evaluator] = [c for c in _pipeline(spec, Path("data"), folder).components if c.id == "Evaluator"]
    context = EvaluatorExecutor.Context(beam_pipeline_args=[*beam_args], tmp_dir=str(folder / "tmp"), unique_id="1")
    started = time.monotonic()
    EvaluatorExecutor(context).Do({**work.artifacts, "model": [served]}, made, dict(evaluator.exec_properties))
    seconds = time.monotonic() - started
    # Only plots have names of classes, and are left out.
    figures = read_figures(str(folder / "evaluation"), {"": [str(number) for number in range(1000)]})
    whole = {(name, metric): value for name, of in figures["slices"].items() for metric, value in of.items()}
    ranges = figures["step_ranges"].items()
    return {
        **whole,
        **{(n, steps, metric): v for n, of in ranges for steps, its in of.items() for metric, v in its.items()},
    }, seconds


def _pipeline(spec: SequenceSpec, data: Path, folder: Path, **options: Any) -> pipeline.Pipeline:
    return create_pipeline(
        spec,
        data=str(data),
        pipeline_root=str(folder / "artifacts"),
        push_destination=str(folder / "pushed"),
        splits_with_files=("train", "test"),
        **options,
    )


def _artifacts(store: Any, folder: Path) -> list[Artifact]:
    with metadata.Metadata(store) as handle:
        types = {kind.id: kind for kind in handle.store.get_artifact_types()}
        found = handle.store.get_artifacts_by_uri(str(folder))
        return [artifact_utils.deserialize_artifact(types[one.type_id], one) for one in found]


def _seconds(store: Any) -> dict[str, float]:
    with metadata.Metadata(store) as handle:
        types = {kind.id: kind.name.rpartition(".")[2] for kind in handle.store.get_execution_types()}
        return {
            types[run.type_id]: (run.last_update_time_since_epoch - run.create_time_since_epoch) / 1000
            for run in handle.store.get_executions()
        }


def _records(folder: Path, message: type) -> dict[str, Counter[bytes]]:
    found = {}
    for split in sorted(folder.glob("Split-*")):
        files = [str(file) for file in split.glob("*.gz")]
        records = tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator()
        found[split.name] = Counter(message.FromString(r).SerializeToString(deterministic=True) for r in records)
    return found


def _figures(folder: Path) -> tuple[dict[tuple[str, ...], tuple], dict[tuple[str, ...], float]]:
    exact: dict[tuple[str, ...], tuple] = {}
    means: dict[tuple[str, ...], float] = {}
    for split in sorted(folder.glob("Split-*")):
        for dataset in tfdv.load_stats_binary(str(split / "FeatureStats.pb")).datasets:
            exact[split.name,] = (dataset.num_examples,)
            for feature in dataset.features:
                key = (split.name, *feature.path.step)
                kind = getattr(feature, feature.WhichOneof("stats"))
                common = kind.common_stats
                figures = (
                    *(common.num_non_missing, common.num_missing, common.min_num_values, common.max_num_values),
                    common.tot_num_values,
                )
                if feature.HasField("num_stats"):
                    figures += (kind.min, kind.max, kind.num_zeros)
                    means |= {(*key, "mean"): kind.mean, (*key, "std_dev"): kind.std_dev}
                elif feature.HasField("string_stats"):
                    figures += (tuple((top.value, top.frequency) for top in kind.top_values),)
                exact[key] = figures
    return exact, means
