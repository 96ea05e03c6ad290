"""A baseline that cannot be asked what the new model is asked is told by its version, before anything is evaluated."""

import json
import shutil

import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
from tensorflow.core.protobuf import saved_model_pb2

from tests.everything import everything_spec
from tfx_sequences import __version__
from tfx_sequences.components.evaluation.config import make_eval_config
from tfx_sequences.components.evaluation.extractors import custom_extractors
from tfx_sequences.errors import UserInputError


@pytest.fixture
def earlier(exported_everything, tmp_path):
    """A model that another version exported, and how to change its signature."""
    folder = shutil.copytree(exported_everything[1], tmp_path / "earlier")
    card = json.loads((folder / "tfx_sequences.json").read_text())
    (folder / "tfx_sequences.json").write_text(json.dumps({**card, "tfx_sequences_version": "0.0.7"}))

    def edit(change):
        saved = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
        change(saved.meta_graphs[0].signature_def)
        (folder / "saved_model.pb").write_bytes(saved.SerializeToString())
        return str(folder)

    return edit


def extractors(candidate, baseline):
    """As the Evaluator asks for them."""
    config = make_eval_config(everything_spec(evaluation={"baseline": {"loss": {"max_rise": 0.1}}}))
    config.model_specs[0].name = "candidate"
    config.model_specs.add().CopyFrom(config.model_specs[0])
    config.model_specs[1].name, config.model_specs[1].is_baseline = "baseline", True
    models = [
        tfma.default_eval_shared_model(eval_saved_model_path=str(path), eval_config=config, model_name=name)
        for name, path in (("candidate", candidate), ("baseline", baseline))
    ]
    return custom_extractors(models, config, None)


def without_signature(signatures):
    del signatures["evaluation_outputs"]


def without_counts(signatures):
    del signatures["evaluation_outputs"].outputs["cut_steps"]


def fewer_sums(signatures):
    signatures["evaluation_outputs"].outputs["sums"].tensor_shape.dim[1].size = 3


def other_dtype(signatures):
    signatures["evaluation_outputs"].outputs["sequence_length"].dtype = tf.float32.as_datatype_enum


@pytest.mark.parametrize(
    ("change", "received"),
    [
        (without_signature, "no such signature"),
        (without_counts, "no output 'cut_steps'"),
        (fewer_sums, "output 'sums' has 3 sums, not 2003"),
        (other_dtype, "output 'sequence_length' has type float32, not int64"),
    ],
)
def test_a_baseline_of_another_version_is_told(exported_everything, earlier, change, received):
    folder = earlier(change)
    with pytest.raises(UserInputError) as told:
        extractors(exported_everything[1], folder)
    assert told.value.what == f"Cannot compare with the last blessed model, {folder}."
    assert told.value.received == f"{received}; tfx-sequences 0.0.7 exported it, but this is {__version__}"
    assert "without evaluation.baseline" in told.value.fix


def test_a_baseline_with_the_same_outputs_is_taken(exported_everything, earlier):
    names = [e.stage_name for e in extractors(exported_everything[1], earlier(lambda signatures: None))]
    assert "ExtractSteps" in names
