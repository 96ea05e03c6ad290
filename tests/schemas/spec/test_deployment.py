import pytest

from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.spec.deployment import Deployment, load_deployment

TEXT = """\
defaults: {cpu: 4, memory_gb: 16, beam_args: [--direct_num_workers=1]}
components:
  SequenceTrainer:
    cpu: 8
    accelerator: {type: NVIDIA_TESLA_T4, count: 2}
  Transform:
    beam_args: []
"""


def load(tmp_path, text):
    path = tmp_path / "deployment.yaml"
    path.write_text(text)
    return load_deployment(path)


def test_what_a_component_says_takes_the_place_of_the_defaults(tmp_path):
    deployment = load(tmp_path, TEXT)
    trainer, transform, other = (deployment.of(n) for n in ("SequenceTrainer", "Transform", "Evaluator"))
    assert (trainer.cpu, trainer.memory_gb, trainer.accelerator.count) == (8, 16, 2)
    assert transform.beam_args == ()
    assert other.beam_args == ("--direct_num_workers=1",)
    deployment.check(["SequenceTrainer", "Transform"], ["Transform"])


def test_an_empty_file_is_no_wish(tmp_path):
    assert load(tmp_path, "# nothing yet\n") == Deployment()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("components:\n  Transform:\n    memory: 3\n", "line 3: components.Transform: Unknown key 'memory'. Did you"),
        ("default: {cpu: 1}\n", "line 1: the deployment: Unknown key 'default'. Did you mean 'defaults'"),
        ("components:\n  Transform: {cpu: 0}\n", "line 2: components.Transform.cpu: Input should be greater than 0"),
        ("components:\n  T: {cpu: '2'}\n", "line 2: components.T.cpu: Input should be a valid number"),
        ("components:\n  T:\n    accelerator: {count: 1}\n", "components.T.accelerator.type: missing"),
        ("components:\n  T: {beam_args: [runner=X]}\n", "'runner=X' is not a Beam option"),
        ("- a\n", "is not a deployment"),
        ("a: [\n", "is not YAML"),
    ],
)
def test_the_message_names_line_and_key(tmp_path, text, message):
    with pytest.raises(UserInputError) as caught:
        load(tmp_path, text)
    assert message in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UserInputError, match="cannot be read: No such file"):
        load_deployment(tmp_path / "none.yaml")
