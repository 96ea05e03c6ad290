import json

import pytest

from tfx_sequences.errors import SpecError
from tfx_sequences.pipeline.create import create_pipeline
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

BUILDER = """\
import keras

def build(spec, statistics, inputs, use_cudnn):
    return inputs.network(pooled=keras.layers.GlobalMaxPooling1D()(inputs.steps))
"""


def trainer_parameters(builder):
    spec = SequenceSpec(name="s", sequence={"x": {"type": "numeric"}}, label={"key": "y"}, model={"builder": builder})
    pipeline = create_pipeline(spec, data="d", pipeline_root="r", push_destination="p")
    [trainer] = [c for c in pipeline.components if c.id == "SequenceTrainer"]
    return trainer.exec_properties["custom_config"]


def test_an_edit_of_the_users_network_is_a_new_parameter_of_the_trainer(tmp_path, monkeypatch):
    from tfx_sequences.code_digest import code_digest

    module = tmp_path / "an_edited_network.py"
    module.write_text(BUILDER)
    monkeypatch.syspath_prepend(tmp_path)
    before = trainer_parameters("an_edited_network.build")
    assert trainer_parameters("an_edited_network.build") == before
    module.write_text(BUILDER + "# edited\n")
    code_digest.cache_clear()  # as a new process begins
    assert trainer_parameters("an_edited_network.build") != before


def test_a_network_that_cannot_be_found_is_refused_before_anything_runs():
    with pytest.raises(SpecError, match="the module 'nowhere_at_all' does not exist"):
        trainer_parameters("nowhere_at_all.build")


@pytest.mark.parametrize(
    ("splits", "files", "may_rotate"),
    [
        ({}, ("train",), True),
        ({}, ("train", "valid"), False),
        ({"group": "user"}, ("train",), False),
        ({"time": "day", "valid_from": 1, "test_from": 2}, ("train",), False),
    ],
)
def test_validation_does_not_rotate_through_records_that_a_group_or_a_time_keeps_apart(splits, files, may_rotate):
    parts = {"sequence": {"x": {"type": "numeric"}}, "label": {"key": "y"}, "splits": splits}
    spec = SequenceSpec.model_validate({"name": "s", **parts})
    pipeline = create_pipeline(spec, data="d", pipeline_root="r", push_destination="p", splits_with_files=files)
    [trainer] = [c for c in pipeline.components if c.id == "SequenceTrainer"]
    assert json.loads(trainer.exec_properties["custom_config"])["valid_is_held_back"] is may_rotate
