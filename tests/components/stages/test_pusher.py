"""The Pusher: blessed models go to a folder whose root the run decides."""

import pytest
from tfx.types import standard_artifacts

from tests.components.stages.artifacts import artifact, standard_channel
from tfx_sequences.components.stages.pusher import Executor, SequencePusher


@pytest.fixture
def pushing(tmp_path):
    def push(folder, *, blessed=1, **set_anew):
        model = artifact(standard_artifacts.Model, tmp_path / "model")
        file = tmp_path / "model" / "Format-Serving" / "saved_model.pb"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"a model")
        blessing = artifact(standard_artifacts.ModelBlessing, tmp_path / "blessing")
        blessing.set_int_custom_property("blessed", blessed)
        infra_blessing = artifact(standard_artifacts.InfraBlessing, tmp_path / "infra")
        infra_blessing.set_int_custom_property("blessed", 1)
        infra_blessing.set_string_custom_property("blessing_status", "INFRA_BLESSED")
        inputs = {"model": model, "model_blessing": blessing, "infra_blessing": infra_blessing}
        channels = {name: standard_channel(value) for name, value in inputs.items()}
        component = SequencePusher(**channels, folder=folder, code_digest="d1", output_root=str(tmp_path / "root"))
        pushed = artifact(standard_artifacts.PushedModel, tmp_path / "pushed")
        executor = Executor(Executor.Context(tmp_dir=str(tmp_path / "tmp"), unique_id="1"))
        properties = {**component.exec_properties, **set_anew}
        executor.Do({name: [value] for name, value in inputs.items()}, {"pushed_model": [pushed]}, properties)
        return pushed

    return push


@pytest.mark.parametrize("set_anew", [{}, {"output_root": "other"}])
def test_a_relative_folder_is_below_the_root(pushing, tmp_path, set_anew):
    set_anew = {name: str(tmp_path / value) for name, value in set_anew.items()}
    pushing("models", **set_anew)
    [version] = (tmp_path / ("other" if set_anew else "root") / "models").iterdir()
    assert version.name.isdigit()
    assert (version / "saved_model.pb").read_bytes() == b"a model"


def test_an_absolute_folder_is_taken_as_it_is(pushing, tmp_path):
    pushing(str(tmp_path / "elsewhere"))
    assert len(list((tmp_path / "elsewhere").iterdir())) == 1
    assert not (tmp_path / "root").exists()


def test_a_model_that_is_not_blessed_is_not_pushed(pushing, tmp_path):
    pushed = pushing("models", blessed=0)
    assert pushed.get_int_custom_property("pushed") == 0
    assert not (tmp_path / "root").exists()
