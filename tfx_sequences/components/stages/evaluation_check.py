"""Runs after the Evaluator: checks that it counted each record and each real step of the split exactly once, and
computes the metrics of naive answers.

Both use the records that Transform wrote.
"""

# No `from __future__ import annotations` here: TFX reads the annotations themselves.
import json
import os

import tensorflow as tf
from absl import logging
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import artifact_utils
from tfx.types.standard_artifacts import Examples, Model, ModelEvaluation, TransformGraph
from tfx.utils import io_utils, path_utils

from tfx_sequences.components.evaluation.names import CUT_STEP_COUNT, STEP_COUNT, WHOLE, tfma_name_of_head
from tfx_sequences.components.evaluation.result import read_figures
from tfx_sequences.components.naive.answers import LEFT_OUT, naive_answers_of_files
from tfx_sequences.components.records.opening import record_datasets
from tfx_sequences.components.serving.model_card import MODEL_CARD, check_model, spec_of_card
from tfx_sequences.components.transform.length_histogram import read_histogram
from tfx_sequences.components.transform.transform_output import TransformOutput
from tfx_sequences.errors import TfxSequencesError
from tfx_sequences.schemas.columns.names import SEQUENCE_LENGTH
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.spec_io import spec_from_json

FIGURES, NAIVE = "figures.json", "naive.json"
_BATCH = 4096


class CountError(TfxSequencesError):
    """The Evaluator did not count each record of the split exactly once."""


@component
def EvaluationCheck(
    evaluation: InputArtifact[ModelEvaluation],
    model: InputArtifact[Model],
    transformed_examples: InputArtifact[Examples],
    transform_graph: InputArtifact[TransformGraph],
    figures: OutputArtifact[ModelEvaluation],
    spec: Parameter[str],
    code_digest: Parameter[str],
) -> None:
    """Writes the Evaluator's metrics as JSON, if their counts match the split, and the metrics of naive answers.

    Args:
        evaluation: The Evaluator's output.
        model: The evaluated model.
        transformed_examples: Transform's output; `test` is counted, and `train` is used for naive answers.
        transform_graph: Transform's output.
        figures: `figures.json`, see `read_figures`, with `records` and `steps` as counted here; `naive.json`, see
            `naive_answers`.
        spec: The spec's JSON, with the sections that Transform and Trainer read.
        code_digest: Digest of our code; it changes when the code does.

    Raises:
        CountError: A record or step counts twice or not at all.
        SpecError: The model was trained with a spec that reads or labels records differently.
    """
    del code_digest
    card = json.loads(io_utils.read_string_file(os.path.join(path_utils.serving_model_path(model.uri), MODEL_CARD)))
    check_model(card, spec_from_json(spec), model="the evaluated model")
    trained_with = spec_of_card(card, model.uri)
    classes = {tfma_name_of_head(trained_with, head): names for head, names in card["classes"].items()}
    found = read_figures(evaluation.uri, classes)
    train, test = (_files(transformed_examples, split) for split in ("train", "test"))
    found |= count_split(test)
    failures = find_miscounts(found, trained_with)
    if failures:
        raise CountError("The Evaluator miscounted the test split: " + "; ".join(failures))
    io_utils.write_string_file(os.path.join(figures.uri, FIGURES), json.dumps(found))
    lengths = read_histogram(TransformOutput(transform_graph.uri))
    naive = naive_answers_of_files(trained_with, card["classes"], train, test, lengths)
    for words in naive[LEFT_OUT]:
        logging.warning("A naive answer was skipped: %s", words)
    io_utils.write_string_file(os.path.join(figures.uri, NAIVE), json.dumps(naive))


def _files(examples: Examples, split: str) -> list[str]:
    return sorted(tf.io.gfile.glob(os.path.join(artifact_utils.get_split_uri([examples], split), "*")))


def count_split(files: list[str]) -> dict[str, int]:
    """Counts the records of a transformed split and their steps, including those the network does not read."""
    counts = {"records": 0, "steps": 0}
    parser = {SEQUENCE_LENGTH: tf.io.FixedLenFeature([], tf.int64)}
    for records in record_datasets(files):
        for batch in records.batch(_BATCH):
            lengths = tf.io.parse_example(batch, parser)[SEQUENCE_LENGTH]
            counts["records"] += int(tf.size(lengths))
            counts["steps"] += int(tf.reduce_sum(lengths))
    return counts


def find_miscounts(found: dict, spec: SequenceSpec) -> list[str]:
    """Describes where the metrics do not count each record and each step exactly once.

    Args:
        found: Metrics as returned by `read_figures`, with `records` and `steps` of the split.
        spec: The spec.

    >>> spec = SequenceSpec(name="s", sequence={"x": {"type": "numeric"}}, label={"key": "y"})
    >>> whole = {"example_count": 2.0, "step_count": 6.0, "cut_step_count": 1.0}
    >>> found = {"records": 2, "steps": 8, "slices": {"all": whole}, "step_ranges": {}}
    >>> find_miscounts(found, spec)
    ['step_count and cut_step_count add up to 7, but the split has 8 steps']
    """
    whole = found["slices"][WHOLE]
    records, steps = whole.get("example_count", 0), whole.get(STEP_COUNT, 0) + whole.get(CUT_STEP_COUNT, 0)
    failures = []
    if records != found["records"]:
        failures.append(f"example_count is {records:g}, but the split has {found['records']} records")
    if steps != found["steps"]:
        names = f"{STEP_COUNT} and {CUT_STEP_COUNT}"
        failures.append(f"{names} add up to {steps:g}, but the split has {found['steps']} steps")
    # Slices by length partition the records, and position ranges the steps: both must add up to the total.
    by_length = [metrics for name, metrics in found["slices"].items() if name.startswith("length=")]
    for name in ("example_count", STEP_COUNT, CUT_STEP_COUNT) if by_length else ():
        total = sum(metrics.get(name, 0) for metrics in by_length)
        if total != whole.get(name, 0):
            failures.append(
                f"{name} is {total:g} over the slices by length, but {whole.get(name, 0):g} over all records"
            )
    for head in spec.heads:
        name = spec.metric_name(head, STEP_COUNT)
        counts = [its[name] for its in found["step_ranges"].get(WHOLE, {}).values() if name in its]
        if counts and sum(counts) != whole.get(STEP_COUNT, 0):
            failures.append(
                f"{name} is {sum(counts):g} over the ranges of steps, but {whole[STEP_COUNT]:g} over all steps"
            )
    return failures
