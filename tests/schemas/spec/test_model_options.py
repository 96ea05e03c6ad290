"""The section `model`: its layers by type, and what is refused."""

import pydantic
import pytest

from tfx_sequences.schemas.spec.model_options import Conv1DLayer, DenseLayer, Model


def test_layers_are_told_apart_by_their_type():
    model = Model(front=[{"type": "dense", "units": 3}, {"type": "conv1d", "filters": 2, "padding": "same"}])
    assert model.front == (
        DenseLayer(type="dense", units=3),
        Conv1DLayer(type="conv1d", filters=2, kernel_size=3, padding="same"),
    )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"front": [{"type": "pool"}]}, "'dense', 'conv1d'"),
        ({"front": [{"type": "dense", "units": 3, "filters": 2}]}, "Unknown key 'filters'"),
        ({"front": [{"type": "conv1d", "filters": 2, "activation": "softmax"}]}, "activation"),
        ({"cell": "rnn"}, "'lstm', 'gru' or 'simple_rnn'"),
        ({"units": ()}, "at least 1"),
        ({"units": (4, 0)}, "greater than 0"),
        ({"dropout": 1.0}, "less than 1"),
        ({"ensemble": 65}, "less than or equal to 64"),
        ({"builder": "build"}, "pattern"),
        ({"builder": "my-package.build"}, "pattern"),
    ],
)
def test_what_no_network_can_have_is_refused(fields, message):
    with pytest.raises(pydantic.ValidationError, match=message):
        Model(**fields)


def test_a_builder_is_a_dotted_name():
    assert Model(builder="my_package.networks.build").builder == "my_package.networks.build"
