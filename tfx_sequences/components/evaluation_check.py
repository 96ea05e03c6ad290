"""The check behind the Evaluator: did each record and each real step of the split count exactly once?

What it is compared with is counted anew, in the records that Transform wrote.
"""

# No `from __future__ import annotations` here: TFX reads the annotations themselves.
import json
import os

import tensorflow as tf
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import artifact_utils
from tfx.types.standard_artifacts import Examples, Model, ModelEvaluation
from tfx.utils import io_utils, path_utils

from tfx_sequences.components.evaluation import CUT_STEP_COUNT, STEP_COUNT, tfma_name_of_head
from tfx_sequences.components.evaluation_result import WHOLE, read_figures
from tfx_sequences.components.serving import MODEL_CARD
from tfx_sequences.errors import TfxSequencesError
from tfx_sequences.schemas.spec import SequenceSpec
from tfx_sequences.schemas.spec_io import spec_from_json
from tfx_sequences.schemas.transformed_features import SEQUENCE_LENGTH

FIGURES = "figures.json"
_BATCH = 4096


class CountError(TfxSequencesError):
    """The Evaluator's figures are not of the records of the split, each once."""


@component
def EvaluationCheck(
    evaluation: InputArtifact[ModelEvaluation],
    model: InputArtifact[Model],
    transformed_examples: InputArtifact[Examples],
    figures: OutputArtifact[ModelEvaluation],
    code_digest: Parameter[str],
) -> None:
    """Writes the Evaluator's figures as JSON, if their counts are those of the split.

    Args:
        evaluation: The Evaluator's.
        model: The evaluated model.
        transformed_examples: Transform's; `test` is counted.
        figures: `figures.json`, see `read_figures`; `records` and `steps` as counted here.
        code_digest: Changes when our code does.

    Raises:
        CountError: A record or step counts twice or not at all.
    """
    del code_digest
    card = json.loads(io_utils.read_string_file(os.path.join(path_utils.serving_model_path(model.uri), MODEL_CARD)))
    spec = spec_from_json(json.dumps(card["spec"]))
    classes = {tfma_name_of_head(spec, head): names for head, names in card["classes"].items()}
    found = read_figures(evaluation.uri, classes)
    split = artifact_utils.get_split_uri([transformed_examples], "test")
    found |= count_split(split, spec.batching.max_length)
    failures = find_miscounts(found, spec)
    if failures:
        raise CountError("The Evaluator miscounted the test split: " + "; ".join(failures))
    io_utils.write_string_file(os.path.join(figures.uri, FIGURES), json.dumps(found))


def count_split(directory: str, max_length: int | None) -> dict[str, int]:
    """Records, real steps of them up to `max_length`, and steps behind it, of a split of transformed records."""
    counts = {"records": 0, "steps": 0, "cut_steps": 0}
    files = tf.io.gfile.glob(os.path.join(directory, "*"))
    parser = {SEQUENCE_LENGTH: tf.io.FixedLenFeature([], tf.int64)}
    for batch in tf.data.TFRecordDataset(sorted(files), compression_type="GZIP").batch(_BATCH):
        lengths = tf.io.parse_example(batch, parser)[SEQUENCE_LENGTH]
        kept = lengths if max_length is None else tf.minimum(lengths, max_length)
        for name, number in (
            ("records", tf.size(lengths)),
            ("steps", tf.reduce_sum(kept)),
            ("cut_steps", tf.reduce_sum(lengths - kept)),
        ):
            counts[name] += int(number)
    return counts


def find_miscounts(found: dict, spec: SequenceSpec) -> list[str]:
    """What in the figures is not of each record and each step once, in words.

    Args:
        found: As of `read_figures`, with `records`, `steps` and `cut_steps` of the split.
        spec: The spec.

    >>> spec = SequenceSpec(name="s", sequence={"x": {"type": "numeric"}}, label={"key": "y"})
    >>> whole = {"example_count": 2.0, "step_count": 7.0, "cut_step_count": 0.0}
    >>> found = {"records": 2, "steps": 8, "cut_steps": 0, "slices": {"all": whole}, "step_ranges": {}}
    >>> find_miscounts(found, spec)
    ['step_count is 7 of all records, the split has 8']
    """
    whole = found["slices"][WHOLE]
    expected = {"example_count": found["records"], STEP_COUNT: found["steps"], CUT_STEP_COUNT: found["cut_steps"]}
    failures = [
        f"{name} is {whole.get(name, 0):g} of all records, the split has {number}"
        for name, number in expected.items()
        if whole.get(name, 0) != number
    ]
    # Slices by length part the records, ranges of positions the steps: they make up the whole again.
    by_length = [metrics for name, metrics in found["slices"].items() if name.startswith("length=")]
    for name in expected if by_length else ():
        total = sum(metrics.get(name, 0) for metrics in by_length)
        if total != whole.get(name, 0):
            failures.append(f"{name} is {total:g} over the slices by length, {whole.get(name, 0):g} of all records")
    for head in spec.heads:
        name = spec.metric_name(head, STEP_COUNT)
        counts = [its[name] for its in found["step_ranges"].get(WHOLE, {}).values() if name in its]
        if counts and sum(counts) != found["steps"]:
            failures.append(f"{name} is {sum(counts):g} over the ranges of steps, the split has {found['steps']}")
    return failures
